"""Starts builds as slots free up, the most urgent first; knows nothing of what a build is made of."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio
import anyio.abc

from matrix.events import BuildWaiting, Bus, SlotFreed, SlotsChanged, SlotTaken
from matrix.model import Build, Outcome
from matrix.running.order import Queue
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
        budget: Bytes of memory for all builds at once; ``None`` for no bound.
        peaks: Bytes each build needed the last time, by id.
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
        budget: int | None = None,
        peaks: Mapping[str, int] | None = None,
    ) -> None:
        self._pool = pool
        self._execute = execute
        self._finish = finish
        self._bus = bus
        self._caps = dict(caps or {})
        self._fail_fast = fail_fast
        self._budget = budget
        self._peaks = dict(peaks or {})
        self._queue = Queue(())
        self._short: set[str] = set()
        self._free = list(range(pool.total))
        self._changed = anyio.Event()
        self._compiling = anyio.CancelScope()
        self.outcomes: dict[str, Outcome] = {}

    @property
    def stopped_early(self) -> bool:
        """Whether ``fail_fast`` ended the run."""
        return self._compiling.cancel_called

    async def run(self, builds: Sequence[Build], after: Mapping[str, str] | None = None) -> dict[str, Outcome]:
        """Run ``builds`` and return the outcome of each, by id.

        When the caller is cancelled every running build is stopped and recorded as ``cancelled``.

        Args:
            builds: What to run; among equally urgent ones the first is first.
            after: Builds that are not ready before another one of ``builds`` has ended: id by id.
        """
        self._queue = Queue(builds, after, caps=self._caps, budget=self._budget, peaks=self._peaks)
        try:
            async with anyio.create_task_group() as finishing:
                with self._compiling:
                    async with anyio.create_task_group() as group:
                        while self._queue:
                            build, slot = await self._next()
                            group.start_soon(self._one, build, slot, finishing)
        finally:
            for build in builds:
                self.outcomes.setdefault(build.id, Outcome(build=build.id, status="cancelled", reason="never started"))
        return self.outcomes

    async def _next(self) -> tuple[Build, int]:
        """Wait for a slot and for a ready build; take both."""
        while self._queue.peek() is None:
            self._tell_of_memory()
            self._changed = anyio.Event()
            await self._changed.wait()
        await self._pool.acquire()
        build, slot = self._queue.take(), heapq.heappop(self._free)
        self._bus.emit(SlotTaken(build=build.id, slot=slot))
        self._tell_slots()
        return build, slot

    async def _one(self, build: Build, slot: int, finishing: anyio.abc.TaskGroup) -> None:
        outcome = Outcome(build=build.id, status="cancelled", reason="stopped")
        try:
            outcome = await self._execute(build)
        finally:
            self.outcomes[build.id] = outcome
            if self._fail_fast and outcome.status != "ok":
                self._compiling.cancel()  # before the slot is free: nothing more starts
            self._queue.ended(build.id, outcome.peak)
            heapq.heappush(self._free, slot)
            self._pool.release()
            self._bus.emit(SlotFreed(build=build.id, slot=slot))
            self._tell_slots()
            self._changed.set()
        if outcome.status == "ok":
            finishing.start_soon(self._shielded_finish, build, outcome)

    async def _shielded_finish(self, build: Build, outcome: Outcome) -> None:
        with anyio.CancelScope(shield=True):
            if not await self._finish(build, outcome) and self._fail_fast:
                self._compiling.cancel()

    def _tell_of_memory(self) -> None:
        short = self._queue.kept_waiting()
        if short is not None and short.id not in self._short:
            self._short.add(short.id)
            reason = "its memory would not fit beside the builds that run (--max-memory)"
            self._bus.emit(BuildWaiting(build=short.id, reason=reason))

    def _tell_slots(self) -> None:
        self._bus.emit(SlotsChanged(held=self._pool.held, total=self._pool.total))
