"""Sizes, durations and counts in the words people read; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from matrix.model import Wheel

__all__ = ["clock", "count", "duration", "listing", "platform_level", "platform_levels", "size"]

_LEVEL = re.compile(r"(?:manylinux|musllinux|macosx|ios|android)_\d+(?:_\d+)?")
_ALIAS = re.compile(r"manylinux(?:1|2010|2014)_")  # PEP 600: older names of 2_5, 2_12 and 2_17


def size(count_of_bytes: int) -> str:
    """Return a file size: ``318 KB``; units are powers of 1024, megabytes and above have one decimal.

    >>> size(325120), size(900), size(4_404_019)
    ('318 KB', '900 B', '4.2 MB')
    """
    if count_of_bytes < 1024:
        return f"{count_of_bytes} B"
    value = count_of_bytes / 1024
    if round(value) < 1024:
        return f"{round(value)} KB"
    for unit in ("MB", "GB", "TB"):
        value /= 1024
        if round(value, 1) < 1024:
            return f"{value:.1f} {unit}"
    return f"{value:.1f} TB"


def duration(seconds: float) -> str:
    """Return a length of time: ``12.4s``, ``6m02s``, ``1h04m``; a negative one counts as zero.

    >>> duration(12.41), duration(59.97), duration(362), duration(3899)
    ('12.4s', '1m00s', '6m02s', '1h04m')
    """
    seconds = max(seconds, 0.0)
    if round(seconds, 1) < 60:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def clock(seconds: float) -> str:
    """Return a running time as a clock shows it: ``0:26``, ``1:02:03``.

    >>> clock(26.7), clock(362), clock(3723)
    ('0:26', '6:02', '1:02:03')
    """
    whole = int(max(seconds, 0.0))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 wheel``, ``4 wheels``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listing(names: Iterable[str], *, most: int = 4) -> str:
    """Return names joined by commas, the first ``most`` of them: ``a, b, c, d (3 more)``."""
    known = list(names)
    if len(known) <= most + 1:
        return ", ".join(known)
    return f"{', '.join(known[:most])} ({len(known) - most} more)"


def platform_level(platform_tag: str) -> str:
    """Return the level in a platform tag, its architecture cut off where it carries a level.

    >>> platform_level("manylinux_2_17_x86_64"), platform_level("win_amd64"), platform_level("macosx_11_0_arm64")
    ('manylinux_2_17', 'win_amd64', 'macosx_11_0')
    """
    found = _LEVEL.match(platform_tag)
    return found.group() if found else platform_tag


def platform_levels(wheel: Wheel) -> str:
    """Return the platform levels of a wheel for people, older aliases left out: ``manylinux_2_17``."""
    platforms = {tag.rsplit("-", 1)[-1]: None for tag in wheel.tags}
    plain = [name for name in platforms if not _ALIAS.match(name)] or list(platforms)
    return " + ".join(dict.fromkeys(platform_level(name) for name in plain))
