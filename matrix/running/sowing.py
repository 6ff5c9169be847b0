"""Makes the seeds of a run and gives each cold lane its clone; whatever fails, the lane simply starts cold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread

from matrix.events import Note, PrepareEnded, PrepareStarted
from matrix.model import Build, Outcome
from matrix.running.bench import Bench
from matrix.running.seeding import OUT_OF_REACH, Seed, SeedWatch, clone, find_seeds

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
        self.seeds = {seed.build.id: seed for seed in (find_seeds(builds, lanes) if enabled else ())}
        self.after = {member: name for name, seed in self.seeds.items() for member in seed.members}
        self._ready: set[str] = set()
        self._turn = anyio.Lock()  # siblings of this run wait here, not for what looks like another run

    async def sow(self, build: Build) -> Outcome:
        """Compile what a family shares. It never fails: a seed that does not grow leaves its lanes cold."""
        seed = self.seeds[build.id]
        what = f"seed for {len(seed.members)} builds"
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
            watch = SeedWatch()
            await bench.run(seed.build, lane, pyo3_config=OUT_OF_REACH, python=OUT_OF_REACH, on_stdout=watch.stdout)
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
        async with self._turn, self._bench.hold(seed.build) as source:
            try:
                await anyio.to_thread.run_sync(clone, source, lane, build)
            except OSError as error:
                self._bench.bus.emit(Note(level="note", text=f"its lane starts cold: {error}", build=build.id))
