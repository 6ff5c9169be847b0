"""What is generated from a compiled library: the Python side of cffi bindings.

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
from matrix.process import Completed, capture
from matrix.running.bench import Bench

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
_CBINDGEN = "cargo install cbindgen, or lay a header of your own at target/header.h"


def check_generators(build: Build, bench: Bench) -> None:
    """See, before anything is compiled, that what must run afterwards is there.

    Raises:
        ToolError: It is not.
    """
    if build.bindings == "cffi" and not _header(bench).is_file() and shutil.which("cbindgen") is None:
        raise ToolError("cffi bindings need cbindgen, which is missing", hint=_CBINDGEN)


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
    if build.bindings != "cffi":
        return outcome
    folder = bench.workshop.staging / build.id / "generated"
    await anyio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
    made = await _cffi(build, bench, folder)
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


async def _cffi(build: Build, bench: Bench, folder: Path) -> tuple[Path, ...]:
    header = _header(bench)
    if not header.is_file():
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


def _failed(what: str, ran: Completed, hint: str) -> WheelmatrixError:
    said = [line for line in (ran.stderr or ran.stdout).splitlines() if line.strip()][-LINES:]
    return WheelmatrixError(f"{what}: {said[-1] if said else f'exit code {ran.exit}'}", hint=hint)
