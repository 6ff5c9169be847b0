"""Finds what blocks an event loop: how long each callback kept it, less the time it only waited for a CPU (Linux)."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

BLOCKED = 0.05  # seconds


@dataclass
class Loop:
    """What callbacks did: seconds and what ran, the slowest ones alone."""

    count: int = 0
    slow: list[tuple[float, str]] = field(default_factory=list)


@contextmanager
def watched_loop(limit: float = BLOCKED) -> Iterator[Loop]:
    """Look at every callback of asyncio within the block; keep those that blocked the loop longer than ``limit``."""
    found = Loop()
    original = asyncio.events.Handle._run

    def timed(self: Any) -> None:
        queued, began = _queued(), time.monotonic()
        original(self)
        took = time.monotonic() - began
        found.count += 1
        if took > limit and (own := took - (_queued() - queued)) > limit:
            found.slow.append((round(own, 3), repr(self)))

    gc.collect()
    gc.freeze()  # to go through all that other tests left may take longer than what is watched
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(asyncio.events.Handle, "_run", timed)
            yield found
    finally:
        gc.unfreeze()


def _queued() -> float:
    """Return the seconds that this thread was ready to run and had no CPU (``sched-stats.rst``)."""
    return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
