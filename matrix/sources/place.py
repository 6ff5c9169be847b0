"""Where the files of a project go in its source distribution."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from matrix.archives import Entry, file_entry
from matrix.errors import ConfigError

__all__ = ["COMPILED", "Shelf", "common_directory"]

COMPILED = (".pyc", ".pyo", ".pyd", ".so")
"""Endings of what builds leave behind."""


def common_directory(paths: Iterable[Path]) -> Path:
    """Return the directory that all paths lie in.

    Raises:
        ConfigError: They share none, as on two drives.
    """
    listed = list(paths)
    try:
        return Path(os.path.commonpath(listed))
    except ValueError:
        raise ConfigError(
            f"{listed[0]} and what it depends on share no directory, so no archive can hold them"
        ) from None


class Shelf(msgspec.Struct, frozen=True):
    """The two directories that give files their places: pyproject.toml moves to the top, with all that it names.

    Attributes:
        base: What the archive's top folder stands for: the directory that everything lies in, absolute.
        root: Where pyproject.toml is, absolute; ``base`` or below it.
    """

    base: Path
    root: Path

    def crate_file(self, path: Path) -> str:
        """Return the place of a file of a crate."""
        return path.relative_to(self.base).as_posix()

    def project_file(self, path: Path) -> str:
        """Return the place of a file that pyproject.toml speaks of."""
        return path.relative_to(self.root if path.is_relative_to(self.root) else self.base).as_posix()

    def entry(self, path: Path) -> Entry:
        """Return the entry of such a file."""
        return file_entry(self.project_file(path), path)
