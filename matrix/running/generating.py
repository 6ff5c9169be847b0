"""What is generated from a compiled library: the Python side of cffi and uniffi bindings.

The commands are started through ``process.py``; what each says becomes the reason when it fails.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.driver import build_dir_args
from matrix.errors import WheelmatrixError
from matrix.model import Artifact, Build, Command, Outcome
from matrix.process import Completed, capture, run
from matrix.running.bench import Bench, without_foreign_jobserver
from matrix.running.cbindgen import find_cbindgen, may_install
from matrix.running.generators import NO_BINDGEN, header_of, no_cbindgen, no_cffi
from matrix.running.preparing import install_cbindgen

__all__ = ["generated", "plain_declarations"]

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


async def _cffi(build: Build, bench: Bench, folder: Path, outcome: Outcome) -> tuple[Path, ...]:
    del outcome  # the header speaks of the source
    header = header_of(bench.target_dir)
    if not header.is_file():
        program = await _cbindgen(build, bench)
        header = folder / "header.h"
        crate = (bench.root / build.manifest).parent
        argv = [program, "--quiet", "--lang", "c", "--crate", build.crate, "--output", str(header), str(crate)]
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
    raise no_cffi(bench.generators)


async def _cbindgen(build: Build, bench: Bench) -> str:
    """Return the cbindgen to call; where a build script might have written the header, it is installed only now."""
    found = find_cbindgen(bench.cache, bench.host, os.environ)
    if found is None and may_install(bench.host):
        failure = await install_cbindgen([build.id], bench)
        if failure is not None:
            raise WheelmatrixError(failure.reason or "cbindgen cannot be installed", hint=failure.hint)
        found = find_cbindgen(bench.cache, bench.host, os.environ)
    if found is None:
        raise no_cbindgen()
    return found


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
        env = {"CARGO": bench.cargo, "CARGO_MAKEFLAGS": handoff.makeflags}
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
        raise _failed("uniffi-bindgen", Completed(exit=ended.exit or 1, stdout="", stderr="\n".join(tail)), NO_BINDGEN)
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
    argv += ["--package", build.bindgen, "--bin", "uniffi-bindgen", *features, *bench.cargo_flags]
    argv += [*build_dir_args(lane), "--"]
    return tuple(argv)


def _failed(what: str, ran: Completed, hint: str) -> WheelmatrixError:
    said = [line for line in (ran.stderr or ran.stdout).splitlines() if line.strip()][-LINES:]
    return WheelmatrixError(f"{what}: {said[-1] if said else f'exit code {ran.exit}'}", hint=hint)
