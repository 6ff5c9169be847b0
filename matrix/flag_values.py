"""What values of flags may be."""

from __future__ import annotations

import argparse
import re

__all__ = ["age", "boolean", "memory", "positive"]

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


def memory(text: str) -> int:
    """Return an amount of memory in bytes: ``8G``, ``512M``, ``1.5 GiB``; units are powers of 1024.

    Raises:
        ArgumentTypeError: It is none.
    """
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT])(?:i?B)?", text.strip(), re.IGNORECASE | re.ASCII)
    amount = int(float(found[1]) * 1024.0 ** ("KMGT".index(found[2].upper()) + 1)) if found is not None else 0
    if not 1 <= amount < 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory such as 8G or 512M")
    return amount


def age(text: str) -> float:
    """Return an age in seconds: ``30d``, ``12h``, ``2w``.

    Raises:
        ArgumentTypeError: It is none.
    """
    found = re.fullmatch(r"(\d{1,6})\s*([hdw])", text.strip(), re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no age such as 30d, 12h or 2w")
    return int(found[1]) * {"h": 3600.0, "d": 86400.0, "w": 604800.0}[found[2]]
