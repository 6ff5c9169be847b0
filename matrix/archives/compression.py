"""How the members of a wheel are compressed, and the time they all carry."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from typing import Literal

import msgspec

from matrix.errors import UsageError

__all__ = ["EARLIEST", "Compression", "DosTime", "dos_time", "source_date_epoch"]

Method = Literal["deflated", "stored", "bzip2", "zstd"]
DosTime = tuple[int, int, int, int, int, int]

EARLIEST: DosTime = (1980, 1, 1, 0, 0, 0)
"""The first moment an archive can tell."""

_LATEST: DosTime = (2107, 12, 31, 23, 59, 58)
_LEVELS: dict[Method, range] = {"deflated": range(10), "bzip2": range(1, 10), "zstd": range(-7, 23), "stored": range(1)}
_IDS: dict[Method, int] = {"stored": 0, "deflated": 8, "bzip2": 12, "zstd": 93}


class Compression(msgspec.Struct, frozen=True):
    """How members are compressed; every installer reads ``deflated`` and ``stored`` alone.

    Attributes:
        method: ``deflated``, ``stored``, ``bzip2`` or ``zstd`` (Python 3.14 and later).
        level: Its level, or ``None`` for the method's own default (6 for ``deflated``, 9 for ``bzip2``).
        large_files: Whether every member has the header for more than 4 GiB (ZIP64), which a larger one always has.

    Raises:
        UsageError: The level is none of the method's, or this Python does not know the method.
    """

    method: Method = "deflated"
    level: int | None = None
    large_files: bool = False

    def __post_init__(self) -> None:
        if self.method not in _LEVELS:
            raise UsageError(
                f"unknown compression method {self.method!r} (--compression-method)",
                hint=f"one of {', '.join(_LEVELS)}",
            )
        levels = _LEVELS[self.method]
        if self.level is not None and self.method == "stored":
            raise UsageError(
                "what is stored has no compression level (--compression-level)", hint="leave one of the flags out"
            )
        if self.level is not None and self.level not in levels:
            raise UsageError(
                f"compression level {self.level} is none of {self.method}'s (--compression-level)",
                hint=f"{levels.start} to {levels.stop - 1}",
            )
        if self.method == "zstd" and not hasattr(zipfile, "ZIP_ZSTANDARD"):
            raise UsageError(
                "zstd wheels can be written by Python 3.14 and later only (--compression-method)",
                hint="use deflated, which every installer reads",
            )

    @property
    def id(self) -> int:
        """The method's number in the ZIP format."""
        return _IDS[self.method]


def dos_time(seconds: int | None) -> DosTime:
    """Return the time that every member carries, in UTC, held within 1980 to 2107.

    Args:
        seconds: Since 1970, or ``None`` for the earliest time there is.
    """
    if seconds is None or seconds < 315_532_800:  # 1980 began
        return EARLIEST
    if seconds > 4_354_819_198:  # 2107 ended
        return _LATEST
    year, month, day, hour, minute, second = time.gmtime(seconds)[:6]
    return year, month, day, hour, minute, second


def source_date_epoch(environ: Mapping[str, str]) -> int | None:
    """Return ``SOURCE_DATE_EPOCH`` in seconds, or ``None`` when it is not set.

    Raises:
        UsageError: It is no whole number.
    """
    value = environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not value:
        return None
    if not value.isascii() or not value.removeprefix("-").isdigit():
        raise UsageError(
            f"SOURCE_DATE_EPOCH: {value!r} is no whole number of seconds",
            hint="for example SOURCE_DATE_EPOCH=315532800",
        )
    return int(value)
