"""How the cells of one wheel end."""

from __future__ import annotations

import msgspec

from matrix.model import Bundled, CellStatus, Verdict, Wheel

__all__ = ["End"]


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one wheel ended.

    Attributes:
        status: ``built``, ``reused`` or ``failed``.
        reason: Why it failed, in one line.
        details: More lines of it.
        hint: What to do.
        wheel: The wheel.
        verdict: What the audit found.
        bundled: Libraries that it brings along.
        inputs: Digest of what it was made from; empty where nothing proves that it is up to date.
        notes: What to warn of.
    """

    status: CellStatus
    reason: str = ""
    details: str = ""
    hint: str | None = None
    wheel: Wheel | None = None
    verdict: Verdict | None = None
    bundled: tuple[Bundled, ...] = ()
    inputs: str = ""
    notes: tuple[str, ...] = ()
