"""Type stubs beside a module, read from its binary as soon as it is built."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.errors import WheelmatrixError
from matrix.model import Artifact, Build, Outcome, Target
from matrix.running.bench import Bench

__all__ = ["with_stubs"]

_BIG_ENDIAN = ("s390x", "powerpc-", "powerpc64-", "mips-", "mips64-", "sparc")


async def with_stubs(build: Build, bench: Bench, outcome: Outcome) -> Outcome:
    """Return the outcome of a good build with the stubs of its module, where they are wanted.

    Args:
        build: The build.
        bench: What every build needs; names the module.
        outcome: Its outcome; the artifacts are staged, and the stubs go beside them.

    Raises:
        WheelmatrixError: The binary does not describe the module.
        OSError: A file cannot be read or written.
    """
    if not bench.stubs:
        return outcome
    library = next(Path(one.path) for one in outcome.artifacts if one.kind == "cdylib")
    folder = bench.workshop.staging / build.id / "stubs"
    made = await anyio.to_thread.run_sync(_write, library, bench.stubs, build.target, folder)
    return msgspec.structs.replace(outcome, artifacts=(*outcome.artifacts, *made))


def _write(library: Path, module: str, target: Target, folder: Path) -> tuple[Artifact, ...]:
    from matrix.introspection import stub_files  # noqa: PLC0415 - few builds want stubs

    files = stub_files(library.read_bytes(), module, big_endian=target.triple.startswith(_BIG_ENDIAN))
    if not files:
        raise WheelmatrixError(
            f"the binary says nothing of a module named {module!r}, so it has no stubs (--generate-stubs)",
            hint="turn on pyo3's feature experimental-inspect (pyo3 0.29 or newer), and see the module's name",
        )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return tuple(Artifact(path=str(folder / name), kind="stub", crate=name) for name in files)
