"""How much memory each build holds at most: looks at the processes of its group a few times a second (Linux)."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import anyio.to_thread

__all__ = ["Meter", "Seen"]

_PAUSE = 0.2  # seconds between looks
_SHARE = 100  # a look may cost this part of the time between looks, however many processes there are
_KIB = 1024


class Seen:
    """What was seen of one process group.

    Attributes:
        group: Its number; 0 before it started.
        peak: Most bytes that its processes held at once; ``None`` when nobody looked in time.
    """

    def __init__(self) -> None:
        self.group = 0
        self.peak: int | None = None

    def started(self, group: int) -> None:
        """Hear that the process that leads the group runs."""
        self.group = group


class Meter:
    """Looks at process groups while they live.

    The peak is the highest sum, over the processes alive at a look, of the most each ever held (``proc.rst``,
    "VmHWM"): what came and went between two looks is missed only when its process did as well. Pages that processes
    share count in each of them.

    Args:
        proc: Where the system tells of processes; nothing is measured where it does not.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._watched: list[Seen] = []
        self._older: set[str] = set()

    @contextmanager
    def watching(self) -> Iterator[Seen]:
        """Watch what starts within the block."""
        seen = Seen()
        self._watched.append(seen)
        try:
            yield seen
        finally:
            self._watched.remove(seen)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        """Look now and then while the block runs, in a thread."""
        if not (self._proc / "self" / "stat").exists():
            yield
            return
        self._older = self._processes()  # none of them is of a build
        async with anyio.create_task_group() as group:
            group.start_soon(self._look_on)
            yield
            group.cancel_scope.cancel()

    async def _look_on(self) -> None:
        pause = _PAUSE
        while True:
            await anyio.sleep(pause)
            if self._watched:
                took = await anyio.to_thread.run_sync(self.look)
                pause = max(_PAUSE, took * _SHARE)

    def look(self) -> float:
        """Look once; return the CPU seconds it took."""
        began = time.thread_time()
        watched = {seen.group: seen for seen in self._watched if seen.group}
        for group, held in self._held(watched.keys()).items():
            watched[group].peak = max(watched[group].peak or 0, held)
        return time.thread_time() - began

    def _held(self, groups: Collection[int]) -> Counter[int]:
        held: Counter[int] = Counter()
        if not groups:
            return held
        here = self._processes()
        self._older &= here  # a number may come again
        for name in here - self._older:
            process = f"{self._proc}/{name}"
            group = _group(process)
            if group in groups:
                held[group] += _most(process)
        return held

    def _processes(self) -> set[str]:
        return {name for name in os.listdir(self._proc) if name.isdigit()}  # noqa: PTH208 - names alone, often


def _group(process: str) -> int:
    """Return the process group of a process, or 0 (``proc.rst``, "stat": its fifth field, after a name of any form)."""
    try:
        with open(f"{process}/stat", "rb") as file:  # noqa: PTH123 - many small files, often
            return int(file.read().rpartition(b")")[2].split()[2])
    except (OSError, ValueError, IndexError):
        return 0


def _most(process: str) -> int:
    """Return the bytes a process held at most."""
    try:
        with open(f"{process}/status", "rb") as file:  # noqa: PTH123 - see above
            _, found, rest = file.read().partition(b"\nVmHWM:")
            return int(rest.split(maxsplit=1)[0]) * _KIB if found else 0
    except (OSError, ValueError, IndexError):
        return 0
