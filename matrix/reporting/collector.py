"""Collects a run's events into its report, so that a whole one can be written at any moment."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone

import msgspec

from matrix.affinity import usable_cpus
from matrix.events import BuildEnded, BuildStarted, CellEnded, Event, Note, RunEnded, RunStarted
from matrix.masking import mask_argv, mask_urls
from matrix.model import Build, Cell, LeftOut, Outcome, Plan, Sdist
from matrix.reporting.document import (
    Absent,
    BuildRecord,
    CellRecord,
    Crates,
    Machine,
    ProjectRecord,
    Remark,
    Report,
    Summary,
    compile_seconds,
)
from matrix.reporting.text import strip
from matrix.reporting.timeline import Timeline, utilisation

__all__ = ["ReportCollector", "describe_machine"]

_NEVER = "the run ended before it"


def describe_machine() -> Machine:
    """Describe the machine this runs on."""
    return Machine(
        os=platform.system().lower(),
        arch=platform.machine(),
        cpus=max(usable_cpus(), 1),
        python=platform.python_version(),
    )


class ReportCollector:
    """A listener that can say at any moment what the run has done so far.

    Args:
        wheelmatrix: Version of this program.
        tools: Versions of the tools used, by name.
        argv: The command line; secrets in it are hidden.
        sdist: The source distribution that is built from.
        previous: The last run's report; it knows how long builds take that were fresh this time.
        started: When the run began; now when not given.
    """

    def __init__(
        self,
        *,
        wheelmatrix: str,
        tools: Mapping[str, str] | None = None,
        argv: Sequence[str] = (),
        sdist: Sdist | None = None,
        previous: Report | None = None,
        started: datetime | None = None,
    ) -> None:
        self._wheelmatrix = wheelmatrix
        self._tools = dict(tools or {})
        self._argv = mask_argv(argv)
        self._sdist = sdist
        self._started = (started or datetime.now(timezone.utc)).astimezone(timezone.utc)
        self._machine = describe_machine()
        self._compile_seconds = compile_seconds(previous)
        self._before = {build.id: build for build in previous.builds} if previous is not None else {}
        self._timeline = Timeline()
        self._run: RunStarted | None = None
        self._end: RunEnded | None = None
        self._at = 0.0
        self._begun: dict[str, BuildStarted] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._cells: dict[str, CellEnded] = {}
        self._notes: list[Remark] = []

    def __call__(self, event: Event) -> None:
        """Hear one event."""
        self._at = max(self._at, event.at)
        self._timeline(event)
        match event:
            case RunStarted():
                self._run = event
                self._notes += [Remark(level="warning", text=mask_urls(text)) for text in event.plan.warnings]
            case BuildStarted():
                self._begun[event.build] = event
            case BuildEnded():
                self._outcomes[event.outcome.build] = event.outcome
            case CellEnded():
                self._cells[event.cell] = event
            case Note():
                text = mask_urls(strip(event.text))
                remark = Remark(level=event.level, text=text, hint=_masked(event.hint), build=event.build)
                if remark not in self._notes:
                    self._notes.append(remark)
            case RunEnded():
                self._end = event
            case _:
                pass

    def report(self) -> Report:
        """Return the report as it is now; what has not ended counts as cancelled."""
        plan = self._run.plan if self._run is not None else _NO_PLAN
        cells = (*(self._cell(cell) for cell in plan.cells), *map(_skipped, plan.left_out))
        tally = Counter(cell.status for cell in cells)
        return Report(
            version=1,
            wheelmatrix=self._wheelmatrix,
            project=ProjectRecord(name=plan.project, version=plan.version, bindings=plan.bindings),
            machine=self._machine,
            tools=self._tools,
            argv=self._argv,
            started=self._started.isoformat(timespec="seconds").replace("+00:00", "Z"),
            jobs=self._run.jobs if self._run is not None else 1,
            out=self._run.out if self._run is not None else "",
            interrupted=self._end is None or self._end.interrupted,
            sdist=self._sdist,
            summary=Summary(
                built=tally["built"],
                reused=tally["reused"],
                failed=tally["failed"],
                skipped=tally["skipped"],
                cancelled=tally["cancelled"],
                seconds=round(self._at, 3),
            ),
            cells=cells,
            builds=tuple(self._build(build) for build in plan.builds),
            timeline=self._timeline.spans(self._at),
            utilisation=_rounded(
                utilisation(
                    self._run.jobs if self._run is not None else 1,
                    self._at,
                    self._timeline.busy(self._at),
                    self._end.cpu_seconds if self._end is not None else None,
                )
            ),
            absent=tuple(Absent(cell=cell.id, file=cell.file) for cell in cells if cell.file and cell.wheel is None),
            foreign=self._end.foreign if self._end is not None else (),
            notes=tuple(self._notes),
        )

    def _cell(self, cell: Cell) -> CellRecord:
        end = self._cells.get(cell.id)
        outcome = self._outcomes.get(cell.build if end is None else end.build)
        begun = CellRecord(
            id=cell.id,
            status="cancelled",
            reason=_NEVER,
            interpreter=cell.interpreter.id if cell.interpreter is not None else None,
            target=cell.target.triple,
            compatibility=str(cell.compatibility),
            file=cell.file,
            build=cell.build,
            joined=cell.joined,
            log=outcome.log if outcome is not None else "",
        )
        if end is None:
            return begun
        return msgspec.structs.replace(
            begun,
            status=end.status,
            reason=mask_urls(strip(end.reason)),
            details=mask_urls(strip(end.details)),
            hint=_masked(end.hint),
            wheel=end.wheel,
            audit=end.verdict,
            bundled=end.bundled,
        )

    def _build(self, build: Build) -> BuildRecord:
        begun, outcome = self._begun.get(build.id), self._outcomes.get(build.id)
        before = self._before.get(build.id)
        record = BuildRecord(
            id=build.id,
            driver=build.driver,
            target=build.target.triple,
            status="cancelled",
            reason=_NEVER,
            command=mask_argv(begun.argv) if begun is not None else (),
            started=begun.at if begun is not None else None,
            ended=round(self._at, 3) if begun is not None else None,
            cells=build.cells,
            compile_seconds=self._compile_seconds.get(build.id),
            peak_memory=before.peak_memory if before is not None else None,
            lane_size=before.lane_size if before is not None else None,
        )
        if outcome is None:
            return record
        took = max(outcome.ended - outcome.started, 0.0)
        return msgspec.structs.replace(
            record,
            status=outcome.status,
            reason=mask_urls(strip(outcome.reason)),
            command=mask_argv(outcome.argv) or record.command,
            lane=outcome.lane,
            log=outcome.log,
            started=outcome.started,
            ended=outcome.ended,
            crates=Crates(compiled=outcome.compiled, fresh=outcome.fresh),
            exit=outcome.exit,
            compile_seconds=round(took, 3)
            if outcome.status == "ok" and outcome.compiled
            else self._compile_seconds.get(build.id),
            peak_memory=outcome.peak if outcome.peak is not None and outcome.compiled else record.peak_memory,
            lane_size=outcome.lane_size if outcome.lane_size is not None else record.lane_size,
        )


def _masked(hint: str | None) -> str | None:
    return None if hint is None else mask_urls(hint)


_NO_PLAN = Plan(project="", version="", bindings="", cells=(), builds=())


def _skipped(left: LeftOut) -> CellRecord:
    """Return the record of a cell that the plan left out; one that this machine cannot build has failed."""
    return CellRecord(
        id=left.id,
        status="failed" if left.missing else "skipped",
        reason=mask_urls(strip(left.reason)),
        hint=_masked(left.hint),
        interpreter=left.interpreter or None,
        target=left.target,
    )


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
