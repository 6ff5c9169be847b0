"""What the last good run of a build made: how long it took, and what its wheels were made from."""

from __future__ import annotations

from pathlib import Path

import msgspec

from matrix.files import write_atomically
from matrix.model import Bundled, Verdict, Wheel

__all__ = ["BuildState", "WheelState", "read_state", "write_state"]

VERSION = 1


class WheelState(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel and what it was made from.

    Attributes:
        wheel: The archive.
        inputs: Digest over everything that went into it.
        verdict: What the audit said, or ``None`` when it was skipped.
        bundled: Libraries that it brings along.
    """

    wheel: Wheel
    inputs: str
    verdict: Verdict | None = None
    bundled: tuple[Bundled, ...] = ()


class BuildState(msgspec.Struct, frozen=True, kw_only=True):
    """The memory of one build.

    Attributes:
        version: Of this file's form.
        seconds: How long it took when it last compiled something.
        crates: Units cargo reported.
        peak: Most memory it held when it last compiled something, in bytes, or ``None``.
        wheels: By the level asked for.
    """

    version: int = VERSION
    seconds: float | None = None
    crates: int = 0
    peak: int | None = None
    wheels: dict[str, WheelState] = {}


def read_state(path: Path) -> BuildState:
    """Return what ``path`` holds, or an empty memory when it holds nothing usable."""
    try:
        state = msgspec.json.decode(path.read_bytes(), type=BuildState)
    except (OSError, msgspec.MsgspecError):
        return BuildState()
    return state if state.version == VERSION else BuildState()


def write_state(path: Path, state: BuildState) -> None:
    """Write ``state``, whole or not at all."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(state), indent=1))
