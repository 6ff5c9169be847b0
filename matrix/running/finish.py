"""From a good build to its wheels: audit, judge, tag, pack, off the event loop, while other builds compile."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import msgspec

from matrix.archives import is_unchanged, write_wheel
from matrix.archives.editable import parted, place_in_tree
from matrix.auditing import Analysis, Judgement, audit_binaries, meets
from matrix.errors import WheelmatrixError, disk_hint
from matrix.events import AuditEnded, AuditStarted, Bus, CellEnded, Note
from matrix.model import Build, Bundled, Cell, CellStatus, Compatibility, Outcome, Plan, Verdict, Wheel
from matrix.platforms import platform_tags, pypi_rejects
from matrix.platforms.platform_tags import TAG_VARIABLES
from matrix.platforms.wheel_names import wheel_file_name, wheel_tags
from matrix.repairing import Repair
from matrix.running.ingredients import Ingredients, entries_of, inputs_of, with_weak_versions_flagged
from matrix.running.joining import Joiner, Made, joined
from matrix.running.lanes import Workshop
from matrix.running.mending import mended, same_sources, who_links, with_repair
from matrix.running.state import BuildState, WheelState, read_state, write_state

__all__ = ["Finisher"]

PACKERS = 2  # wheels packed at a time
T = TypeVar("T")
AUTO = Compatibility(family="auto")
LINUX = Compatibility(family="linux")


class _End(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one wheel ended."""

    status: CellStatus
    reason: str = ""
    details: str = ""
    hint: str | None = None
    wheel: Wheel | None = None
    verdict: Verdict | None = None
    bundled: tuple[Bundled, ...] = ()
    inputs: str = ""
    notes: tuple[str, ...] = ()


