"""What starts next: the ready build with most before it, where its driver's cap and the memory have room."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from matrix.estimates import likely_seconds, urgencies
from matrix.model import Build

__all__ = ["Queue", "fits"]

_Key = tuple[float, bool, int]


def fits(peak: int, running: Iterable[int], budget: int | None) -> bool:
    """Whether a build may start: its last peak has room beside those that run, or nothing runs at all.

    Args:
        peak: Bytes it is expected to need; 0 when nobody knows.
        running: The same for what runs.
        budget: Bytes for all of them; ``None`` for no bound.
    """
    if budget is None or not peak:
        return True
    held = list(running)
    return not held or sum(held) + peak <= budget


class Queue:
    """Builds that have not started, the most urgent ready one first.

    Args:
        builds: What to run; among equals the first is first.
        after: What each waits for, by id; what is not among ``builds`` is over.
        caps: Most builds of a driver at once, by driver name.
        budget: Bytes of memory for all that runs; ``None`` for no bound.
        peaks: Bytes each build needed the last time, by id. One that is not known is taken for the largest known.
    """

    def __init__(
        self,
        builds: Sequence[Build],
        after: Mapping[str, str] | None = None,
        *,
        caps: Mapping[str, int] | None = None,
        budget: int | None = None,
        peaks: Mapping[str, int] | None = None,
    ) -> None:
        self._builds = {build.id: build for build in builds}
        self._caps = dict(caps or {})
        self._budget = budget
        self._peaks = dict(peaks or {})
        self._running: dict[str, str] = {}
        self._busy: Counter[str] = Counter()
        self._keys: dict[str, _Key] = {}
        self._followers: dict[str, list[str]] = {}
        self._ready: dict[str, list[tuple[_Key, str]]] = {}
        self._left = len(self._builds)
        self._fill(dict(after or {}))

    def __len__(self) -> int:
        """How many have not started."""
        return self._left

    def _fill(self, after: Mapping[str, str]) -> None:
        urgency = urgencies(likely_seconds(self._builds.values()), after)
        for name, parent in after.items():
            if name in self._builds and parent in self._builds:
                self._followers.setdefault(parent, []).append(name)
        waiting = {name for names in self._followers.values() for name in names}
        for place, name in enumerate(self._builds):
            self._keys[name] = (-urgency[name], name not in self._followers, place)
            if name not in waiting:
                self._make_ready(name)

    def _make_ready(self, name: str) -> None:
        heapq.heappush(self._ready.setdefault(self._builds[name].driver, []), (self._keys[name], name))

    def peek(self) -> Build | None:
        """Return what would start now, or ``None``; once something can start, it stays so until something does."""
        best = min(self._candidates(), default=None)
        return self._builds[best[1]] if best is not None else None

    def kept_waiting(self) -> Build | None:
        """Return the most urgent build that only lacks memory, when nothing can start."""
        waiting = [
            entry
            for driver, ready in self._ready.items()
            if self._busy[driver] < self._caps.get(driver, self._busy[driver] + 1)
            for entry in ready[:1]
        ]
        return self._builds[min(waiting)[1]] if waiting else None

    def take(self) -> Build:
        """Return what starts now and count it as running.

        Raises:
            LookupError: Nothing can start.
        """
        build = self.peek()
        if build is None:
            raise LookupError("no build is ready")
        ready = self._ready[build.driver]
        if ready[0][1] == build.id:
            heapq.heappop(ready)
        else:
            ready.remove((self._keys[build.id], build.id))
            heapq.heapify(ready)
        self._left -= 1
        self._running[build.id] = build.driver
        self._busy[build.driver] += 1
        return build

    def ended(self, name: str, peak: int | None = None) -> None:
        """Count a build as over, so that what waited for it is ready; ``peak`` is what it needed, in bytes."""
        self._busy[self._running.pop(name)] -= 1
        if peak is not None:
            self._peaks[name] = peak
        for follower in self._followers.get(name, ()):
            self._make_ready(follower)

    def _candidates(self) -> Iterator[tuple[_Key, str]]:
        held = [self._peak(name) for name in self._running] if self._budget is not None else []
        for driver, ready in self._ready.items():
            cap = self._caps.get(driver)
            if not ready or (cap is not None and self._busy[driver] >= cap):
                continue
            if fits(self._peak(ready[0][1]), held, self._budget):
                yield ready[0]
            else:
                yield from (entry for entry in ready if fits(self._peak(entry[1]), held, self._budget))

    def _peak(self, name: str) -> int:
        if self._budget is None:
            return 0
        return self._peaks.get(name) or max(self._peaks.values(), default=0)
