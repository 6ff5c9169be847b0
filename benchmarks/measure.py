"""Run a command and measure it: wall time, CPU time of its whole tree, peak memory."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["Measured", "measure"]

SAMPLE = 0.1  # seconds between looks at the tree


@dataclass(frozen=True)
class Measured:
    """What a command cost.

    Attributes:
        exit: Its exit code.
        wall: Seconds.
        cpu: Seconds of user and system time, of the process and every descendant that was waited for.
        memory: Bytes: the highest sum of resident sizes over the tree that a sample saw.
        largest: Bytes: the resident size of the largest single process, from ``wait4``.
        output: Everything it said.
    """

    exit: int
    wall: float
    cpu: float
    memory: int
    largest: int
    output: str

    @property
    def figures(self) -> dict[str, float | int]:
        """The numbers alone."""
        return {"wall": round(self.wall, 4), "cpu": round(self.cpu, 4), "memory": self.memory, "largest": self.largest}


def measure(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Measured:
    """Run a command to its end and measure it and all its descendants."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        began = time.perf_counter()
        child = subprocess.Popen(
            list(argv), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        watcher = _Watcher(child.pid)
        watcher.start()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait again
        watcher.stop()
        output.seek(0)
        return Measured(
            exit=child.returncode,
            wall=wall,
            cpu=usage.ru_utime + usage.ru_stime,
            memory=watcher.peak,
            largest=_largest(usage),
            output=output.read(),
        )


def _largest(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * (1 if os.uname().sysname == "Darwin" else 1024)


class _Watcher(threading.Thread):
    """Adds up the resident sizes of a process tree again and again, and remembers the highest sum."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self.peak = 0

    def run(self) -> None:
        while not self._done.is_set():
            self.peak = max(self.peak, self._resident())
            self._done.wait(SAMPLE)

    def stop(self) -> None:
        """End, and wait for it."""
        self._done.set()
        self.join()

    def _resident(self) -> int:
        total = 0
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in tree:
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total
