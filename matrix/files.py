"""Files written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = [
    "PAGE",
    "REPORT",
    "TEMPORARY",
    "LogFile",
    "as_written",
    "replacing",
    "shown",
    "temporary_name",
    "write_atomically",
    "write_if_changed",
]


REPORT = "report.json"
"""What a run's report is called, unless a flag names it."""
PAGE = "timeline.html"
"""The page beside a report, where one is asked for."""
TEMPORARY = ".wheelmatrix-"
"""How the name of an unfinished file begins; it ends with ``.tmp``, so that no pattern for the real ones matches."""


def shown(path: Path, where: Path) -> str:
    """Return a path as people and scripts get it: relative where it lies below ``where``."""
    return str(path.relative_to(where)) if path.is_relative_to(where) else str(path)


def as_written(path: Path, root: Path) -> str:
    """Return a path as the project's files write it: with slashes, relative where it lies below ``root``."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def temporary_name() -> str:
    """Return a name for an unfinished file or directory that nothing else has."""
    return f"{TEMPORARY}{os.urandom(8).hex()}.tmp"


@contextmanager
def replacing(path: Path, *, unless: Callable[[Path], bool] | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path`` that becomes ``path`` when the block ends well.

    It is synced before it is renamed, and removed when the block raises; nobody ever sees half of it.

    Args:
        path: The file to be; its directory exists.
        unless: Asked with the finished temporary file; when it says yes, ``path`` is left as it is.

    Raises:
        OSError: The directory cannot be written, or the disk is full.
    """
    temporary = path.with_name(temporary_name())
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if unless is None or not unless(temporary):
            temporary.replace(path)
            _sync_directory(path.parent)
    except OSError as error:
        if error.filename == str(temporary):  # a name that nobody has seen says nothing
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


class LogFile:
    """A text file that grows a line at a time; when the disk is full it ends early, and nobody fails for it.

    Args:
        path: The file; written anew.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", 1, "utf-8", "replace")
        self._whole = True

    def __enter__(self) -> LogFile:  # noqa: PYI034 - Self is of Python 3.11
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()

    def write(self, text: str) -> None:
        """Write text that ends with a line feed."""
        if self._whole:
            try:
                self._file.write(text)
            except OSError:
                self._whole = False


def write_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Write ``data`` to ``path``, whole or not at all; directories above it are made.

    Args:
        path: The file.
        data: Its content.
        mode: Its permissions; ``None`` for the usual ones.

    Raises:
        OSError: The directory cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(data)
        if mode is not None:
            Path(file.name).chmod(mode)


def write_if_changed(path: Path, text: str, *, mode: int | None = None) -> bool:
    """Write ``text`` unless the file holds it already; return whether it was written.

    cargo watches the time of some files: rewriting a PyO3 configuration compiles pyo3 again.
    """
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass
    write_atomically(path, text.encode(), mode=mode)
    return True


def _sync_directory(directory: Path) -> None:
    """Make the rename itself last (POSIX); Windows has no such thing."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