class Finisher:
    """Turns outcomes into wheels and remembers what each was made from."""

    def __init__(self, ingredients: Ingredients, plan: Plan, workshop: Workshop, bus: Bus) -> None:
        self._ingredients = ingredients
        self._joiner = Joiner(plan)
        self._workshop = workshop
        self._bus = bus
        # one thread: more would keep the loop waiting for the interpreter lock
        self._limiter = anyio.CapacityLimiter(1)
        # packing lets go of that lock where it takes long, so that large wheels are packed beside each other
        self._packers = anyio.CapacityLimiter(PACKERS)
        self._made: dict[str, str] = {}
        self.wheels: list[Wheel] = []

    async def finish(self, build: Build, outcome: Outcome) -> bool:
        """Make every wheel that ``build`` completes and tell how its cells ended; return whether all were made.

        Whatever goes wrong is a failure of these cells: nothing leaves as an exception but cancellation.
        """
        good = True
        for made in self._joiner.made(build, outcome):
            whole = await self._guarded(joined, made, self._workshop.staging) if made.slices else made
            if isinstance(whole, _End):
                self._tell(made.cells, whole)
            good = isinstance(whole, Made) and await self._finish(whole) and good
        return good

    async def _finish(self, made: Made) -> bool:
        path = self._workshop.state(made.name)
        state = await anyio.to_thread.run_sync(read_state, path, limiter=self._limiter)
        kept: dict[str, WheelState] = {}
        good = True
        audited: _End | Analysis | None = None
        for wish, cells in _wheels_of(made.cells).items():
            end = await self._guarded(self._reused, made, cells[0], state.wheels.get(wish))
            if end is None and audited is None and self._ingredients.audit != "skip":
                audited = await self._audit(made)
            if end is None and isinstance(audited, _End):
                end = audited
            if end is None:
                end = await self._guarded(self._packed, made, cells[0], audited, limiter=self._packers)
            if not isinstance(end, _End):
                raise TypeError("a wheel that is not reused is packed")
            if end.wheel is not None:
                kept[wish] = WheelState(wheel=end.wheel, inputs=end.inputs, verdict=end.verdict, bundled=end.bundled)
                if end.wheel not in self.wheels:
                    self.wheels.append(end.wheel)
            good = good and end.wheel is not None
            self._tell(cells, end)
        await self._remember(path, state, made.outcome, kept)
        return good

    async def _remember(self, path: Path, state: BuildState, outcome: Outcome, wheels: dict[str, WheelState]) -> None:
        """Write down what was made; a run that cannot is no worse for it, the next one only has more to do."""
        remembered = _after(state, outcome, wheels)
        if remembered == state:
            return
        try:
            await anyio.to_thread.run_sync(write_state, path, remembered, limiter=self._limiter)
        except OSError as error:
            text = f"{path} cannot be written, so nothing is reused next time: {error.strerror or error}"
            self._bus.emit(Note(level="warning", text=text, build=outcome.build))

    async def _guarded(
        self, step: Callable[..., T], *args: object, limiter: anyio.CapacityLimiter | None = None
    ) -> T | _End:
        """Run one step in a thread; whatever goes wrong fails these cells and nothing else."""
        try:
            return await anyio.to_thread.run_sync(step, *args, limiter=limiter or self._limiter)
        except WheelmatrixError as error:
            return _End(status="failed", reason=error.message, hint=error.hint)
        except OSError as error:
            reason = f"{error.filename or self._ingredients.out}: {error.strerror or error}"
            return _End(status="failed", reason=reason, hint=disk_hint(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours costs these cells, not the run
            words = "".join(traceback.format_exception(error))
            return _End(status="failed", reason=f"internal error: {error!r}", details=words)

    async def _audit(self, made: Made) -> Analysis | _End:
        cells = tuple(cell.id for cell in made.cells)
        self._bus.emit(AuditStarted(build=made.build.id, cells=cells))
        analysis = await self._guarded(self._analysed, made)
        if isinstance(analysis, Analysis):
            self._bus.emit(AuditEnded(build=made.build.id, cells=cells, verdict=analysis.verdict))
        return analysis

    def _analysed(self, made: Made) -> Analysis:
        """Audit every binary that goes into the wheel: the module, and what lies beside it."""
        entries = entries_of(self._ingredients, made.build, made.outcome)
        beside = {one.path for one in made.outcome.artifacts if one.kind == "companion"}  # nothing loads them
        paths = [(entry.path, entry.source) for entry in entries if isinstance(entry.source, Path)]
        files = [(name, path) for name, path in paths if str(path) not in beside]
        return audit_binaries(files, made.build.target, self._platforms(made, LINUX))

    def _platforms(self, made: Made, level: Compatibility) -> tuple[str, ...]:
        environs = self._environs(made)
        return platform_tags(made.build.target, level, environs[0], environs if made.slices else ())

    def _environs(self, made: Made) -> list[dict[str, str]]:
        """Return the variables that decide on the platform tag, of the run and of each build joined."""
        builds = [build for build, _ in made.slices] or [made.build]
        own = [{name: build.settings.env.get(name) for name in TAG_VARIABLES} for build in builds]
        said = [{name: value for name, value in env.items() if value is not None} for env in own]
        return [{**self._ingredients.environ, **env} for env in said]

    def _inputs(self, made: Made, cell: Cell, bundled: Sequence[Bundled] = ()) -> str:
        return inputs_of(self._ingredients, made.build, made.outcome, cell, self._environs(made), bundled)

    def _reused(self, made: Made, cell: Cell, before: WheelState | None) -> _End | None:
        """Keep the wheel of the last run when cargo had nothing to do and every input and byte is the same."""
        if not self._ingredients.reuse or made.outcome.compiled or before is None:
            return None
        bundled = before.bundled
        if not is_unchanged(self._ingredients.out, before.wheel) or not same_sources(bundled):
            return None
        if self._inputs(made, cell, bundled) != before.inputs:
            return None
        self._claim(before.wheel.file, made)
        return _End(status="reused", wheel=before.wheel, verdict=before.verdict, bundled=bundled, inputs=before.inputs)

    def _packed(self, made: Made, cell: Cell, analysis: Analysis | WheelmatrixError | None) -> _End:
        """Judge, tag and write one wheel."""
        if isinstance(analysis, WheelmatrixError):
            raise analysis
        repair, judgement, notes = self._judge(made, analysis, cell)
        audited = repair.analysis if repair is not None else analysis
        verdict = audited.verdict if audited is not None else None
        if not judgement.ok or judgement.level is None:
            return _End(
                status="failed",
                reason=judgement.reason,
                details="\n".join(
                    filter(None, (judgement.details, who_links(made, verdict.external if verdict else ())))
                ),
                hint=judgement.hint,
                verdict=verdict,
            )
        given = self._ingredients
        platforms = self._platforms(made, judgement.level)
        refused = next((why for tag in platforms if (why := pypi_rejects(tag)) is not None), None)
        if cell.pypi and refused is not None:
            return _End(
                status="failed",
                reason=f"PyPI would not take it: {refused}",
                hint="leave pypi out of --compatibility to keep it local",
                verdict=verdict,
            )
        metadata = given.metadata
        file = wheel_file_name(metadata.name, metadata.version, cell.python_tag, cell.abi_tag, platforms)
        self._claim(file, made)
        bundled = repair.bundled if repair is not None else ()
        inputs = self._inputs(made, cell, bundled)
        copies, verdict = with_weak_versions_flagged(made.outcome, judgement.level, verdict, cell)
        entries = entries_of(given, made.build, made.outcome, copies)
        if repair is not None and given.repairs is not None:
            into = self._workshop.staging / made.name / f"repaired-{cell.id}"
            entries = with_repair(given.repairs, repair, entries, into, metadata, file)
        if given.tree is not None:
            entries, placed = parted(entries, metadata.distribution)
            place_in_tree(placed, given.tree)
        wheel = write_wheel(
            given.out / file,
            entries,
            metadata,
            wheel_tags(cell.python_tag, cell.abi_tag, platforms),
            compression=given.compression,
            modified=given.modified,
        )
        if self._inputs(made, cell, bundled) != inputs or not same_sources(bundled):
            inputs = ""  # a source changed while it was packed: the next run must not trust this wheel
        return _End(status="built", wheel=wheel, verdict=verdict, bundled=bundled, inputs=inputs, notes=notes)

    def _judge(
        self, made: Made, analysis: Analysis | None, cell: Cell
    ) -> tuple[Repair | None, Judgement, tuple[str, ...]]:
        """Return the repair that the wheel needs, whether and at which level it may be made, and what to warn of."""
        given = self._ingredients
        if analysis is None:
            asked = cell.compatibility
            return None, Judgement(ok=True, level=LINUX if asked.family == "auto" else asked), ()
        judgement = meets(analysis, cell.compatibility, cell.target)
        if given.repairs is not None:
            platforms = self._platforms(made, LINUX)
            repair = mended(given.repairs, made, cell, analysis, given.metadata.distribution, platforms)
            if isinstance(repair, Judgement):
                return None, *_unmended(repair, judgement, cell)
            if repair is not None:
                good = Judgement(ok=True, level=repair.level)
                whole = good if cell.target.os == "linux" else meets(repair.analysis, cell.compatibility, cell.target)
                return repair, whole, ()
        if judgement.ok or given.audit != "warn":
            return None, judgement, ()
        return None, meets(analysis, AUTO, cell.target), (judgement.reason,)

    def _claim(self, file: str, made: Made) -> None:
        """Make sure that no other build of this run makes the same file."""
        other = self._made.setdefault(file, made.name)
        if other != made.name:
            raise WheelmatrixError(f"{file} was already made by {other}", hint="ask for one of the levels only")

    def _tell(self, cells: Sequence[Cell], end: _End) -> None:
        for note in end.notes:
            self._bus.emit(Note(level="warning", text=note, build=cells[0].build))
        for cell in cells:
            self._bus.emit(
                CellEnded(
                    cell=cell.id,
                    build=cell.build,
                    status=end.status,
                    reason=end.reason,
                    details=end.details,
                    hint=end.hint,
                    wheel=end.wheel,
                    verdict=end.verdict,
                    bundled=end.bundled,
                )
            )


def _unmended(why: Judgement, judgement: Judgement, cell: Cell) -> tuple[Judgement, tuple[str, ...]]:
    """Fail a cell for Linux whose libraries cannot be brought along; elsewhere its tag claims nothing of them."""
    if cell.target.os == "linux":
        return why, ()
    return judgement, (f"{why.reason}: {why.details.replace(chr(10), '; ')}",)


def _wheels_of(cells: Sequence[Cell]) -> dict[str, list[Cell]]:
    """Group cells by the wheel that serves them."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        wish = f"{cell.python_tag}-{cell.abi_tag}-{cell.compatibility}{'-pypi' if cell.pypi else ''}"
        groups.setdefault(wish, []).append(cell)
    return groups


def _after(state: BuildState, outcome: Outcome, wheels: dict[str, WheelState]) -> BuildState:
    """Return what to remember of a build; a wheel without inputs is forgotten, since nothing proves it."""
    took = round(outcome.ended - outcome.started, 3)
    return BuildState(
        seconds=took if outcome.compiled or state.seconds is None else state.seconds,
        crates=outcome.compiled + outcome.fresh,
        peak=outcome.peak if outcome.compiled and outcome.peak is not None else state.peak,
        wheels={wish: one for wish, one in {**state.wheels, **wheels}.items() if one.inputs},
    )
