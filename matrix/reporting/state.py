"""The state of a run as the events tell it; every view reads this and decides only how it looks."""

from __future__ import annotations

import time
from typing import Literal, TypeAlias

import msgspec

from matrix.events import (
    AuditStarted,
    BuildEnded,
    BuildStarted,
    BuildWaiting,
    CellEnded,
    CrateDone,
    Event,
    Line,
    PrepareEnded,
    PrepareStarted,
    RunEnded,
    RunStarted,
    SlotsChanged,
)
from matrix.model import Build, Cell, CellStatus, LeftOut, Outcome, Plan
from matrix.reporting.formats import platform_levels, size
from matrix.reporting.text import compiling
from matrix.reporting.timeline import utilisation

__all__ = ["BuildRow", "BuildState", "CellRow", "RunState", "Widths", "label_of"]

BuildState: TypeAlias = Literal["waiting", "blocked", "running", "auditing", "done", "failed", "cancelled"]


class BuildRow(msgspec.Struct):
    """One build on its way.

    Attributes:
        build: What is built.
        label: Its name within its target: ``cp312``.
        state: How far it is.
        started: Seconds since the run began, or ``None``.
        ended: The same; when its compile ended.
        crates: Crates cargo has finished.
        crate: The crate in work, as far as cargo tells.
        reason: Why it waits or failed.
        log: Path of its log.
        outcome: How its compile ended, or ``None``.
    """

    build: Build
    label: str
    state: BuildState = "waiting"
    started: float | None = None
    ended: float | None = None
    crates: int = 0
    crate: str = ""
    reason: str = ""
    log: str = ""
    outcome: Outcome | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in {"done", "failed", "cancelled"}

    def seconds(self, now: float) -> float:
        """Return how long its compile took, or has taken until ``now``."""
        if self.started is None:
            return 0.0
        return max((self.ended if self.ended is not None else now) - self.started, 0.0)


class CellRow(msgspec.Struct):
    """A cell, or the cells that one wheel serves; ``end`` is the event that brought it, or says why there is none."""

    cell: Cell
    label: str
    end: CellEnded | None = None

    @property
    def status(self) -> CellStatus | None:
        """How it ended, or ``None``."""
        return self.end.status if self.end is not None else None


class Widths(msgspec.Struct):
    """Columns that a run's table needs for each part of a line."""

    label: int = 0
    triple: int = 0
    level: int = 0
    size: int = 0


