"""What goes into a wheel or a source distribution: a name in the archive and where its bytes come from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PureWindowsPath

import msgspec

from matrix.errors import ConfigError

__all__ = ["Entry", "check_archive_path", "file_entry", "merge_entries"]


class Entry(msgspec.Struct, frozen=True):
    """One member of an archive.

    Attributes:
        path: Its name in the archive, with ``/``.
        source: The file it is read from, or its bytes.
        executable: Whether it gets mode 0755 instead of 0644.
    """

    path: str
    source: Path | bytes
    executable: bool = False

    @property
    def origin(self) -> str:
        """Where its bytes come from, for people."""
        return str(self.source) if isinstance(self.source, Path) else "generated"


def file_entry(path: str, source: Path) -> Entry:
    """Return the entry of a file on disk; one that its owner may execute stays executable.

    Args:
        path: Name in the archive.
        source: The file; a link to one counts as the file.

    Raises:
        ConfigError: The file cannot be looked at.
    """
    try:
        mode = source.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{source}: {error.strerror or error}") from error
    return Entry(path, source, executable=os.name == "posix" and bool(mode & 0o100))


def check_archive_path(path: str) -> str:
    """Return ``path`` when every installer can unpack it inside its own directory.

    Raises:
        ConfigError: The path is empty, absolute, steps up, or holds a character no archive member may have.
    """
    parts = path.split("/")
    if not path or PureWindowsPath(path).is_absolute() or PureWindowsPath(path).drive or "" in parts:
        raise ConfigError(f"{path!r} is no relative file path, so it cannot go into an archive")
    if {".", ".."} & set(parts):
        raise ConfigError(f"{path!r} steps outside the archive")
    if any(character in path for character in "\\\0\r\n"):
        raise ConfigError(f"{path!r}: an archive cannot hold a name with a backslash, a line break or a NUL")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        raise ConfigError(f"{path!r}: the name is not valid Unicode, so it cannot go into an archive") from None
    return path


def merge_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries sorted by their archive path, each once.

    The same file named twice for the same path counts once.

    Raises:
        ConfigError: Two different sources claim one path, or one path is a file and a directory.
    """
    merged: dict[str, Entry] = {}
    for entry in entries:
        other = merged.setdefault(check_archive_path(entry.path), entry)
        if other.source != entry.source and not _same_file(other, entry):
            raise ConfigError(
                f"two files claim {entry.path!r} in the archive: {other.origin} and {entry.origin}",
                hint="rename one of them, or leave one out with `exclude` in [tool.maturin]",
            )
    for path, entry in merged.items():
        parents = path.split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            if (parent := merged.get("/".join(parents[:depth]))) is not None:
                raise ConfigError(
                    f"{parent.path!r} would be both a file and a directory in the archive: "
                    f"{parent.origin} and {entry.origin}"
                )
    return tuple(merged[path] for path in sorted(merged))


def _same_file(one: Entry, other: Entry) -> bool:
    if isinstance(one.source, bytes) or isinstance(other.source, bytes):
        return False
    try:
        return one.source.samefile(other.source)
    except OSError:
        return False
