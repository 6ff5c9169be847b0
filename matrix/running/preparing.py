"""What happens once before builds run in parallel, driver by driver; a step that fails costs only its own builds."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from matrix.driver import Step
from matrix.errors import ToolError
from matrix.events import PrepareEnded, PrepareStarted
from matrix.files import write_if_changed
from matrix.model import Build, Outcome
from matrix.process import Ended, run
from matrix.running.bench import Bench, without_foreign_jobserver
from matrix.running.lanes import held_lock
from matrix.running.reasons import explain_failure

__all__ = ["prepare"]

LOG = "prepare.log"


async def prepare(builds: Sequence[Build], bench: Bench) -> dict[str, Outcome]:
    """Run every driver's steps, one after another.

    Args:
        builds: What will be built.
        bench: What every build needs.

    Returns:
        How it failed, for each build that cannot be made.
    """
    failed: dict[str, Outcome] = {}
    bench = replace(bench, color=False)
    (bench.workshop.base / "logs" / LOG).unlink(missing_ok=True)
    for name, driver in bench.drivers.items():
        own = [build for build in builds if build.driver == name]
        if not own:
            continue
        for step in driver.prepare(own, bench.place(own[0], bench.workshop.base / "lanes")):
            left = [build for build in step.builds if build not in failed]
            if not left:
                continue
            failure = await _guarded(step, bench)
            if failure is not None:
                failed |= {build: msgspec.structs.replace(failure, build=build) for build in left}
    return failed


async def _guarded(step: Step, bench: Bench) -> Outcome | None:
    """Run one step and return how it failed."""
    try:
        return await _once(step, bench)
    except ToolError as error:
        return Outcome(build="", status="failed", reason=f"{step.what}: {error.message}", hint=error.hint or step.hint)
    except OSError as error:
        return Outcome(build="", status="failed", reason=f"{error.filename}: {error.strerror or error}")


async def _once(step: Step, bench: Bench) -> Outcome | None:
    stamp = await anyio.to_thread.run_sync(_stamp, step, bench.cache) if step.key else None
    if stamp is not None and stamp.exists():
        return None
    bench.bus.emit(PrepareStarted(what=step.what))
    try:
        if not step.lock:
            return await _run(step, bench)
        async with held_lock(bench.cache / "locks" / f"{step.lock}.lock"):
            if stamp is not None and stamp.exists():  # another run did it meanwhile
                return None
            failure = await _run(step, bench)
            if failure is None and stamp is not None:
                stamp.parent.mkdir(parents=True, exist_ok=True)
                stamp.touch()
            return failure
    finally:
        bench.bus.emit(PrepareEnded(what=step.what))


def _stamp(step: Step, cache: Path) -> Path:
    """Return the file that says a step was done: by this very program, so that an update of it does it again."""
    try:
        known = Path(step.command.argv[0]).stat()
        program = f"{known.st_size} {known.st_mtime_ns}"
    except OSError:
        program = ""
    return cache / "prepared" / f"{step.key}-{hashlib.sha256(program.encode()).hexdigest()[:8]}"


async def _run(step: Step, bench: Bench) -> Outcome | None:
    for name, text in step.files.items():
        await anyio.to_thread.run_sync(write_if_changed, Path(name), text)
    for name, text in step.programs.items():
        await anyio.to_thread.run_sync(partial(write_if_changed, Path(name), text, mode=0o755))
    command = without_foreign_jobserver(step.command)
    lines: list[str] = [f"$ {step.what}"]

    def keep(line: str) -> str:
        lines.append(line)
        return line

    ended = await run(command, root=bench.root, on_stdout=keep, on_stderr=keep)
    await anyio.to_thread.run_sync(_append, bench.workshop.base / "logs" / LOG, lines)
    return None if not ended.exit else _failure(step, ended)


def _append(log: Path, lines: Sequence[str]) -> None:
    with log.open("a", encoding="utf-8", errors="replace") as file:
        file.writelines(f"{line}\n" for line in lines)


def _failure(step: Step, ended: Ended) -> Outcome:
    why = explain_failure(ended.exit, [], ended.tail)
    return Outcome(
        build="",
        status="failed",
        reason=f"{step.what}: {why.line}",
        details=why.details,
        hint=why.hint or step.hint,
        exit=ended.exit,
        argv=step.command.argv,
        log=f"logs/{LOG}",
    )
