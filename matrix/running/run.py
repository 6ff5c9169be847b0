"""Carries a plan out: prepare once, schedule the builds, finish their wheels, and end well when told to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from matrix.events import BuildEnded, CellEnded
from matrix.model import Build, Outcome, Plan
from matrix.running.bench import Bench
from matrix.running.build import make
from matrix.running.oversize import Oversize
from matrix.running.preparing import prepare
from matrix.running.scheduler import Scheduler
from matrix.running.signals import stopped_by_signals
from matrix.running.sowing import Sower

__all__ = ["Ending", "carry_out"]

Ending = Literal["done", "stopped", "interrupted"]
Finish = Callable[[Build, Outcome], Awaitable[bool]]


async def carry_out(
    plan: Plan,
    bench: Bench,
    finish: Finish,
    *,
    caps: Mapping[str, int] | None = None,
    fail_fast: bool = False,
    seeding: bool = True,
    budget: int | None = None,
    peaks: Mapping[str, int] | None = None,
    limit: int | None = None,
) -> Ending:
    """Run every build of ``plan`` and finish its wheels.

    Args:
        plan: What to do.
        bench: What every build needs.
        finish: Turns a good outcome into wheels.
        caps: Most builds of a driver at once, by driver name.
        fail_fast: Whether the first failure ends the run.
        budget: Bytes of memory for all builds at once; ``None`` for no bound.
        peaks: Bytes each build needed the last time, by id.
        limit: The same bound when the user named it, who is told of builds that alone need more.
        seeding: Whether cold lanes start from what their family has in common.

    Returns:
        ``done``; ``stopped`` when ``fail_fast`` ended the run early, ``interrupted`` when a signal did.

    SIGINT, SIGTERM and SIGHUP stop every process and start nothing more; a second one ends this process at once.
    """
    oversize = Oversize(bench.bus, limit)
    async with stopped_by_signals():
        oversize.known(plan.builds, peaks or {})
        builds = await _prepared(plan.builds, bench)
        if fail_fast and len(builds) < len(plan.builds):
            builds = []
        sower = Sower(builds, bench, enabled=seeding)
        scheduler = Scheduler(
            pool=bench.pool,
            execute=partial(_execute, bench=bench, sower=sower, oversize=oversize),
            finish=partial(_finish, finish=finish, sower=sower),
            bus=bench.bus,
            caps=caps,
            fail_fast=fail_fast,
            budget=budget,
            peaks=peaks,
        )
        async with bench.meter.looking():
            await scheduler.run([*(seed.build for seed in sower.seeds.values()), *builds], after=sower.after)
        short = scheduler.stopped_early or (fail_fast and not builds)
        return "stopped" if short else "done"
    return "interrupted"  # type: ignore[unreachable] # the block above is left early when a signal comes


async def _prepared(builds: Sequence[Build], bench: Bench) -> list[Build]:
    """Prepare every driver; return the builds that can go on, and tell how the others failed."""
    failures = await prepare(builds, bench)
    for build in builds:
        if build.id in failures:
            bench.bus.emit(BuildEnded(outcome=failures[build.id]))
            _fail_cells(build, failures[build.id], bench)
    return [build for build in builds if build.id not in failures]


async def _execute(build: Build, *, bench: Bench, sower: Sower, oversize: Oversize) -> Outcome:
    if build.id in sower.seeds:
        return await sower.sow(build)
    outcome = await make(build, bench, sower.prepare_lane)
    oversize.ended(outcome)
    if outcome.status != "ok":
        _fail_cells(build, outcome, bench)
    return outcome


async def _finish(build: Build, outcome: Outcome, *, finish: Finish, sower: Sower) -> bool:
    return build.id in sower.seeds or await finish(build, outcome)


def _fail_cells(build: Build, outcome: Outcome, bench: Bench) -> None:
    cells = [cell for cell in build.cells if cell not in bench.failed]
    bench.failed.update(cells)
    for cell in cells:
        bench.bus.emit(
            CellEnded(
                cell=cell,
                build=build.id,
                status="failed",
                reason=outcome.reason,
                details=outcome.details,
                hint=outcome.hint,
            )
        )
