"""Processes of this program's own that do blocking work at idle priority, so that compilers come first.

A thread at idle priority would not do: it takes the interpreter's lock, gets no CPU to give it back, and the event loop
waits for both.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess  # noqa: TID251 - this module starts no other program
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
from anyio.streams.buffered import BufferedByteReceiveStream

if TYPE_CHECKING:
    from anyio.abc import Process

__all__ = ["WorkerLostError", "Workers", "serve"]

# with -I nothing is loaded from the working directory, which is the user's
_BOOT = "import sys; sys.path[:] = sys.argv[1:]; from matrix.worker import serve; serve()"
_LENGTH = 8  # bytes before an answer that say how long it is
_LOWEST = 19
_SESSION = 10  # a tenth of the weight that a compiler's session has: it gets on beside foreign programs too
T = TypeVar("T")


class WorkerLostError(Exception):
    """A worker process could not be started, or ended before it answered."""


class Workers:
    """Worker processes, each started when it is first needed and kept for what comes next.

    Args:
        most: How many there may be.
        load: Called in each before its priority sinks, for what it should have at hand.
    """

    def __init__(self, most: int, load: Callable[[], object] = bool) -> None:
        self._load = pickle.dumps(load, pickle.HIGHEST_PROTOCOL)
        self._free = anyio.CapacityLimiter(most)
        self._idle: list[_Worker] = []

    async def run(self, step: Callable[..., T], *args: object) -> T:
        """Call ``step(*args)`` in a worker; all of it, and what it returns, must pickle.

        Raises:
            WorkerLostError: There is no answer.
        """
        request = pickle.dumps((step, args), pickle.HIGHEST_PROTOCOL)
        async with self._free:
            new = not self._idle
            worker = await _Worker.started() if new else self._idle.pop()
            try:
                answer = await worker.asked(self._load + request if new else request)
            except BaseException:
                await worker.close()
                raise
            self._idle.append(worker)
        returned: T = await anyio.to_thread.run_sync(_unpickled, answer)  # it may load modules
        return returned

    async def close(self) -> None:
        """End every worker."""
        while self._idle:
            await self._idle.pop().close()


class _Worker:
    def __init__(self, process: Process) -> None:
        assert process.stdin is not None  # noqa: S101 - asked for
        assert process.stdout is not None  # noqa: S101
        self._process = process
        self._requests = process.stdin
        self._answers = BufferedByteReceiveStream(process.stdout)

    @classmethod
    async def started(cls) -> _Worker:
        """Start a process, in a session of its own: a terminal's Ctrl-C is for this one to hear."""
        # isolated, it reads no PYTHONUTF8 and no PYTHONDONTWRITEBYTECODE
        flags = ["-I", "-X", f"utf8={sys.flags.utf8_mode}", *(["-B"] if sys.dont_write_bytecode else [])]
        command = [sys.executable, *flags, "-c", _BOOT, *sys.path]
        try:
            return cls(await anyio.open_process(command, stderr=subprocess.DEVNULL, start_new_session=True))
        except OSError as error:
            raise WorkerLostError(str(error)) from error

    async def asked(self, request: bytes) -> bytes:
        try:
            await self._requests.send(request)
            length = int.from_bytes(await self._answers.receive_exactly(_LENGTH), "big")
            return await self._answers.receive_exactly(length)
        except (anyio.IncompleteRead, anyio.EndOfStream, anyio.BrokenResourceError) as error:
            raise WorkerLostError("a worker process ended early") from error

    async def close(self) -> None:
        with anyio.CancelScope(shield=True):
            if self._process.returncode is None:
                self._kill()
            await self._process.aclose()

    def _kill(self) -> None:
        """End the process and what it started."""
        with suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:  # Process.kill would first ask how it ended, and asyncio's thread could not any more
                os.killpg(self._process.pid, signal.SIGKILL)


def _unpickled(answer: bytes) -> Any:
    return pickle.loads(answer)  # noqa: S301 - our own process wrote it


def serve() -> None:
    """Answer requests until there are no more: the other end of :class:`Workers`."""
    requests, answers = sys.stdin.buffer, _taken_from_stdout()
    _ignore_signals()
    load = pickle.load(requests)  # noqa: S301 - from the process that started this one
    load()
    _step_back()
    while True:
        try:
            step, args = pickle.load(requests)  # noqa: S301 - likewise
        except EOFError:
            return
        answer = pickle.dumps(step(*args), pickle.HIGHEST_PROTOCOL)
        answers.write(len(answer).to_bytes(_LENGTH, "big") + answer)
        answers.flush()


def _ignore_signals() -> None:
    """Leave it to the process that started this one to end it."""
    if sys.platform != "win32":
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)


def _step_back() -> None:
    """Take what CPU is left over; on Windows the priority stays what it is."""
    if sys.platform == "win32":
        return
    os.nice(_LOWEST)
    with suppress(OSError):  # Linux may weigh sessions against each other first (sched(7), "The autogroup feature")
        Path("/proc/self/autogroup").write_text(str(_SESSION), encoding="ascii")


def _taken_from_stdout() -> IO[bytes]:
    """Return the pipe that answers go to; whoever prints from now on prints nowhere."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return answers
