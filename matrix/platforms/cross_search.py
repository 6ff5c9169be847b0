"""Finds the files that describe a foreign Python in the directory that ``PYO3_CROSS_LIB_DIR`` names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from matrix.errors import ConfigError
from matrix.platforms.cross_files import CrossFiles, CrossPython, read_build_details, read_sysconfigdata
from matrix.platforms.look import is_directory, newest_first

__all__ = ["find_cross_files"]

_DATA = re.compile(r"_sysconfigdata.*\.py", re.ASCII)
_DETAILS = "build-details.json"
# Where installations and build trees of CPython and PyPy keep them, below a prefix or its lib.
_FOLDERS = re.compile(r"(?:lib|build)[\w.+-]*|(?:python|pypy)3\.\d+t?|lib_pypy", re.ASCII)
_DEPTH = 4
_LARGEST = 2_000_000  # bytes; CPython's are about 50,000


def find_cross_files(directory: Path) -> CrossFiles:
    """Return what the files below a directory say of the Pythons there; nothing of it is run.

    Args:
        directory: The directory, or one such file.
    """
    where = directory.absolute()
    if where.is_file():
        files, base = [where], where.parent
    elif is_directory(where):
        files, base = list(_search(where, _DEPTH)), where
    else:
        return CrossFiles(directory=str(where), missing="there is no such directory")
    pythons: list[CrossPython] = []
    faults: list[str] = []
    for file in files:
        name = file.relative_to(base).as_posix()
        try:
            pythons.append(_read(file, name))
        except ConfigError as error:
            faults.append(error.message)
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{name}: cannot be read: {error}")
    return CrossFiles(directory=str(base), pythons=tuple(pythons), faults=tuple(faults))


def _search(directory: Path, depth: int) -> Iterator[Path]:
    entries = newest_first(directory)
    for entry in entries:
        if (entry.name == _DETAILS or _DATA.fullmatch(entry.name)) and entry.is_file():
            yield entry
    for entry in entries:
        if depth and _FOLDERS.fullmatch(entry.name) and is_directory(entry):
            yield from _search(entry, depth - 1)


def _read(file: Path, name: str) -> CrossPython:
    if file.stat().st_size > _LARGEST:
        raise ConfigError(f"{name}: is too large to be what its name says")
    text = file.read_text(encoding="utf-8")
    return read_build_details(text, name) if file.suffix == ".json" else read_sysconfigdata(text, name)
