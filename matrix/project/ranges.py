"""Which Pythons a release of PyO3 can be built for.

From 0.24 on pyo3-ffi says so itself, in ``[package.metadata.cpython]`` and its siblings; for older
releases, and for what they leave unsaid, a table stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from matrix.model import Implementation

__all__ = ["OLDEST_PYO3", "Range", "Ranges", "free_threaded_range", "python_ranges", "release"]

Range: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
Ranges: TypeAlias = Mapping[Implementation, Range]

OLDEST_PYO3 = (0, 16, 5)
IMPLEMENTATIONS: tuple[Implementation, ...] = ("cpython", "pypy", "graalpy")

# pyo3 (0, minor): oldest and newest minor version of CPython, PyPy and GraalPy 3.
_TABLE: dict[int, dict[Implementation, tuple[int, int]]] = {
    16: {"cpython": (7, 11), "pypy": (7, 9)},
    17: {"cpython": (7, 11), "pypy": (7, 9)},
    18: {"cpython": (7, 11), "pypy": (7, 9)},
    19: {"cpython": (7, 12), "pypy": (7, 10)},
    20: {"cpython": (7, 12), "pypy": (7, 10)},
    21: {"cpython": (7, 12), "pypy": (7, 10), "graalpy": (10, 11)},
    22: {"cpython": (7, 13), "pypy": (7, 10), "graalpy": (10, 11)},
    23: {"cpython": (7, 13), "pypy": (9, 11), "graalpy": (10, 11)},
    24: {"cpython": (7, 13), "pypy": (9, 11), "graalpy": (10, 11)},
    25: {"cpython": (7, 14), "pypy": (9, 11), "graalpy": (10, 11)},
    26: {"cpython": (7, 14), "pypy": (9, 11), "graalpy": (10, 12)},
    27: {"cpython": (7, 14), "pypy": (11, 11), "graalpy": (10, 12)},
    28: {"cpython": (7, 14), "pypy": (11, 11), "graalpy": (10, 12)},
    29: {"cpython": (8, 15), "pypy": (11, 11), "graalpy": (10, 12)},
    30: {"cpython": (9, 15), "pypy": (11, 12), "graalpy": (12, 13)},
}


def release(version: str) -> tuple[int, int, int]:
    """Return the numbers of a cargo version: ``0.29.0-rc.1`` is ``(0, 29, 0)``."""
    numbers = [int(one) for one in re.findall(r"\d+", version.split("-", 1)[0].split("+", 1)[0])[:3]]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return major, minor, patch


def python_ranges(version: str, metadata: Any = None) -> dict[Implementation, Range]:
    """Return the oldest and newest Python of each implementation that a release of PyO3 supports.

    Args:
        version: The locked version of pyo3 or pyo3-ffi.
        metadata: ``package.metadata`` of pyo3-ffi.
    """
    minor = release(version)[1] if release(version)[0] == 0 else max(_TABLE)
    row = _TABLE[min(max(minor, min(_TABLE)), max(_TABLE))]
    ranges: dict[Implementation, Range] = {}
    for implementation in IMPLEMENTATIONS:
        told = _told(metadata, implementation)
        if told is not None:
            ranges[implementation] = told
        elif implementation in row:
            oldest, newest = row[implementation]
            ranges[implementation] = ((3, oldest), (3, newest))
    return ranges


def free_threaded_range(version: str, ranges: Ranges) -> Range | None:
    """Return the free-threaded CPythons that a release of PyO3 supports: 3.13t only from 0.23 to 0.28."""
    if release(version) < (0, 23, 0) or "cpython" not in ranges:
        return None
    oldest = (3, 13) if release(version) < (0, 29, 0) else (3, 14)
    newest = ranges["cpython"][1]
    return (oldest, newest) if oldest <= newest else None


def _told(metadata: Any, implementation: str) -> Range | None:
    row = metadata.get(implementation) if isinstance(metadata, dict) else None
    if not isinstance(row, dict):
        return None
    ends = [_minor(row.get(key)) for key in ("min-version", "max-version")]
    oldest, newest = ends
    return (oldest, newest) if oldest is not None and newest is not None else None


def _minor(text: Any) -> tuple[int, int] | None:
    match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", text) if isinstance(text, str) else None
    return (int(match[1]), int(match[2])) if match else None
