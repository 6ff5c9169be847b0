"""What is generated from a compiled library: the Python side of cffi and uniffi bindings.

The commands are started through ``process.py``; what each says becomes the reason when it fails.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.errors import ToolError, WheelmatrixError
from matrix.model import Artifact, Build, Command, Outcome
from matrix.process import Completed, capture, run
from matrix.project.locate import read_toml
from matrix.running.bench import Bench, without_foreign_jobserver

__all__ = ["check_generators", "generated", "plain_declarations"]

TIMEOUT = 600.0  # seconds; cbindgen reads every crate that it follows
LINES = 10  # of a tool's words in an error
_NO_CFFI = 3
_RECOMPILE = """\
import sys
try:
    import cffi
    from cffi import recompiler
except ImportError:
    sys.exit(3)
ffi = cffi.FFI()
with open(sys.argv[1], encoding="utf-8") as header:
    ffi.cdef(header.read())
recompiler.make_py_source(ffi, "ffi", sys.argv[2])
"""
_BINDGEN = (
    "add a program of that name whose main function calls uniffi::uniffi_bindgen_main() (feature uniffi/cli), or put"
    " one of the locked uniffi's version on PATH"
)
_CBINDGEN = "cargo install cbindgen, or lay a header of your own at target/header.h, or have build.rs write it"


def check_generators(build: Build, bench: Bench) -> None:
    """See, before anything is compiled, that what must run afterwards is there.

    A build script may yet write the header, as maturin's guide shows it.

    Raises:
        ToolError: It is not.
    """
    if build.bindings == "cffi" and not _header(bench).is_file() and not _has_build_script(build, bench):
        _check_cbindgen()
    if build.bindings == "uniffi" and not build.bindgen and shutil.which("uniffi-bindgen") is None:
        raise ToolError("uniffi bindings need uniffi-bindgen, which is missing", hint=_BINDGEN)


def _check_cbindgen() -> None:
    if shutil.which("cbindgen") is None:
        raise ToolError("cffi bindings need cbindgen, which is missing", hint=_CBINDGEN)


def _has_build_script(build: Build, bench: Bench) -> bool:
    manifest = bench.root / build.manifest
    named = read_toml(manifest).get("package", {}).get("build", True)  # false turns build.rs off
    return isinstance(named, str) or (bool(named) and manifest.with_name("build.rs").is_file())


async def generated(build: Build, bench: Bench, outcome: Outcome) -> Outcome:
    """Return the outcome of a good build with what is generated from its library.

    Args:
        build: The build.
        bench: What every build needs.
        outcome: Its outcome; the artifacts are staged, and what is generated goes beside them.

    Raises:
        WheelmatrixError: A tool is missing or fails.
        OSError: A file cannot be written.
    """
    if build.bindings not in {"cffi", "uniffi"}:
        return outcome
    folder = bench.workshop.staging / build.id / "generated"
    await anyio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
    made = await (_cffi if build.bindings == "cffi" else _uniffi)(build, bench, folder, outcome)
    artifacts = (*outcome.artifacts, *(Artifact(path=str(path), kind="generated", crate=path.name) for path in made))
    return msgspec.structs.replace(outcome, artifacts=artifacts)


def plain_declarations(header: str) -> str:
    r"""Return a header without what cffi does not read: includes, conditions, guards.

    >>> plain_declarations("#ifndef X\n#define X\n#include <stdint.h>\n#define N 3\nint f(void);\n#endif\n")
    '#define N 3\nint f(void);\n'
    """
    kept = [line for line in header.splitlines(keepends=True) if not line.lstrip().startswith("#") or _constant(line)]
    return "".join(kept)


def _constant(line: str) -> bool:
    return re.match(r"\s*#\s*define\s+\w+\s+-?\w+\s*$", line) is not None


def _header(bench: Bench) -> Path:
    """Return where a header of the project's own would lie: in cargo's target directory, as for maturin."""
    return bench.workshop.base.parent / "header.h"


async def _cffi(build: Build, bench: Bench, folder: Path, outcome: Outcome) -> tuple[Path, ...]:
    del outcome  # the header speaks of the source
    header = _header(bench)
    if not header.is_file():
        _check_cbindgen()
        header = folder / "header.h"
        crate = (bench.root / build.manifest).parent
        argv = ["cbindgen", "--quiet", "--lang", "c", "--crate", build.crate, "--output", str(header), str(crate)]
        ran = await capture(Command(argv=tuple(argv), cwd=str(crate)), root=bench.root, timeout=TIMEOUT)
        if ran.exit:
            raise _failed("cbindgen", ran, "see what it says of cbindgen.toml and the crate's source")
        text = await anyio.to_thread.run_sync(lambda: header.read_text(encoding="utf-8"))
        await anyio.to_thread.run_sync(lambda: header.write_text(plain_declarations(text), encoding="utf-8"))
    out = folder / "ffi.py"
    for python in bench.generators or (sys.executable,):
        command = Command(argv=(python, "-c", _RECOMPILE, str(header), str(out)), env={"PYTHONIOENCODING": "utf-8"})
        ran = await capture(command, root=bench.root, timeout=TIMEOUT)
        if ran.exit == 0:
            return (out,)
        if ran.exit != _NO_CFFI:
            raise _failed(f"cffi does not read {header.name}", ran, "it knows plain C declarations alone")
    raise ToolError(
        f"cffi bindings need the Python package cffi, which none of these has: {', '.join(bench.generators)}",
        hint="pip install cffi, or 'wheelmatrix[cffi]'",
    )


async def _uniffi(build: Build, bench: Bench, folder: Path, outcome: Outcome) -> tuple[Path, ...]:
    """Have ``uniffi-bindgen`` read the library: it holds the interface, from macros and UDL files alike."""
    library = outcome.artifacts[0].path
    crate = (bench.root / build.manifest).parent
    argv = (*_bindgen(build, bench), "generate", "--no-format", "--library", library)
    argv += ("--language", "python", "--out-dir", str(folder))
    tail: list[str] = []

    def keep(line: str) -> str:
        tail.append(line)
        return line

    with bench.pool.handoff() as handoff:
        env = {"CARGO": bench.cargo, "CARGO_BUILD_BUILD_DIR": str(bench.workshop.lane(build.id))}
        env["CARGO_MAKEFLAGS"] = handoff.makeflags
        command = without_foreign_jobserver(Command(argv=argv, cwd=str(crate), env={**env, "CARGO_BUILD_TARGET": None}))
        ended = await run(
            command,
            root=bench.root,
            on_stdout=keep,
            on_stderr=keep,
            log=bench.workshop.log(f"{build.id}.bindgen"),
            timeout=build.settings.timeout or TIMEOUT,
            pass_fds=handoff.pass_fds,
        )
    if ended.exit or ended.timed_out:
        raise _failed("uniffi-bindgen", Completed(exit=ended.exit or 1, stdout="", stderr="\n".join(tail)), _BINDGEN)
    made = await anyio.to_thread.run_sync(lambda: tuple(sorted(folder.glob("*.py"))))
    if not made:
        raise WheelmatrixError("uniffi-bindgen wrote no Python module", hint="does the crate export anything?")
    return made


def _bindgen(build: Build, bench: Bench) -> tuple[str, ...]:
    """Return what runs ``uniffi-bindgen``: the workspace's own, compiled for this machine, else the one on PATH."""
    if not build.bindgen:
        return ("uniffi-bindgen",)
    features = build.settings.feature_args if build.bindgen == build.crate else ()  # they are the crate's
    manifest, lane = str(bench.root / build.manifest), str(bench.workshop.lane(build.id))
    argv = [bench.cargo, "run", "--quiet", "--manifest-path", manifest, "--target-dir", lane]
    argv += ["--package", build.bindgen, "--bin", "uniffi-bindgen", *features, *bench.cargo_flags, "--"]
    return tuple(argv)


def _failed(what: str, ran: Completed, hint: str) -> WheelmatrixError:
    said = [line for line in (ran.stderr or ran.stdout).splitlines() if line.strip()][-LINES:]
    return WheelmatrixError(f"{what}: {said[-1] if said else f'exit code {ran.exit}'}", hint=hint)
