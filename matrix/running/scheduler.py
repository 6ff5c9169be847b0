"""Starts builds as slots free up, in plan order, under per-driver caps; knows nothing of what a build is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
import anyio.abc

from matrix.events import Bus, SlotsChanged
from matrix.model import Build, Outcome
from matrix.running.pool import Pool

__all__ = ["Scheduler"]

Execute = Callable[[Build], Awaitable[Outcome]]
Finish = Callable[[Build, Outcome], Awaitable[bool]]


class Scheduler:
    """Runs every build once and returns every outcome.

    A slot is taken first and the build chosen after, so that the best ready one gets it. ``execute`` holds the
    slot; ``finish`` (audit and archive) runs after the slot is free again, beside the builds still running, and is
    shielded from cancellation: a binary that is there becomes a wheel.

    Args:
        pool: The slots.
        execute: Makes one build; returns failures as values.
        finish: Turns a good outcome into wheels; returns whether all of them were made.
        bus: Hears how many slots are held.
        caps: Most builds of a driver at once, by driver name.
        fail_fast: Whether the first failure cancels what runs and leaves the rest unstarted.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        execute: Execute,
        finish: Finish,
        bus: Bus,
        caps: Mapping[str, int] | None = None,
        fail_fast: bool = False,
    ) -> None:
        self._pool = pool
        self._execute = execute
        self._finish = finish
        self._bus = bus
        self._caps = dict(caps or {})
        self._fail_fast = fail_fast
        self._running: Counter[str] = Counter()
        self._after: dict[str, str] = {}
        self._changed = anyio.Event()
        self._compiling = anyio.CancelScope()
        self.outcomes: dict[str, Outcome] = {}

    @property
    def stopped_early(self) -> bool:
        """Whether ``fail_fast`` ended the run."""
        return self._compiling.cancel_called

    async def run(self, builds: Sequence[Build], after: Mapping[str, str] | None = None) -> dict[str, Outcome]:
        """Run ``builds`` (first is most urgent) and return the outcome of each, by id.

        When the caller is cancelled every running build is stopped and recorded as ``cancelled``.

        Args:
            builds: What to run.
            after: Builds that are not ready before another one of ``builds`` has ended: id by id.
        """
        pending = list(builds)
        self._after = dict(after or {})
        try:
            async with anyio.create_task_group() as finishing:
                with self._compiling:
                    async with anyio.create_task_group() as group:
                        while pending:
                            build = await self._next(pending)
                            group.start_soon(self._one, build, finishing)
        finally:
            for build in builds:
                self.outcomes.setdefault(build.id, Outcome(build=build.id, status="cancelled", reason="never started"))
        return self.outcomes

    async def _next(self, pending: list[Build]) -> Build:
        """Wait for a slot and for a ready build; take both."""
        while self._choose(pending) is None:
            self._changed = anyio.Event()
            await self._changed.wait()
        await self._pool.acquire()
        build = self._choose(pending)
        if build is None:  # cannot happen: what is ready stays ready while we wait
            raise RuntimeError("no build is ready")
        pending.remove(build)
        self._running[build.driver] += 1
        self._tell_slots()
        return build

    def _choose(self, pending: Sequence[Build]) -> Build | None:
        for build in pending:
            cap = self._caps.get(build.driver)
            waits_for = self._after.get(build.id)
            if waits_for is not None and waits_for not in self.outcomes:
                continue
            if cap is None or self._running[build.driver] < cap:
                return build
        return None

    async def _one(self, build: Build, finishing: anyio.abc.TaskGroup) -> None:
        outcome = Outcome(build=build.id, status="cancelled", reason="stopped")
        try:
            outcome = await self._execute(build)
        finally:
            self.outcomes[build.id] = outcome
            if self._fail_fast and outcome.status != "ok":
                self._compiling.cancel()  # before the slot is free: nothing more starts
            self._running[build.driver] -= 1
            self._pool.release()
            self._tell_slots()
            self._changed.set()
        if outcome.status == "ok":
            finishing.start_soon(self._shielded_finish, build, outcome)

    async def _shielded_finish(self, build: Build, outcome: Outcome) -> None:
        with anyio.CancelScope(shield=True):
            if not await self._finish(build, outcome) and self._fail_fast:
                self._compiling.cancel()

    def _tell_slots(self) -> None:
        self._bus.emit(SlotsChanged(held=self._pool.held, total=self._pool.total))
