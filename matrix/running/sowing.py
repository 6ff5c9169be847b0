"""Makes the seeds of a run and gives each cold lane its clone; whatever fails, the lane simply starts cold."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from matrix.driver import OUT_OF_REACH
from matrix.events import Note, PrepareEnded, PrepareStarted
from matrix.model import Build, Outcome
from matrix.running.bench import Bench
from matrix.running.seeding import Seed, SeedWatch, clone, find_roots, find_seeds

__all__ = ["Sower"]


class Sower:
    """The seeds of one run.

    Args:
        builds: The builds of the plan.
        bench: What every build needs.
        enabled: Whether lanes are seeded at all.
    """

    def __init__(self, builds: Sequence[Build], bench: Bench, *, enabled: bool = True) -> None:
        lanes = {build.id: bench.workshop.lane(build.id) for build in builds}
        self._bench = bench
        found = find_seeds(builds, lanes) if enabled else ()
        found, self._roots = find_roots(builds, lanes, found, self._host_of) if enabled else ((), {})
        self.seeds = {seed.build.id: seed for seed in found}
        self.after = {member: name for name, seed in self.seeds.items() for member in seed.members} | self._roots
        self._ready: set[str] = set()
        self._turn = anyio.Lock()  # siblings of this run wait here, not for what looks like another run

    def _host_of(self, build: Build) -> str | None:
        driver = self._bench.drivers[build.driver]
        return driver.host_of(build) if driver.shares_host(build, self._bench.host) else None

    def _named(self, seed: Seed) -> str:
        started = sum(1 for root in self._roots.values() if root == seed.build.id)
        more = f" and the host half of {started} more" if started else ""
        count = len(seed.members)
        return f"seed for {count} build{'s' * (count != 1)}{more}"

    async def sow(self, build: Build) -> Outcome:
        """Compile what a family shares. It never fails: a seed that does not grow leaves its lanes cold."""
        seed = self.seeds[build.id]
        what = self._named(seed)
        self._bench.bus.emit(PrepareStarted(what=what))
        try:
            compiled = await self._sow(seed)
        except Exception as error:  # noqa: BLE001 - a seed only saves work: without it the lanes start cold
            self._bench.bus.emit(Note(level="note", text=f"{what}: {error}"))
            compiled = 0
        self._bench.bus.emit(PrepareEnded(what=what))
        return Outcome(build=build.id, status="ok", compiled=compiled)

    async def _sow(self, seed: Seed) -> int:
        bench = self._bench
        async with bench.hold(seed.build) as lane:
            await self.prepare_lane(seed.build, lane)
            watch = SeedWatch(seed.build.id, bench.bus)
            await bench.run(
                seed.build,
                lane,
                pyo3_config=OUT_OF_REACH,
                python=OUT_OF_REACH,
                on_start=watch.start,
                on_stdout=watch.stdout,
                on_stderr=watch.stderr,
            )
            suspects = await anyio.to_thread.run_sync(watch.suspects)
        if suspects:
            text = f"lanes start cold: the build script of {', '.join(suspects)} may look at a Python"
            bench.bus.emit(Note(level="note", text=text))
        else:
            self._ready.add(seed.build.id)
        return watch.compiled

    async def prepare_lane(self, build: Build, lane: Path) -> None:
        """Clone the seed of a build into its lane, which the caller holds."""
        seed = self.seeds.get(self.after.get(build.id, ""))
        if seed is None or seed.build.id not in self._ready:
            return
        step = partial(clone, host_only=build.id in self._roots)
        async with self._turn, self._bench.hold(seed.build) as source:
            try:
                await anyio.to_thread.run_sync(step, source, lane, build)
            except OSError as error:
                self._bench.bus.emit(Note(level="note", text=f"its lane starts cold: {error}", build=build.id))
