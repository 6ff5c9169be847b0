"""What values of flags may be."""

from __future__ import annotations

import argparse

__all__ = ["boolean", "positive"]

MOST_JOBS = 4096  # what a jobserver pipe holds without stalling


def positive(text: str) -> int:
    """Return a number of jobs.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {MOST_JOBS}")
    return number


def boolean(text: str) -> bool:
    """Return a truth value, as cargo and maturin write it.

    Raises:
        ArgumentTypeError: It is none.
    """
    if text.lower() in {"true", "1", "yes", "on"}:
        return True
    if text.lower() in {"false", "0", "no", "off"}:
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
