"""Libraries of the image that a build was made in, copied out of it when what was built needs them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.driver import BROUGHT
from matrix.errors import WheelmatrixError
from matrix.events import Note
from matrix.model import Artifact, Build
from matrix.process import capture
from matrix.running.bench import Bench

__all__ = ["brought"]

_TIMEOUT = 120.0  # seconds


async def brought(build: Build, bench: Bench, artifacts: tuple[Artifact, ...], lane: Path) -> tuple[Artifact, ...]:
    """Return the artifacts with the directory of the image's libraries among their linked paths.

    Nothing is copied for a build of this machine, nor for one that needs no library which levels do not allow.

    Args:
        build: The build.
        bench: What every build needs.
        artifacts: What it made, in a directory of its own.
        lane: Its lane, held by the caller.
    """
    driver = bench.drivers[build.driver]
    if build.target.os != "linux" or not driver.host_of(build):
        return artifacts
    if not await anyio.to_thread.run_sync(_lacks, build, artifacts):
        return artifacts
    from matrix.repairing.places import linked_directories  # noqa: PLC0415 - few builds need it

    folder = bench.workshop.staging / build.id
    linked = [str(path) for path in linked_directories(path for one in artifacts for path in one.linked_paths)]
    command = driver.bring(build, bench.place(build, lane), str(folder), linked)
    if command is None:
        return artifacts
    said = await capture(command, root=bench.root, timeout=_TIMEOUT)
    if said.exit:
        words = (said.stderr.strip().splitlines() or [f"exit {said.exit}"])[-1]
        bench.bus.emit(Note(level="warning", text=f"libraries of the image cannot be copied: {words}", build=build.id))
        return artifacts
    path = f"native={lane / BROUGHT}"
    return tuple(msgspec.structs.replace(one, linked_paths=(path, *one.linked_paths)) for one in artifacts)


def _lacks(build: Build, artifacts: Sequence[Artifact]) -> bool:
    """Whether the audit finds a library that no level allows; a file that cannot be read is told later."""
    from matrix.auditing import audit_binaries  # noqa: PLC0415 - only containers need it here

    files = [(one.crate, Path(one.path)) for one in artifacts if one.kind in {"cdylib", "bin"}]
    try:
        return bool(audit_binaries(files, build.target).verdict.external)
    except (OSError, WheelmatrixError):
        return False
