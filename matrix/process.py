"""The one place that starts processes: own group, closed stdin, a log, a tail, a time limit, a sure end."""

from __future__ import annotations

import os
import signal
import subprocess  # noqa: TID251 - this is the module that may
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import msgspec

from matrix import ahead
from matrix.ears import Ear
from matrix.errors import ToolError
from matrix.files import LogFile
from matrix.model import Command

if TYPE_CHECKING:
    from anyio.abc import Process

__all__ = ["Completed", "Ended", "LineFilter", "capture", "run"]

GRACE = 3.0  # seconds between SIGTERM and SIGKILL
BURIAL = 0.5  # seconds to wait for the dead of a group to be gone (where nobody collects them they never are)
TAIL = 60  # lines kept for an error
POLL = 0.02  # seconds between looks at a group that is being stopped
QUIET = 0.1  # seconds of silence that make one round, once a process ended and its pipes stay open
QUIET_ROUNDS = 20  # rounds of silence after which a daemon it left is taken to hold them
DRAIN = 30.0  # seconds in which even a talkative daemon is listened to

_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

LineFilter = Callable[[str], "str | None"]


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """A short command's exit code and its output, decoded."""

    exit: int
    stdout: str
    stderr: str


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a long command ended.

    Attributes:
        exit: Its exit code (negative: signal).
        timed_out: Whether the time limit ended it.
        tail: The last lines of what it said.
        peak: Most memory its group held, in bytes; ``None`` when nobody looked.
    """

    exit: int
    timed_out: bool
    tail: tuple[str, ...]
    peak: int | None = None


def environment(command: Command, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return ``base`` (this process's environment) with the command's changes applied."""
    env = dict(os.environ if base is None else base)
    for name, value in command.env.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


async def capture(command: Command, *, root: Path, timeout: float = 60.0) -> Completed:  # noqa: ASYNC109
    """Run a short command and return its output.

    Args:
        command: What to run; its ``cwd`` is relative to ``root``.
        root: The project's root, or any directory.
        timeout: Seconds it may take.

    Raises:
        ToolError: The program is missing, may not be run, or took too long.
    """
    early = ahead.asked(command.argv, cwd=root / command.cwd, env=environment(command))
    if early is not None:
        return await _answered(early, command, timeout)
    out: list[str] = []
    err: list[str] = []
    ended = await run(command, root=root, on_stdout=_into(out), on_stderr=_into(err), timeout=timeout)
    if ended.timed_out:
        raise _no_answer(command, timeout)
    return Completed(exit=ended.exit, stdout="\n".join(out), stderr="\n".join(err))


async def _answered(early: ahead.Asked, command: Command, limit: float) -> Completed:
    """Return the answer to a question that was put while the program still loaded."""
    try:
        code, out, err = await anyio.to_thread.run_sync(early.wait, limit, abandon_on_cancel=True)
    except TimeoutError:
        raise _no_answer(command, limit) from None
    except BaseException:
        early.end()
        raise
    return Completed(exit=code, stdout=out, stderr=err)


def _no_answer(command: Command, limit: float) -> ToolError:
    return ToolError(f"{command.argv[0]}: no answer within {limit:g} s")


async def run(
    command: Command,
    *,
    root: Path,
    on_stdout: LineFilter | None = None,
    on_stderr: LineFilter | None = None,
    log: Path | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - the limit ends a whole process group, not only an await
    pass_fds: Sequence[int] = (),
    on_pid: Callable[[int], None] | None = None,
) -> Ended:
    """Run a command to its end, line by line, and leave no process of its group behind.

    Cancelling the caller stops the whole group (SIGTERM, then SIGKILL) before the cancellation goes on. What a command
    that ended by itself left running in its group is killed; a real daemon has a session of its own and lives on.

    Args:
        command: What to run; its ``cwd`` is relative to ``root``.
        root: The project's root.
        on_stdout: Called with each line of stdout; returns what the log and the tail get, or ``None``.
        on_stderr: The same for stderr.
        log: File that gets every line kept, written anew.
        timeout: Seconds it may take, or ``None``.
        pass_fds: Descriptors the child inherits.
        on_pid: Called with the process' number, which is also its group's, when it runs.

    Raises:
        ToolError: The program is missing or may not be run.
    """
    tail: deque[str] = deque(maxlen=TAIL)
    with ExitStack() as files:
        # A line at a time: who watches the log sees it grow, and a killed run leaves one that is whole.
        sink = files.enter_context(LogFile(log)) if log is not None else None
        process = await _start(command, root, pass_fds)
        if on_pid is not None:
            on_pid(process.pid)
        try:
            timed_out = await _watch(process, on_stdout, on_stderr, tail, sink, timeout)
            _signal_group(process.pid, _KILL)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await _stop(process)
            raise
        finally:
            with anyio.CancelScope(shield=True):
                await process.aclose()
    return Ended(exit=process.returncode or 0, timed_out=timed_out, tail=tuple(tail))