class RunState(msgspec.Struct):
    """Everything the views need; changed by :meth:`apply` alone.

    Attributes:
        plan: What will happen.
        jobs: Slots of the run.
        out: The out directory.
        builds: Every build, by id, in plan order.
        cells: Every cell, by id, in plan order.
        wheels: The first cell of every wheel: cells that share a file (one stable-ABI wheel) count once.
        preparing: What is being prepared, or empty.
        held: Slots that builds hold.
        busy: Seconds that slots were held, added up.
        crates_expected: Crates a build is expected to have, or 0.
        at: Seconds since the run began, as of the last event.
        end: The last event, when the run is over.
        widths: How wide the columns of its table are so far.
    """

    plan: Plan = msgspec.field(default_factory=lambda: Plan(project="", version="", bindings="", cells=(), builds=()))
    jobs: int = 1
    out: str = ""
    builds: dict[str, BuildRow] = msgspec.field(default_factory=dict)
    cells: dict[str, CellRow] = msgspec.field(default_factory=dict)
    wheels: list[CellRow] = msgspec.field(default_factory=list)
    preparing: str = ""
    held: int = 0
    busy: float = 0.0
    crates_expected: int = 0
    at: float = 0.0
    end: RunEnded | None = None
    widths: Widths = msgspec.field(default_factory=Widths)
    _crates: dict[str, int] = msgspec.field(default_factory=dict)
    _slots_at: float = 0.0
    _heard: float = msgspec.field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        """Seconds since the run began; stands still when it is over."""
        return self.at if self.end is not None else self.at + time.monotonic() - self._heard

    @property
    def utilisation(self) -> float | None:
        """The share of the slots' time that was used, 0 to 1; ``None`` when nobody told."""
        return utilisation(self.jobs, self.at, self.busy, self.end.cpu_seconds if self.end is not None else None)

    @property
    def missing(self) -> list[LeftOut]:
        """Cells that this machine cannot build: they failed before anything began."""
        return [one for one in self.plan.left_out if one.missing]

    def with_status(self, *statuses: CellStatus) -> list[CellRow]:
        """Return the wheels that ended in one of ``statuses``, in plan order."""
        return [row for row in self.wheels if row.status in statuses]

    def expected_crates(self, row: BuildRow) -> int:
        """Return how many crates a build has in all, or 0: what a finished one for its target had, else the plan's."""
        known = self._crates.get(row.build.target.triple, 0)
        return max(known, row.crates) if known else max(self.crates_expected, row.crates if row.over else 0)

    def apply(self, event: Event) -> None:
        """Let the state follow one event."""
        self.at = max(self.at, event.at)
        self._heard = time.monotonic()
        match event:
            case RunStarted():
                self._begin(event)
            case PrepareStarted():
                self.preparing = event.what
            case PrepareEnded():
                self.preparing = ""
            case SlotsChanged():
                self._count_slots(event)
            case CellEnded():
                self._end_cell(event)
            case RunEnded():
                self._count_slots(SlotsChanged(at=event.at, held=0, total=self.jobs))
                self.end = event
            case BuildEnded():
                self._end_build(event)
            case BuildWaiting() | BuildStarted() | CrateDone() | Line() | AuditStarted():
                self._follow_build(event)
            case _:
                pass

    def _begin(self, event: RunStarted) -> None:
        self.plan, self.jobs, self.out = event.plan, event.jobs, event.out
        self.crates_expected = event.crates
        self.builds = {
            build.id: BuildRow(build=build, label=label_of(build.id, build.target.triple))
            for build in event.plan.builds
        }
        self.cells = {
            cell.id: CellRow(cell=cell, label=label_of(cell.id, cell.target.triple)) for cell in event.plan.cells
        }
        sharing: dict[tuple[str, str], list[CellRow]] = {}
        for cell in self.cells.values():
            sharing.setdefault((cell.cell.build, cell.cell.file), []).append(cell)
        self.wheels = [rows[0] for rows in sharing.values()]
        for first, *others in sharing.values():
            if others and first.cell.build in self.builds:
                first.label = self.builds[first.cell.build].label
        names = [row.label for row in self.builds.values()] + [row.label for row in self.wheels]
        self.widths.label = max(map(len, names), default=0)
        targets = [row.build.target for row in self.builds.values()] + [row.cell.target for row in self.wheels]
        self.widths.triple = max((len(target.triple) for target in targets), default=0)

    def _count_slots(self, event: SlotsChanged) -> None:
        self.busy += self.held * max(event.at - self._slots_at, 0.0)
        self.held, self._slots_at = event.held, event.at

    def _follow_build(self, event: BuildWaiting | BuildStarted | CrateDone | Line | AuditStarted) -> None:
        row = self.builds.get(event.build)
        if row is None or row.over:
            return
        match event:
            case BuildWaiting():
                row.state, row.reason = "blocked", event.reason
            case BuildStarted():
                row.state, row.started, row.log, row.reason = "running", event.at, event.log, ""
            case CrateDone():
                row.crates += 1
                row.crate = row.crate if event.crate.startswith("build-script-") else event.crate
            case Line():
                row.crate = compiling(event.text) or row.crate
            case AuditStarted():
                row.state = "auditing"

    def _end_build(self, event: BuildEnded) -> None:
        outcome = event.outcome
        row = self.builds.get(outcome.build)
        if row is None:
            return
        row.outcome, row.ended, row.reason = outcome, event.at, outcome.reason
        row.started = outcome.started if row.started is None else row.started
        match outcome.status:
            case "ok":
                row.state = "auditing" if row.build.cells else "done"
                self._settle(row)  # another build may have failed the cells they share
                triple = row.build.target.triple
                self._crates[triple] = max(self._crates.get(triple, 0), row.crates)
            case "cancelled":
                row.state = "cancelled"
            case "failed" | "timeout":
                row.state = "failed"

    def _end_cell(self, event: CellEnded) -> None:
        cell = self.cells.get(event.cell)
        if cell is None:
            return
        cell.end = event
        if event.wheel is not None:
            self.widths.level = max(self.widths.level, len(platform_levels(event.wheel)))
            self.widths.size = max(self.widths.size, len(size(event.wheel.size)))
        for name in (cell.cell.build, *cell.cell.joined):
            if name in self.builds:
                self._settle(self.builds[name])

    def _settle(self, row: BuildRow) -> None:
        """End a build whose cells have all ended; it failed when they failed of its own doing."""
        ends = [self.cells[name].end for name in row.build.cells if name in self.cells]
        if row.state != "auditing" or not ends or not all(ends):
            return
        own = [end for end in ends if end is not None and (end.build == row.build.id or end.status != "failed")]
        statuses = {end.status for end in own}
        good = not statuses or bool({"built", "reused"} & statuses)
        row.state = "failed" if "failed" in statuses else "done" if good else "cancelled"
        row.reason = next((end.reason for end in own if end.reason), row.reason)


def label_of(name: str, triple: str) -> str:
    """Return a cell's or build's id without its target: ``cp312`` of ``cp312-x86_64-unknown-linux-gnu``.

    >>> label_of("cp312-x86_64-unknown-linux-gnu-manylinux_2_28", "x86_64-unknown-linux-gnu")
    'cp312 manylinux_2_28'
    >>> label_of("cp312-aarch64-unknown-linux-gnu.2.17", "aarch64-unknown-linux-gnu")
    'cp312 2.17'
    """
    head, found, tail = name.partition(f"-{triple}")
    return f"{head} {tail.lstrip('-.')}".rstrip() if found else name
