"""From a good build to its wheels: audit, judge, tag, pack, off the event loop, while other builds compile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from matrix.archives import is_unchanged
from matrix.events import AuditEnded, AuditStarted, Bus, CellEnded, Note
from matrix.model import Build, Cell, Outcome, Plan, Wheel
from matrix.running.aside import Aside, guarded
from matrix.running.claims import Claims
from matrix.running.ends import End
from matrix.running.ingredients import Ingredients, inputs_of, same_sources
from matrix.running.joining import Joiner, Made
from matrix.running.lanes import Workshop
from matrix.running.state import BuildState, WheelState, read_state, write_state

if TYPE_CHECKING:
    from matrix.auditing import Analysis
    from matrix.running.packing import Packer

__all__ = ["Finisher"]


class Finisher:
    """Turns outcomes into wheels and remembers what each was made from.

    Args:
        ingredients: What every wheel is made from.
        plan: What is built.
        workshop: Where state is kept.
        bus: Hears how cells end.
        busy: Whether anything compiles, so that what is done meanwhile is done at idle priority.
    """

    def __init__(
        self,
        ingredients: Ingredients,
        plan: Plan,
        workshop: Workshop,
        bus: Bus,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._ingredients = ingredients
        self._joiner = Joiner(plan)
        self._workshop = workshop
        self._bus = bus
        # one thread: more would keep the loop waiting for the interpreter lock
        self._limiter = anyio.CapacityLimiter(1)
        self._compiled = False
        self._aside = Aside(self._packer, workshop.staging, ingredients.out, lambda: self._compiled and busy())
        self._claims = Claims(workshop.staging / ".claims")
        self.wheels: list[Wheel] = []

    async def close(self) -> None:
        """End the processes that helped."""
        await self._aside.close()

    async def finish(self, build: Build, outcome: Outcome) -> bool:
        """Make every wheel that ``build`` completes and tell how its cells ended; return whether all were made.

        Whatever goes wrong is a failure of these cells: nothing leaves as an exception but cancellation.
        """
        good = True
        self._compiled = self._compiled or outcome.compiled > 0  # else cargo only looks, and all is over soon
        for made in self._joiner.made(build, outcome):
            whole = await self._whole(made)
            if isinstance(whole, End):
                self._tell(made.cells, whole)
            good = isinstance(whole, Made) and await self._finish(whole) and good
        return good

    async def _whole(self, made: Made) -> Made | End:
        return await self._aside.run(_joined, made) if made.slices else made

    async def _finish(self, made: Made) -> bool:
        path = self._workshop.state(made.name)
        state = await anyio.to_thread.run_sync(read_state, path, limiter=self._limiter)
        kept: dict[str, WheelState] = {}
        good = True
        audited: End | Analysis | None = None
        for wish, cells in _wheels_of(made.cells).items():
            end = await self._kept(made, cells[0], state.wheels.get(wish))
            if end is None and audited is None and self._ingredients.audit != "skip":
                audited = await self._audit(made)
            if end is None:
                end = audited if isinstance(audited, End) else await self._pack(made, cells[0], audited)
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

    async def _kept(self, made: Made, cell: Cell, before: WheelState | None) -> End | None:
        step = (self._reused, made, cell, before)
        return await anyio.to_thread.run_sync(guarded, str(self._ingredients.out), *step, limiter=self._limiter)

    async def _audit(self, made: Made) -> Analysis | End:
        cells = tuple(cell.id for cell in made.cells)
        self._bus.emit(AuditStarted(build=made.build.id, cells=cells))
        analysis = await self._aside.run(_analysed, made)
        if not isinstance(analysis, End):
            self._bus.emit(AuditEnded(build=made.build.id, cells=cells, verdict=analysis.verdict))
        return analysis

    async def _pack(self, made: Made, cell: Cell, analysis: Analysis | None) -> End:
        return await self._aside.run(_packed, made, cell, analysis)

    def _packer(self) -> Packer:
        from matrix.running.packing import Packer  # noqa: PLC0415 - what is reused is neither audited nor packed

        return Packer(self._ingredients, self._workshop.staging, self._claims)

    def _reused(self, made: Made, cell: Cell, before: WheelState | None) -> End | None:
        """Keep the wheel of the last run when cargo had nothing to do and every input and byte is the same."""
        if not self._ingredients.reuse or made.outcome.compiled or before is None:
            return None
        bundled = before.bundled
        if not is_unchanged(self._ingredients.out, before.wheel) or not same_sources(bundled):
            return None
        if inputs_of(self._ingredients, made, cell, bundled) != before.inputs:
            return None
        self._claims.take(before.wheel.file, made.name)
        return End(status="reused", wheel=before.wheel, verdict=before.verdict, bundled=bundled, inputs=before.inputs)

    def _tell(self, cells: Sequence[Cell], end: End) -> None:
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


# what another process is asked for goes by these names, so that this one need not load what packs


def _joined(packer: Packer, made: Made) -> Made:
    return packer.joined(made)


def _analysed(packer: Packer, made: Made) -> Analysis:
    return packer.analysed(made)


def _packed(packer: Packer, made: Made, cell: Cell, analysis: Analysis | None) -> End:
    return packer.packed(made, cell, analysis)


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
