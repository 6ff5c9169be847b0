"""What happens once before builds run in parallel; a step that fails costs only its own builds."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from matrix.driver import Step
from matrix.errors import ToolError
from matrix.events import PrepareEnded, PrepareStarted
from matrix.files import shown, write_if_changed
from matrix.model import Build, Command, Outcome
from matrix.process import Ended, run
from matrix.running.bench import Bench, without_foreign_jobserver
from matrix.running.cbindgen import find_cbindgen, install_step, may_install
from matrix.running.generators import without_header
from matrix.running.lanes import held_lock
from matrix.running.reasons import explain_failure

__all__ = ["install_cbindgen", "prepare"]

LOG = "prepare.log"


async def prepare(builds: Sequence[Build], bench: Bench) -> dict[str, Outcome]:
    """Run every driver's steps, one after another, then what all need that the builds are turned into wheels with.

    Args:
        builds: What will be built.
        bench: What every build needs.

    Returns:
        How it failed, for each build that cannot be made.
    """
    failed: dict[str, Outcome] = {}
    bench = msgspec.structs.replace(bench, color=False)
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
    return failed | await _generators([build for build in builds if build.id not in failed], bench)


async def install_cbindgen(builds: Sequence[str], bench: Bench) -> Outcome | None:
    """Install a cbindgen of our own, unless another run just did; the caller holds a slot.

    Args:
        builds: Ids of the builds that need it.
        bench: What every build needs.

    Returns:
        How it failed, or ``None``.
    """
    step = install_step(
        builds, cache=bench.cache, host=bench.host, cargo=bench.cargo, jobs=bench.pool.total, environ=os.environ
    )
    failure = await _guarded(step, bench)
    if failure is None:
        return None
    log = shown(bench.workshop.base / "logs" / LOG, bench.root)
    return msgspec.structs.replace(failure, hint=f"{failure.hint} (what cargo said: {log})")


async def _generators(builds: Sequence[Build], bench: Bench) -> dict[str, Outcome]:
    needing = [build.id for build in without_header(builds, bench.target_dir, bench.root)]
    if not needing or find_cbindgen(bench.cache, bench.host, os.environ) is not None or not may_install(bench.host):
        return {}
    await bench.pool.acquire()
    try:
        failure = await install_cbindgen(needing, bench)
    finally:
        bench.pool.release()
    return {build: msgspec.structs.replace(failure, build=build) for build in needing} if failure is not None else {}


async def _guarded(step: Step, bench: Bench) -> Outcome | None:
    """Run one step and return how it failed."""
    try:
        return await _once(step, bench)
    except ToolError as error:
        return Outcome(build="", status="failed", reason=f"{step.what}: {error.message}", hint=error.hint or step.hint)
    except OSError as error:
        return Outcome(build="", status="failed", reason=f"{error.filename}: {error.strerror or error}")


async def _once(step: Step, bench: Bench) -> Outcome | None:
    stamp = Path(step.leaves) if step.leaves else None
    if step.key:
        stamp = await anyio.to_thread.run_sync(_stamp, step, bench.cache)
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
            if failure is None and step.key and stamp is not None:
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
    lines: list[str] = [f"$ {step.what}"]

    def keep(line: str) -> str:
        lines.append(line)
        return line

    try:
        with _sharing(step, bench) as (command, pass_fds):
            ended = await run(command, root=bench.root, on_stdout=keep, on_stderr=keep, pass_fds=pass_fds)
    finally:
        if step.scratch:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(partial(shutil.rmtree, step.scratch, ignore_errors=True))
    await anyio.to_thread.run_sync(_append, bench.workshop.base / "logs" / LOG, lines)
    return None if not ended.exit else _failure(step, ended)


@contextmanager
def _sharing(step: Step, bench: Bench) -> Iterator[tuple[Command, tuple[int, ...]]]:
    """Yield the command, joined to the pool of slots where it compiles, and the descriptors it inherits for that."""
    command = without_foreign_jobserver(step.command)
    if not step.compiles:
        yield command, ()
        return
    with bench.pool.handoff() as handoff:
        env = {**command.env, "CARGO_MAKEFLAGS": handoff.makeflags}
        yield msgspec.structs.replace(command, env=env), handoff.pass_fds


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
