"""Durations as people write them: ``20m``, ``90s``, ``1h30m`` or a number of seconds."""

from __future__ import annotations

import math
import re

__all__ = ["LIMIT", "Seconds", "parse_duration"]

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([hms])\s*", re.ASCII)
LIMIT = 366 * 24 * 3600  # seconds in the longest year


class Seconds(float):
    """A time span in seconds; its own type so that the settings can be written with units."""

    __slots__ = ()


def parse_duration(value: object) -> Seconds:
    """Return the seconds that ``value`` means.

    Args:
        value: A number of seconds, or text such as ``20m``, ``90s``, ``1h``, ``1h30m`` or ``90``.

    Raises:
        ValueError: It is no duration, not positive, or more than a year.
    """
    seconds: float | None = None
    if isinstance(value, str):
        seconds = _from_text(value.strip())
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value) if abs(value) <= LIMIT or isinstance(value, float) else math.inf
    if seconds is None or math.isnan(seconds):
        raise ValueError(f"{value!r} is not a duration")
    if not 0 < seconds <= LIMIT:
        raise ValueError(f"{value!r} is not a duration between 0 and one year")
    return Seconds(seconds)


def _from_text(text: str) -> float | None:
    if re.fullmatch(r"\d{1,12}(?:\.\d{1,9})?", text, re.ASCII):
        return float(text)
    total, at, last = 0.0, 0, math.inf
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or _UNITS[part[2]] >= last:  # units go down, each once: "1h30m", never "30m1h"
            return None
        last = _UNITS[part[2]]
        total += float(part[1]) * last
        at = part.end()
    return total if at else None
