"""Puts the files of a new project on the disk: all of them or none, and never over one that is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from matrix.files import temporary_name

__all__ = ["write_project"]


def write_project(directory: Path, files: Mapping[str, str]) -> list[str]:
    """Write files into a directory, which is made when it is missing.

    They are written beside their places first and then moved. When that fails, what was moved is taken away again.

    Args:
        directory: The project's.
        files: Texts by path with ``/``; moved in this order.

    Returns:
        Paths that were there already; they are left as they are.

    Raises:
        OSError: Something cannot be written.
    """
    if directory.is_dir():
        return _add(directory, files)
    made = _make_directories(directory.parent)
    staging = directory.parent / temporary_name()
    try:
        _stage(staging, files)
        staging.rename(directory)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        _drop(made)
        raise
    return []


def _stage(staging: Path, files: Mapping[str, str]) -> None:
    staging.mkdir()
    for name, text in files.items():
        path = staging / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _add(directory: Path, files: Mapping[str, str]) -> list[str]:
    kept: list[str] = []
    made: list[Path] = []
    staging = directory / temporary_name()
    try:
        _stage(staging, files)
        for name in files:
            path = directory / name
            made += _make_directories(path.parent)
            if os.path.lexists(path):
                kept.append(name)
                continue
            (staging / name).rename(path)
            made.append(path)
    except BaseException:
        _drop(made)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return kept


def _make_directories(directory: Path) -> list[Path]:
    """Make a directory and those above it; return those that were missing, outermost first."""
    missing = []
    path = directory
    while not os.path.lexists(path):
        missing.append(path)
        path = path.parent
    made: list[Path] = []
    try:
        for one in reversed(missing):
            one.mkdir()
            made.append(one)
        directory.mkdir(exist_ok=True)  # says so when it is a file
    except OSError:
        _drop(made)
        raise
    return made


def _drop(made: list[Path]) -> None:
    """Remove what was made, files and empty directories, last first."""
    for path in reversed(made):
        with suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()
