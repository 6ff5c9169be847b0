"""Tells of builds that alone need more memory than the user allows: they cannot be kept within it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matrix.events import Bus, Note
from matrix.model import Build, Outcome
from matrix.reporting.formats import listing, size

__all__ = ["Oversize"]


class Oversize:
    """Warns once a run, before it starts where earlier runs know, else when the first such build has ended.

    Args:
        bus: Hears the warning.
        limit: Bytes that ``--max-memory`` names; ``None`` when it names none, and then nothing is told.
    """

    def __init__(self, bus: Bus, limit: int | None) -> None:
        self._bus = bus
        self._limit = limit

    def known(self, builds: Iterable[Build], peaks: Mapping[str, int]) -> None:
        """Hear what builds needed the last time, in bytes by id."""
        if self._limit is None:
            return
        large = [(build.id, peaks[build.id]) for build in builds if peaks.get(build.id, 0) > self._limit]
        if large:
            last = listing(f"{name} ({size(peak)} the last time)" for name, peak in large)
            self._tell(last, "need" if len(large) > 1 else "needs", "each runs" if len(large) > 1 else "it runs")

    def ended(self, outcome: Outcome) -> None:
        """Hear how a build ended."""
        if self._limit is not None and (outcome.peak or 0) > self._limit:
            self._tell(f"{outcome.build} ({size(outcome.peak or 0)})", "needed", "such a build runs")

    def _tell(self, what: str, needs: str, runs: str) -> None:
        text = f"{what} {needs} more memory than --max-memory allows ({size(self._limit or 0)}): {runs} alone"
        self._bus.emit(Note(level="warning", text=text))
        self._limit = None
