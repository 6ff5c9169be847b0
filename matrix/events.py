"""What happens during a run, as values; progress, log, report and timeline only listen.

Every event carries ``at``, seconds since the run began. Listeners are called one after another on the
event loop, in the order they were added, and must return at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import msgspec

from matrix.model import Bundled, CellStatus, Outcome, Plan, Verdict, Wheel

__all__ = [
    "AuditEnded",
    "AuditStarted",
    "BuildEnded",
    "BuildStarted",
    "BuildWaiting",
    "Bus",
    "CellEnded",
    "CrateDone",
    "Diagnostic",
    "Event",
    "Line",
    "Listener",
    "Note",
    "PrepareEnded",
    "PrepareStarted",
    "RunEnded",
    "RunStarted",
    "SlotFreed",
    "SlotTaken",
    "SlotsChanged",
]


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    at: float = 0.0


class RunStarted(_Event, frozen=True, kw_only=True, tag=True):
    """The plan is settled and the run begins.

    Attributes:
        plan: What will happen.
        jobs: The number of slots.
        out: The out directory, as people are shown it.
        crates: Crates in the resolved graph, for a first estimate of progress; 0 when unknown.
    """

    plan: Plan
    jobs: int
    out: str
    crates: int = 0


class PrepareStarted(_Event, frozen=True, kw_only=True, tag=True):
    """A step that must happen once before anything runs in parallel: ``cargo fetch``."""

    what: str


class PrepareEnded(_Event, frozen=True, kw_only=True, tag=True):
    """The end of that step."""

    what: str


class BuildWaiting(_Event, frozen=True, kw_only=True, tag=True):
    """A build that cannot start yet for a reason of its own: its lane is held by another run."""

    build: str
    reason: str


class BuildStarted(_Event, frozen=True, kw_only=True, tag=True):
    """A build took a slot and its command starts."""

    build: str
    argv: tuple[str, ...]
    log: str


class CrateDone(_Event, frozen=True, kw_only=True, tag=True):
    """Cargo finished one crate; ``fresh`` when it had nothing to do for it.

    Attributes:
        build: The build, or the seed that some share.
        crate: Name of the cargo target: ``pyo3_ffi``, ``build-script-build``.
        fresh: Whether there was nothing to do.
        package: Name of its package: ``pyo3-ffi``.
    """

    build: str
    crate: str
    fresh: bool
    package: str = ""


class Line(_Event, frozen=True, kw_only=True, tag=True):
    """A line of a build's own output that is no diagnostic (``Compiling …``)."""

    build: str
    text: str


class Diagnostic(_Event, frozen=True, kw_only=True, tag=True):
    """A compiler diagnostic as cargo would show it, several lines, perhaps with ANSI colours."""

    build: str
    level: str
    rendered: str


class BuildEnded(_Event, frozen=True, kw_only=True, tag=True):
    """A build ended, well or not."""

    outcome: Outcome


class AuditStarted(_Event, frozen=True, kw_only=True, tag=True):
    """The audit of a build's binaries begins for these cells."""

    build: str
    cells: tuple[str, ...]


class AuditEnded(_Event, frozen=True, kw_only=True, tag=True):
    """The audit's verdict for these cells."""

    build: str
    cells: tuple[str, ...]
    verdict: Verdict


class CellEnded(_Event, frozen=True, kw_only=True, tag=True):
    """A cell came to its end, with its wheel or the reason there is none."""

    cell: str
    build: str
    status: CellStatus
    reason: str = ""
    details: str = ""
    hint: str | None = None
    wheel: Wheel | None = None
    verdict: Verdict | None = None
    bundled: tuple[Bundled, ...] = ()


class SlotsChanged(_Event, frozen=True, kw_only=True, tag=True):
    """How many slots our builds hold at this moment (cargo's own extra tokens not counted)."""

    held: int
    total: int


class SlotTaken(_Event, frozen=True, kw_only=True, tag=True):
    """A build (or the seed of some) took a slot; ``slot`` counts from 0, the lowest free one is taken."""

    build: str
    slot: int


class SlotFreed(_Event, frozen=True, kw_only=True, tag=True):
    """It gave the slot back."""

    build: str
    slot: int


class Note(_Event, frozen=True, kw_only=True, tag=True):
    """Something a person should know: a warning or a remark, perhaps about one build."""

    level: Literal["warning", "note"]
    text: str
    hint: str | None = None
    build: str | None = None


class RunEnded(_Event, frozen=True, kw_only=True, tag=True):
    """The run is over.

    Attributes:
        interrupted: Whether Ctrl-C, SIGTERM or ``--fail-fast`` ended it early.
        stopped: Whether it was ``--fail-fast``.
        foreign: Wheels in the out directory that this run did not make.
        cpu_seconds: CPU time of the run's child processes where the system tells, else ``None``.
    """

    interrupted: bool
    stopped: bool = False
    foreign: tuple[str, ...] = ()
    cpu_seconds: float | None = None


Event: TypeAlias = (
    RunStarted
    | PrepareStarted
    | PrepareEnded
    | BuildWaiting
    | BuildStarted
    | CrateDone
    | Line
    | Diagnostic
    | BuildEnded
    | AuditStarted
    | AuditEnded
    | CellEnded
    | SlotsChanged
    | SlotTaken
    | SlotFreed
    | Note
    | RunEnded
)
Listener: TypeAlias = Callable[[Event], None]


class Bus:
    """Hands every event to every listener and stamps it with the time since the run began."""

    def __init__(self, listeners: Sequence[Listener] = ()) -> None:
        self._listeners = list(listeners)
        self._began = time.monotonic()

    def add(self, listener: Listener) -> None:
        """Add a listener; it hears what is emitted from now on."""
        self._listeners.append(listener)

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def emit(self, event: Event) -> None:
        """Stamp ``event`` with the time and hand it on."""
        stamped = msgspec.structs.replace(event, at=round(self.now, 4))
        for listener in self._listeners:
            listener(stamped)
