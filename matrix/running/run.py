"""Carries a plan out: prepare once, schedule the builds, finish their wheels, and end well when told to stop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from matrix.driver import Place
from matrix.errors import ToolError
from matrix.events import BuildEnded, CellEnded, PrepareEnded, PrepareStarted
from matrix.model import Build, Command, Outcome, Plan
from matrix.process import run
from matrix.running.build import Bench, make
from matrix.running.reasons import explain_failure
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
) -> Ending:
    """Run every build of ``plan`` and finish its wheels.

    Args:
        plan: What to do.
        bench: What every build needs.
        finish: Turns a good outcome into wheels.
        caps: Most builds of a driver at once, by driver name.
        fail_fast: Whether the first failure ends the run.
        seeding: Whether cold lanes start from what their family has in common.

    Returns:
        ``done``; ``stopped`` when ``fail_fast`` ended the run early, ``interrupted`` when a signal did.

    SIGINT, SIGTERM and SIGHUP stop every process and start nothing more; a second one ends this process at once.
    """
    sower = Sower(plan.builds, bench, enabled=seeding)

    async def execute(build: Build) -> Outcome:
        if build.id in sower.seeds:
            return await sower.sow(build)
        outcome = await make(build, bench, sower.prepare_lane)
        if outcome.status != "ok":
            _fail_cells(build, outcome, bench)
        return outcome

    async def finish_build(build: Build, outcome: Outcome) -> bool:
        return build.id in sower.seeds or await finish(build, outcome)

    scheduler = Scheduler(
        pool=bench.pool, execute=execute, finish=finish_build, bus=bench.bus, caps=caps, fail_fast=fail_fast
    )
    async with stopped_by_signals() as stopped:
        failure = await _prepare(plan.builds, bench)
        if failure is not None:
            for build in plan.builds:
                outcome = msgspec.structs.replace(failure, build=build.id)
                bench.bus.emit(BuildEnded(outcome=outcome))
                _fail_cells(build, outcome, bench)
            return "done"
        seeds = [seed.build for seed in sower.seeds.values()]
        await scheduler.run([*seeds, *plan.builds], after=sower.after)
    if stopped.cancel_called:
        return "interrupted"
    return "stopped" if scheduler.stopped_early else "done"


def _fail_cells(build: Build, outcome: Outcome, bench: Bench) -> None:
    for cell in build.cells:
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


async def _prepare(builds: Sequence[Build], bench: Bench) -> Outcome | None:
    """Run every driver's steps that must happen once, one after another; return how they failed."""
    if not builds:
        return None
    for name, driver in bench.drivers.items():
        own = [build for build in builds if build.driver == name]
        if not own:
            continue
        place = Place(
            root=str(bench.root),
            manifest=str(bench.root / own[0].manifest),
            lane=str(bench.workshop.base / "lanes"),
            jobs=bench.pool.total,
            cargo=bench.cargo,
            cargo_flags=bench.cargo_flags,
        )
        for command in driver.prepare(own, place):
            failure = await _step(command, bench)
            if failure is not None:
                return failure
    return None


async def _step(command: Command, bench: Bench) -> Outcome | None:
    what = " ".join([Path(command.argv[0]).name, *command.argv[1:2]])
    bench.bus.emit(PrepareStarted(what=what))
    try:
        ended = await run(command, root=bench.root, log=bench.workshop.base / "logs" / "prepare.log")
    except ToolError as error:
        return Outcome(build="", status="failed", reason=error.message, hint=error.hint)
    except OSError as error:
        return Outcome(build="", status="failed", reason=f"{error.filename}: {error.strerror or error}")
    finally:
        bench.bus.emit(PrepareEnded(what=what))
    if not ended.exit:
        return None
    why = explain_failure(ended.exit, [], ended.tail)
    return Outcome(
        build="",
        status="failed",
        reason=f"{what}: {why.line}",
        details=why.details,
        hint=why.hint,
        exit=ended.exit,
        argv=command.argv,
        log="logs/prepare.log",
    )
