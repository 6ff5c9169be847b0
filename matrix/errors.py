"""The errors a user can meet; each names what is at fault and, where there is one, the way out."""

from __future__ import annotations

import errno
from collections.abc import Iterable

__all__ = ["FULL_DISK", "ConfigError", "ToolError", "UsageError", "WheelmatrixError", "did_you_mean", "disk_hint"]

FULL_DISK = "free some disk space: `wheelmatrix clean` removes the lanes of earlier runs; what was built is kept"


class WheelmatrixError(Exception):
    """Base of every error this program raises on purpose.

    Attributes:
        message: What is wrong, naming the file, key or flag at fault.
        hint: What to do about it, or ``None``.
        exit_code: What the process exits with when the error reaches the door.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(WheelmatrixError):
    """A flag or argument that cannot be obeyed."""

    exit_code = 2


class ConfigError(WheelmatrixError):
    """A file of the project that cannot be read or obeyed."""

    exit_code = 2


class ToolError(WheelmatrixError):
    """A tool that is missing, or that failed before any build began."""

    exit_code = 2


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return ``did you mean 'x'?`` for the nearest known word, or ``None``."""
    import difflib  # noqa: PLC0415 - for mistakes alone

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else None


def disk_hint(error: OSError) -> str | None:
    """Return what to do when a disk or a quota is full, or ``None`` when that is not what is wrong."""
    return FULL_DISK if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)} else None
