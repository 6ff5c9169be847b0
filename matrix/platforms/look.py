"""Looking around in the file system: what may not be looked at is not there."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["exists", "is_directory", "natural", "newest_first"]


def exists(path: Path) -> bool:
    """Whether something lies at a path."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_directory(path: Path) -> bool:
    """Whether a directory lies at a path."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def newest_first(directory: Path) -> tuple[Path, ...]:
    """Return what lies in a directory of installations, the newest version first."""
    try:
        return tuple(sorted(directory.iterdir(), key=lambda entry: natural(entry.name), reverse=True))
    except (OSError, ValueError):
        return ()


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts ``3.9`` before ``3.10``."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((int(part), "") if part[0] in "0123456789" else (-1, part) for part in parts)
