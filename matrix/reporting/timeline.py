"""Which build held which slot when, and which crate was in work meanwhile, as the events tell it."""

from __future__ import annotations

import msgspec

from matrix.events import CrateDone, Event, Line, SlotFreed, SlotTaken
from matrix.reporting.document import CrateSpan, SlotSpan
from matrix.reporting.text import compiling

__all__ = ["Timeline", "utilisation"]


class _Stint(msgspec.Struct):
    build: str
    slot: int
    started: float
    ended: float | None = None
    crates: dict[str, tuple[float | None, float | None]] = msgspec.field(default_factory=dict)


class Timeline:
    """A listener that knows who held the slots."""

    def __init__(self) -> None:
        self._stints: list[_Stint] = []
        self._open: dict[str, _Stint] = {}

    def __call__(self, event: Event) -> None:
        """Hear one event."""
        match event:
            case SlotTaken():
                stint = _Stint(event.build, event.slot, event.at)
                self._stints.append(stint)
                self._open[event.build] = stint
            case SlotFreed():
                known = self._open.pop(event.build, None)
                if known is not None:
                    known.ended = event.at
            case Line() if (known := self._open.get(event.build)) is not None:
                crate = compiling(event.text)
                if crate:
                    known.crates.setdefault(crate, (event.at, None))
            case CrateDone() if (known := self._open.get(event.build)) is not None:
                crate = event.package or event.crate
                if event.fresh:
                    known.crates.pop(crate, None)
                else:
                    known.crates[crate] = (known.crates.get(crate, (None, None))[0], event.at)
            case _:
                pass

    def spans(self, now: float) -> tuple[SlotSpan, ...]:
        """Return every stint, in order of its start; what has not ended lasts until ``now``, in seconds."""
        return tuple(
            SlotSpan(
                build=stint.build,
                slot=stint.slot,
                started=round(stint.started, 3),
                ended=round(stint.ended if stint.ended is not None else now, 3),
                crates=tuple(
                    CrateSpan(
                        name=name,
                        started=round(began, 3) if began is not None else None,
                        ended=round(end, 3) if end is not None else None,
                    )
                    for name, (began, end) in stint.crates.items()
                ),
            )
            for stint in self._stints
        )

    def busy(self, now: float) -> float:
        """Return the seconds that slots were held, added up."""
        return sum((one.ended if one.ended is not None else now) - one.started for one in self._stints)


def utilisation(jobs: int, seconds: float, busy: float, cpu_seconds: float | None = None) -> float | None:
    """Return the share of the slots' time that was used, 0 to 1; ``None`` when nobody told.

    Args:
        jobs: Slots.
        seconds: Length of the run.
        busy: Seconds that slots were held, added up; cargo's own extra tokens are not in it.
        cpu_seconds: CPU time of what ran, where the system tells: the better measure.
    """
    room = jobs * seconds
    used = cpu_seconds if cpu_seconds is not None else busy
    return min(used / room, 1.0) if room > 0 and used > 0 else None
