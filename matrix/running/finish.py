"""From a good build to its wheels: audit, judge, tag, pack, off the event loop, while other builds compile."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread
import msgspec

from matrix.archives import (
    Compression,
    Contents,
    CoreMetadata,
    Entry,
    Layout,
    collect,
    extension_path,
    extension_suffix,
    inputs_digest,
    is_unchanged,
    write_wheel,
)
from matrix.archives.compression import EARLIEST, DosTime
from matrix.auditing import Analysis, Judgement, audit_binaries, flag_weak_needs, meets
from matrix.errors import WheelmatrixError
from matrix.events import AuditEnded, AuditStarted, Bus, CellEnded, Note
from matrix.model import Build, Cell, CellStatus, Compatibility, Outcome, Plan, Verdict, Wheel
from matrix.platforms import platform_tags, pypi_rejects
from matrix.platforms.wheel_names import wheel_file_name, wheel_tags
from matrix.running.lanes import Workshop
from matrix.running.state import BuildState, WheelState, read_state, write_state

__all__ = ["AuditMode", "Finisher", "Ingredients"]

AuditMode = Literal["check", "warn", "skip"]
AUTO = Compatibility(family="auto")
LINUX = Compatibility(family="linux")
WEAK = "weak-symbol-version"


@dataclass(frozen=True, kw_only=True)
class Ingredients:
    """What every wheel of a run is made from, besides its binary.

    Attributes:
        metadata: Core metadata.
        layout: Where the Python side lies.
        contents: The Python side, collected once.
        out: The out directory.
        audit: ``check`` fails a cell whose level is not met, ``warn`` gives it the best level met, ``skip`` trusts.
        environ: Variables that change platform tags.
        compression: How members are compressed.
        modified: The time every member carries.
        reuse: Whether a wheel that is proven to be up to date is kept.
    """

    metadata: CoreMetadata
    layout: Layout
    contents: Contents
    out: Path
    audit: AuditMode = "check"
    environ: Mapping[str, str] = field(default_factory=dict)
    compression: Compression = field(default_factory=Compression)
    modified: DosTime = EARLIEST
    reuse: bool = True


class _End(msgspec.Struct, frozen=True, kw_only=True):
    """How the cells of one wheel ended."""

    status: CellStatus
    reason: str = ""
    details: str = ""
    hint: str | None = None
    wheel: Wheel | None = None
    verdict: Verdict | None = None
    inputs: str = ""
    notes: tuple[str, ...] = ()


class Finisher:
    """Turns outcomes into wheels and remembers what each was made from."""

    def __init__(self, ingredients: Ingredients, plan: Plan, workshop: Workshop, bus: Bus) -> None:
        self._ingredients = ingredients
        self._cells = {cell.id: cell for cell in plan.cells}
        self._workshop = workshop
        self._bus = bus
        # one thread: more would keep the loop waiting for the interpreter lock
        self._limiter = anyio.CapacityLimiter(1)
        self._made: dict[str, str] = {}
        self.wheels: list[Wheel] = []

    async def finish(self, build: Build, outcome: Outcome) -> bool:
        """Make every wheel of a build and tell how its cells ended; return whether all of them were made."""
        path = self._workshop.state(build.id)
        state = read_state(path)
        kept: dict[str, WheelState] = {}
        good = True
        analysis: Analysis | WheelmatrixError | None = None
        for wish, cells in self._wheels_of(build).items():
            end = await self._guarded(self._reused, build, outcome, cells[0], state.wheels.get(wish))
            if end is None and analysis is None and self._ingredients.audit != "skip":
                analysis = await self._audit(build, outcome)
            if end is None:
                end = await self._guarded(self._packed, build, outcome, cells[0], analysis)
            if end is None:
                raise RuntimeError("a wheel that is not reused is packed")
            if end.wheel is not None:
                kept[wish] = WheelState(wheel=end.wheel, inputs=end.inputs, verdict=end.verdict)
                if end.wheel not in self.wheels:
                    self.wheels.append(end.wheel)
            good = good and end.wheel is not None
            self._tell(build, cells, end)
        remembered = _remember(state, outcome, kept)
        if remembered != state:
            await anyio.to_thread.run_sync(write_state, path, remembered, limiter=self._limiter)
        return good

    def _wheels_of(self, build: Build) -> dict[str, list[Cell]]:
        """Group the cells of a build by the wheel that serves them."""
        groups: dict[str, list[Cell]] = {}
        for name in build.cells:
            cell = self._cells[name]
            wish = f"{cell.python_tag}-{cell.abi_tag}-{cell.compatibility}{'-pypi' if cell.pypi else ''}"
            groups.setdefault(wish, []).append(cell)
        return groups

    async def _guarded(self, make: object, *args: object) -> _End | None:
        """Run one step in the thread; whatever goes wrong fails these cells and nothing else."""
        try:
            return await anyio.to_thread.run_sync(make, *args, limiter=self._limiter)  # type: ignore[arg-type]
        except WheelmatrixError as error:
            return _End(status="failed", reason=error.message, hint=error.hint)
        except OSError as error:
            return _End(status="failed", reason=f"{error.filename or self._ingredients.out}: {error.strerror or error}")
        except Exception as error:  # noqa: BLE001 - a fault of ours costs these cells, not the run
            words = "".join(traceback.format_exception(error))
            return _End(status="failed", reason=f"internal error: {error!r}", details=words)

    async def _audit(self, build: Build, outcome: Outcome) -> Analysis | WheelmatrixError:
        self._bus.emit(AuditStarted(build=build.id, cells=build.cells))
        members = [(self._member(build), Path(artifact.path)) for artifact in outcome.artifacts]
        try:
            analysis = await anyio.to_thread.run_sync(audit_binaries, members, build.target, limiter=self._limiter)
        except WheelmatrixError as error:
            return error
        except OSError as error:
            return WheelmatrixError(f"{error.filename}: {error.strerror or error}")
        self._bus.emit(AuditEnded(build=build.id, cells=build.cells, verdict=analysis.verdict))
        return analysis

    def _member(self, build: Build) -> str:
        own = build.interpreter.ext_suffix if build.interpreter is not None else ".so"
        return extension_path(self._ingredients.layout, extension_suffix(build.target, build.stable_abi, own))

    def _entries(self, build: Build, outcome: Outcome, module: Path | None = None) -> Sequence[Entry]:
        given = self._ingredients
        contents = given.contents
        if any(rule.origin == "out-dir" for rule in given.layout.include):
            out_dirs = {
                crate: Path(path) for artifact in outcome.artifacts for crate, path in artifact.out_dirs.items()
            }
            contents = collect(given.layout, given.metadata.distribution, out_dirs)
        binary = Entry(self._member(build), module or Path(outcome.artifacts[0].path), executable=True)
        return [*contents.entries, binary]

    def _inputs(self, build: Build, outcome: Outcome, cell: Cell) -> str:
        """Digest everything that decides what the wheel holds and what its tag says, before the tag is known."""
        given = self._ingredients
        wish = (
            cell.python_tag, cell.abi_tag, str(cell.compatibility), str(cell.pypi), build.target.triple, given.audit,
            *(f"{name}={value}" for name, value in sorted(given.environ.items())),
        )  # fmt: skip
        return inputs_digest(
            self._entries(build, outcome),
            given.metadata,
            wish,
            compression=given.compression,
            modified=given.modified,
        )

    def _reused(self, build: Build, outcome: Outcome, cell: Cell, before: WheelState | None) -> _End | None:
        """Keep the wheel of the last run when cargo had nothing to do and every input and byte is the same."""
        if not self._ingredients.reuse or outcome.compiled or before is None:
            return None
        if not is_unchanged(self._ingredients.out, before.wheel) or self._inputs(build, outcome, cell) != before.inputs:
            return None
        self._claim(before.wheel.file, build)
        return _End(status="reused", wheel=before.wheel, verdict=before.verdict, inputs=before.inputs)

    def _packed(self, build: Build, outcome: Outcome, cell: Cell, analysis: Analysis | WheelmatrixError | None) -> _End:
        """Judge, tag and write one wheel."""
        if isinstance(analysis, WheelmatrixError):
            raise analysis
        verdict = analysis.verdict if analysis is not None else None
        judgement, notes = self._judge(analysis, cell)
        if not judgement.ok or judgement.level is None:
            return _End(
                status="failed",
                reason=judgement.reason,
                details=judgement.details,
                hint=judgement.hint,
                verdict=verdict,
            )
        given = self._ingredients
        platforms = platform_tags(cell.target, judgement.level, given.environ)
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
        self._claim(file, build)
        module, verdict = _with_weak_versions_flagged(Path(outcome.artifacts[0].path), judgement.level, verdict, cell)
        wheel = write_wheel(
            given.out / file,
            self._entries(build, outcome, module),
            metadata,
            wheel_tags(cell.python_tag, cell.abi_tag, platforms),
            compression=given.compression,
            modified=given.modified,
        )
        inputs = self._inputs(build, outcome, cell)
        return _End(status="built", wheel=wheel, verdict=verdict, inputs=inputs, notes=notes)

    def _judge(self, analysis: Analysis | None, cell: Cell) -> tuple[Judgement, tuple[str, ...]]:
        if analysis is None:
            asked = cell.compatibility
            return Judgement(ok=True, level=LINUX if asked.family == "auto" else asked), ()
        judgement = meets(analysis, cell.compatibility, cell.target)
        if judgement.ok or self._ingredients.audit != "warn":
            return judgement, ()
        return meets(analysis, AUTO, cell.target), (judgement.reason,)

    def _claim(self, file: str, build: Build) -> None:
        """Make sure that no other build of this run makes the same file."""
        other = self._made.setdefault(file, build.id)
        if other != build.id:
            raise WheelmatrixError(f"{file} was already made by {other}", hint="ask for one of the levels only")

    def _tell(self, build: Build, cells: Sequence[Cell], end: _End) -> None:
        for note in end.notes:
            self._bus.emit(Note(level="warning", text=note, build=build.id))
        for cell in cells:
            self._bus.emit(
                CellEnded(
                    cell=cell.id,
                    build=build.id,
                    status=end.status,
                    reason=end.reason,
                    details=end.details,
                    hint=end.hint,
                    wheel=end.wheel,
                    verdict=end.verdict,
                )
            )


def _with_weak_versions_flagged(
    module: Path, level: Compatibility, verdict: Verdict | None, cell: Cell
) -> tuple[Path, Verdict | None]:
    """Make the level true for weak symbols too, in a copy of the module; see ``flag_weak_needs``."""
    if verdict is None or not any(finding.code == WEAK for finding in verdict.findings):
        return module, verdict
    copy = module.with_name(f"{cell.id}-{module.name}")
    shutil.copy2(module, copy)
    if not flag_weak_needs(copy, level, cell.target.machine):
        return module, verdict
    findings = tuple(finding for finding in verdict.findings if finding.code != WEAK)
    return copy, msgspec.structs.replace(verdict, findings=findings)


def _remember(state: BuildState, outcome: Outcome, wheels: dict[str, WheelState]) -> BuildState:
    took = round(outcome.ended - outcome.started, 3)
    return BuildState(
        seconds=took if outcome.compiled or state.seconds is None else state.seconds,
        crates=outcome.compiled + outcome.fresh,
        wheels={**state.wheels, **wheels},
    )
