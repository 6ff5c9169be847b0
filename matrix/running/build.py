"""The one place where a build becomes an outcome; whatever goes wrong in it is a value afterwards."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from matrix.errors import WheelmatrixError, disk_hint
from matrix.events import BuildEnded, Bus, PrepareEnded, PrepareStarted
from matrix.files import write_if_changed
from matrix.model import Artifact, Build, Outcome
from matrix.running.bench import Bench
from matrix.running.bringing import brought
from matrix.running.companions import staged_companions
from matrix.running.generating import generated
from matrix.running.lanes import disk_size
from matrix.running.stubbing import with_stubs
from matrix.running.training import check_training, instrumented, optimised, train
from matrix.running.watch import Watch

__all__ = ["PrepareLane", "make", "portions"]


PrepareLane = Callable[[Build, Path], Awaitable[None]]


async def make(build: Build, bench: Bench, prepare_lane: PrepareLane | None = None) -> Outcome:
    """Make one build in its lane and return how it ended; only cancellation leaves as an exception.

    Args:
        build: The build.
        bench: What every build needs.
        prepare_lane: Called with the lane held, before cargo sees it.
    """
    started = bench.bus.now
    outcome = Outcome(build=build.id, status="cancelled", reason="stopped")
    try:
        outcome = await _make(build, bench, prepare_lane)
    except WheelmatrixError as error:
        outcome = Outcome(build=build.id, status="failed", reason=error.message, hint=error.hint)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = f"{where}{error.strerror or error}"
        outcome = Outcome(build=build.id, status="failed", reason=reason, hint=disk_hint(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours costs one build, not the run
        words = "".join(traceback.format_exception(error))
        outcome = Outcome(build=build.id, status="failed", reason=f"internal error: {error!r}", details=words)
    finally:
        outcome = msgspec.structs.replace(
            outcome,
            lane=build.id,
            log=f"logs/{build.id}.log",
            started=outcome.started or round(started, 3),
            ended=round(bench.bus.now, 3),
        )
        bench.bus.emit(BuildEnded(outcome=outcome))
    return outcome


async def _make(build: Build, bench: Bench, prepare_lane: PrepareLane | None) -> Outcome:
    if build.settings.pgo:
        python = check_training(build, bench)
        quiet = msgspec.structs.replace(bench, bus=Bus(), stubs="", companions=frozenset())
        bench.bus.emit(PrepareStarted(what=f"instrumented build of {build.id}"))
        first = await _compiled(instrumented(build, bench), quiet, None)
        bench.bus.emit(PrepareEnded(what=f"instrumented build of {build.id}"))
        if first.status != "ok":
            return msgspec.structs.replace(first, build=build.id)
        build = optimised(build, await train(build, bench, first, python))
    return await _compiled(build, bench, prepare_lane)


async def _compiled(build: Build, bench: Bench, prepare_lane: PrepareLane | None) -> Outcome:
    limit = build.settings.timeout
    async with bench.hold(build) as lane:
        started = round(bench.bus.now, 3)
        if prepare_lane is not None:
            await prepare_lane(build, lane)
        config: Path | None = None
        if build.pyo3_config is not None:
            config = bench.workshop.config(build.id)
            await anyio.to_thread.run_sync(write_if_changed, config, build.pyo3_config)
        python = bench.pythons.get(build.interpreter.id) if build.interpreter is not None else None
        on_apple = bench.host.target.os == "macos"
        watch = Watch(build, bench.bus, bench.companions, on_apple=on_apple)
        peaks: list[int] = []
        for portion in portions(build):
            command, ended = await bench.run(
                portion,
                lane,
                pyo3_config=str(config) if config is not None else None,
                python=python,
                on_start=watch.start,
                on_stdout=watch.stdout,
                on_stderr=watch.stderr,
            )
            peaks += [ended.peak] if ended.peak is not None else []
            if ended.exit or ended.timed_out:
                break
        outcome = watch.outcome(ended, limit)
        outcome = msgspec.structs.replace(
            outcome,
            argv=command.argv,
            started=started,
            peak=max(peaks, default=None),
            lane_size=await anyio.to_thread.run_sync(disk_size, lane) if outcome.compiled else None,
        )
        if outcome.status != "ok":
            return outcome
        staged = await anyio.to_thread.run_sync(
            _stage, outcome.artifacts, bench.workshop.staging / build.id, bench.out_dir_crates
        )
        if bench.brings:
            staged = await brought(build, bench, staged, lane)
        outcome = await generated(build, bench, msgspec.structs.replace(outcome, artifacts=staged))
        return await with_stubs(build, bench, outcome)


def portions(build: Build) -> tuple[Build, ...]:
    """Return what is compiled one after another: cargo takes arguments for rustc with one program at a time alone."""
    if len(build.bins) < 2 or not (build.settings.rustc_args or build.settings.strip or build.import_libraries):
        return (build,)
    return tuple(msgspec.structs.replace(build, bins=(name,)) for name in build.bins)


def _stage(artifacts: tuple[Artifact, ...], into: Path, crates: frozenset[str]) -> tuple[Artifact, ...]:
    """Copy out of the lane what a wheel is made from: cargo's own outputs are never worked on, the lane is free again.

    Args:
        artifacts: What cargo made.
        into: Where to; emptied first.
        crates: Crates whose ``OUT_DIR`` is copied too.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    staged: list[Artifact] = []
    for artifact in artifacts:
        if artifact.kind == "companion":
            staged += staged_companions(artifact, into)
            continue
        copy = into / Path(artifact.path).name
        shutil.copy2(artifact.path, copy)
        out_dirs = dict(artifact.out_dirs)
        for crate in crates & out_dirs.keys():
            kept = into / "out" / crate
            if not kept.exists():
                shutil.copytree(out_dirs[crate], kept, symlinks=True)
            out_dirs[crate] = str(kept)
        staged.append(msgspec.structs.replace(artifact, path=str(copy), out_dirs=out_dirs))
    return tuple(staged)