async def _start(command: Command, root: Path, pass_fds: Sequence[int]) -> Process:
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    cwd = root / command.cwd
    try:
        return await anyio.open_process(
            command.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment(command),
            start_new_session=sys.platform != "win32",
            creationflags=flags,
            pass_fds=pass_fds,
        )
    except FileNotFoundError as error:
        if not cwd.is_dir():
            raise ToolError(f"{cwd}: no such directory") from error
        raise ToolError(f"{command.argv[0]}: program not found") from error
    except OSError as error:
        raise ToolError(f"{command.argv[0]}: {error.strerror or error}") from error


async def _watch(
    process: Process,
    on_stdout: LineFilter | None,
    on_stderr: LineFilter | None,
    tail: deque[str],
    sink: LogFile | None,
    limit: float | None,
) -> bool:
    """Read both pipes until the process ends; return whether the time limit ended it."""
    ears = [Ear(process.stdout), Ear(process.stderr)]

    async def pump(ear: Ear, filter_: LineFilter | None) -> None:
        async for line in ear.lines():
            kept = filter_(line) if filter_ is not None else line
            if kept is None:
                continue
            tail.extend(kept.splitlines()[-TAIL:] or [""])
            if sink is not None:
                sink.write(kept + "\n")
        ear.closed.set()

    timed_out = False
    async with anyio.create_task_group() as pumps:
        pumps.start_soon(pump, ears[0], on_stdout)
        pumps.start_soon(pump, ears[1], on_stderr)
        with anyio.move_on_after(limit) as scope:
            await process.wait()
        if scope.cancelled_caught:
            timed_out = True
            with anyio.CancelScope(shield=True):
                await _stop(process)
        await _drain(ears)
        pumps.cancel_scope.cancel()
    return timed_out


async def _drain(ears: Sequence[Ear]) -> None:
    """Wait until both pipes are closed, or nothing comes any more because a daemon holds them.

    Silence is counted in rounds, each of which lets the event loop read: a loop that stalls loses no output.
    """
    rounds = 0
    until = anyio.current_time() + DRAIN
    while rounds < QUIET_ROUNDS and anyio.current_time() < until:
        heard = sum(ear.chunks for ear in ears)
        with anyio.move_on_after(QUIET):
            for ear in ears:
                await ear.closed.wait()
            return
        rounds = rounds + 1 if sum(ear.chunks for ear in ears) == heard else 0


def _into(lines: list[str]) -> LineFilter:
    def keep(line: str) -> None:
        lines.append(line)

    return keep


async def _stop(process: Process) -> None:
    """End the whole group: SIGTERM, a grace, SIGKILL; on Windows the process tree."""
    if sys.platform == "win32":
        if process.returncode is None:
            killer = await anyio.run_process(["taskkill", "/T", "/F", "/PID", str(process.pid)], check=False)
            if killer.returncode:
                process.kill()
            await process.wait()
        return
    for number, seconds in ((signal.SIGTERM, GRACE), (_KILL, BURIAL)):
        _signal_group(process.pid, number)
        with anyio.move_on_after(seconds):
            while _group_alive(process):  # noqa: ASYNC110 - the kernel sends no event for an empty group
                await anyio.sleep(POLL)
    await process.wait()


def _group_alive(process: Process) -> bool:
    if process.returncode is None:
        return True
    return _signal_group(process.pid, 0)


def _signal_group(group: int, number: int) -> bool:
    """Signal every process of a group; return whether there was one."""
    if sys.platform == "win32":
        return False
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return False
    return True
