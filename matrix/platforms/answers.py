"""A small file of answers that interpreters gave, so that each is asked once in its life."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from matrix.files import write_atomically
from matrix.platforms.probe import Answer

__all__ = ["AnswerCache", "cache_directory", "home_directory"]

_FORMAT = 1  # raised when the meaning of an answer changes
_LIMIT = 500  # entries kept


class _Entry(msgspec.Struct, frozen=True):
    stamp: str
    answer: Answer


class _File(msgspec.Struct, frozen=True):
    format: int
    entries: dict[str, _Entry]


class AnswerCache:
    """Answers by executable; each counts only while the file it came from is unchanged.

    A file that cannot be read, or is no cache, is an empty cache; one that cannot be written is none.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._entries = _load(path)
        self._new: dict[str, _Entry] = {}

    def get(self, key: str, stamp: str) -> Answer | None:
        """Return the answer of ``key`` if it was given under the same ``stamp``."""
        entry = self._new.get(key) or self._entries.get(key)
        return entry.answer if entry is not None and entry.stamp == stamp else None

    def put(self, key: str, stamp: str, answer: Answer) -> None:
        """Remember an answer; the file is written by :meth:`save`."""
        self._new[key] = _Entry(stamp, answer)

    def save(self) -> None:
        """Add what is new to the file, which another search may have written meanwhile."""
        if not self._new or self._path is None:
            return
        others = {key: entry for key, entry in _load(self._path).items() if key not in self._new}
        kept = dict(list({**others, **self._new}.items())[-_LIMIT:])
        with suppress(OSError):
            write_atomically(self._path, msgspec.json.encode(_File(_FORMAT, kept)))


def _load(path: Path | None) -> dict[str, _Entry]:
    if path is None:
        return {}
    try:
        read = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return read.entries if read.format == _FORMAT else {}


def cache_directory(environ: Mapping[str, str]) -> Path | None:
    """Return the directory for caches of this program, or ``None`` when the user has no home.

    ``WHEELMATRIX_CACHE_DIR`` names it; else it lies where the platform keeps a user's caches.
    """
    named = environ.get("WHEELMATRIX_CACHE_DIR")
    if named:
        return Path(named).absolute()
    local = environ.get("LOCALAPPDATA")
    if sys.platform == "win32" and local:
        return Path(local) / "wheelmatrix" / "Cache"
    home = home_directory(environ)
    if home is None:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "wheelmatrix"
    xdg = Path(environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else home / ".cache") / "wheelmatrix"


def home_directory(environ: Mapping[str, str]) -> Path | None:
    """Return the user's home, or ``None`` when there is none."""
    named = environ.get("HOME") or environ.get("USERPROFILE")
    if named:
        return Path(named)
    try:
        return Path.home()
    except RuntimeError:
        return None
