"""The one pool of slots, which is also a GNU make jobserver: the children's tokens are our slots.

A slot is a byte in a FIFO. Starting a build takes one, which is the implicit token that the protocol says a child
owns; cargo takes more while they are free and gives them back (GNU make manual, "POSIX Jobserver Interaction").
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import anyio.lowlevel

from matrix.running.pool import Handoff, Pool

__all__ = ["MOST_SLOTS", "FifoPool", "open_pool"]

TOKEN = b"+"
MOST_SLOTS = 4096  # a full pipe takes nothing back before a whole page of it is free
_PREFIX = "wheelmatrix-jobserver-"
_OLD = 24 * 3600.0  # seconds after which a FIFO without its process is left over, whatever the namespace


class FifoPool:
    """A FIFO of ``total`` tokens.

    Every child gets an open file description of its own: make sets ``O_NONBLOCK`` on what it inherits, which must
    not reach another reader. The classic descriptor form is handed on, not ``fifo:``, which make 4.3 and older
    refuse inside build scripts. A child killed by a signal takes its extra tokens with it; whose are out cannot be
    known, so the pool is refilled whenever no build is alive.
    """

    def __init__(self, total: int) -> None:
        if not 1 <= total <= MOST_SLOTS:
            raise ValueError(f"a pool has 1 to {MOST_SLOTS} slots")
        self.total = total
        self.held = 0
        self._turn = anyio.Lock()  # one reader for all waiters
        _sweep()
        self._dir = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
        self.path = str(Path(self._dir) / "jobserver")
        os.mkfifo(self.path, 0o600)
        # read and write, so that neither end ever sees the other side closed
        self._fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        os.write(self._fd, TOKEN * total)

    async def acquire(self) -> None:
        """Wait for a token and take it; safe to cancel: a token read is a token held."""
        async with self._turn:
            while True:
                await anyio.lowlevel.checkpoint_if_cancelled()
                try:
                    os.read(self._fd, 1)
                except BlockingIOError:
                    await anyio.wait_readable(self._fd)
                else:
                    self.held += 1
                    return

    def release(self) -> None:
        """Give one token back; with the last one the pool is made whole again."""
        if self.held < 1:
            raise RuntimeError("no slot is held")
        self.held -= 1
        if self.held:
            os.write(self._fd, TOKEN)
        else:
            self._refill()

    def free(self) -> int:
        """Count the tokens in the FIFO by taking and returning them; only while nothing else reads."""
        count = self._drain()
        os.write(self._fd, TOKEN * count)
        return count

    def _drain(self) -> int:
        count = 0
        with suppress(BlockingIOError):
            while True:
                count += len(os.read(self._fd, 4096))
        return count

    def _refill(self) -> None:
        self._drain()
        os.write(self._fd, TOKEN * self.total)

    @contextmanager
    def handoff(self) -> Iterator[Handoff]:
        """Open a pair of blocking descriptors for one child."""
        read = os.open(self.path, os.O_RDONLY)
        try:
            write = os.open(self.path, os.O_WRONLY)
        except OSError:
            os.close(read)
            raise
        try:
            flags = f"-j --jobserver-fds={read},{write} --jobserver-auth={read},{write}"
            yield Handoff(makeflags=flags, pass_fds=(read, write), fifo=self.path)
        finally:
            os.close(read)
            os.close(write)

    def close(self) -> None:
        """Close our end and remove the FIFO."""
        os.close(self._fd)
        shutil.rmtree(self._dir, ignore_errors=True)


def _sweep() -> None:
    """Remove FIFOs of our own runs that were killed; of another namespace's processes nothing is known."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = left.name.removeprefix(_PREFIX).split("-")[0]
        with suppress(OSError):
            if left.stat().st_uid == os.getuid() and pid.isdigit() and time.time() - left.stat().st_mtime > _OLD:
                try:
                    os.kill(int(pid), 0)
                except ProcessLookupError:
                    shutil.rmtree(left, ignore_errors=True)


@contextmanager
def open_pool(total: int) -> Iterator[Pool]:
    """Open a pool of ``total`` slots: a FIFO, or a named semaphore on Windows."""
    pool: Pool
    if sys.platform == "win32":
        from matrix.running.semaphore import SemaphorePool  # noqa: PLC0415

        pool = SemaphorePool(total)
    else:
        pool = FifoPool(total)
    try:
        yield pool
    finally:
        pool.close()
