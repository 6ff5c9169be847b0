"""File patterns of ``include`` and ``license-files``: ``*``, ``?``, ``[…]`` and ``**`` between slashes."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PureWindowsPath

__all__ = ["Prune", "braces", "glob_files", "split_pattern"]

Prune = Callable[[Path], bool]


def split_pattern(pattern: str) -> tuple[str, ...]:
    """Return the components of a pattern.

    Raises:
        ValueError: The pattern is absolute, steps up, holds ``**`` beside other characters, or a ``[`` that is
            never closed; says which.
    """
    if not pattern or pattern.startswith("/") or PureWindowsPath(pattern).drive:
        raise ValueError("must be a relative path")
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    if ".." in parts:
        raise ValueError("must not contain `..`")
    for part in parts:
        if "**" in part and part != "**":
            raise ValueError("`**` must stand alone between slashes")
        if "[" in re.sub(r"\[!?\]?[^\]]*\]", "", part):
            raise ValueError("`[` is never closed")
    return parts


def glob_files(base: Path, pattern: str, prune: Prune = lambda _: False) -> list[Path]:
    """Return the files below ``base`` that match ``pattern``, sorted.

    ``*`` and ``?`` stay within a path component and match hidden names too; ``**`` stands for any number of
    directories. Links are followed, a link back to a directory above it is not.

    Args:
        base: The directory the pattern is relative to.
        pattern: The pattern.
        prune: Says which directories not to enter.

    Raises:
        ValueError: As ``split_pattern``.
    """
    return sorted(set(_match(base, split_pattern(pattern), prune, frozenset())))


def braces(pattern: str) -> list[str]:
    """Return the patterns that ``{a,b}`` groups stand for: ``x.{py,pyi}`` is ``x.py`` and ``x.pyi``."""
    group = re.search(r"(?<!\\)\{([^{}]*)\}", pattern)
    if group is None:
        return [pattern]
    head, tail = pattern[: group.start()], pattern[group.end() :]
    return [one for choice in group[1].split(",") for one in braces(head + choice + tail)]


def _match(directory: Path, parts: tuple[str, ...], prune: Prune, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    here = _identity(directory)
    if not parts or here is None or here in above:
        return
    inside = above | {here}
    head, rest = parts[0], parts[1:]
    if head == "**":
        yield from _match(directory, rest, prune, above)
        for child in _children(directory):
            if child.is_dir() and not prune(child):
                yield from _match(child, parts, prune, inside)
    elif rest:
        for child in _named(directory, head):
            if child.is_dir() and not prune(child):
                yield from _match(child, rest, prune, inside)
    else:
        yield from (child for child in _named(directory, head) if child.is_file())


def _identity(directory: Path) -> tuple[int, int] | None:
    try:
        stat = directory.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _named(directory: Path, part: str) -> list[Path]:
    if not any(character in part for character in "*?["):
        return [directory / part]
    wanted = re.compile(fnmatch.translate(part))
    return [child for child in _children(directory) if wanted.match(child.name)]


def _children(directory: Path) -> list[Path]:
    try:
        return [directory / name for name in sorted(os.listdir(directory))]  # noqa: PTH208 - names, not paths
    except OSError:
        return []
