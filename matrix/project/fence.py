"""The fence around a project: what lies outside is never packed, whoever names it and whatever link leads there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from matrix.errors import ConfigError

__all__ = ["Fence"]

_MEND = "remove it, or replace it by what it means"


class Fence:
    """The directories of a project, which no path and no link may leave.

    Args:
        directories: Absolute, the project's root first: its cargo workspace, and the crates that path dependencies
            name. A git repository around the root counts as a whole.

    Attributes:
        directories: Those and the repository, links resolved, each once.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        first = directories[0]
        self._repository = next((one for one in (first, *first.parents) if (one / ".git").exists()), None)
        self.directories = tuple(dict.fromkeys(one.resolve() for one in (*directories, self._repository or first)))
        self._folders: dict[Path, Path] = {}

    def check(self, path: Path) -> Path:
        """Return ``path`` when it is a file that lies in the project, links followed.

        Raises:
            ConfigError: A link leads nowhere, in a circle, or out of the project.
        """
        try:
            target = path.resolve(strict=True) if path.is_symlink() else self._folder(path.parent) / path.name
        except (OSError, RuntimeError) as error:  # RuntimeError: a circle, before Python 3.13
            circle = isinstance(error, RuntimeError) or path.is_symlink()
            what = "the link leads in a circle or nowhere" if circle else getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"{path}: {what}{_written(path)}", hint=_MEND if circle else None) from None
        if not self._holds(target):
            raise ConfigError(f"{path}: the link leads out of the project, to {target}", hint=_MEND)
        return path

    def named(self, written: str, base: Path, key: str) -> Path:
        """Return the absolute path of a file or directory that a key names; whether it is there is not looked at.

        Args:
            written: The path as written.
            base: The directory that it is relative to.
            key: The file, the table and the key, for messages.

        Raises:
            ConfigError: The path is absolute, or it leads out of the project, by itself or through a link.
        """
        # normalised first: a step up undoes the step before it, not what a link there leads to
        path = Path(os.path.normpath(base / written))
        inside = self._holds(Path(os.path.realpath(path)))
        if PureWindowsPath(written).anchor:
            place = f'"{Path(os.path.relpath(path, base)).as_posix()}"' if inside else "by its path from there"
            raise ConfigError(
                f"{key}: {written!r} is an absolute path, which means something else on every machine",
                hint=f"write {place}" if inside else f"copy it into the project, and name it {place}",
            )
        if inside:
            return path
        target = os.path.realpath(path)
        if self._holds(path) or path.is_relative_to(base):
            raise ConfigError(f"{key}: {written!r}: the link leads out of the project, to {target}", hint=_MEND)
        also = " and its git repository" if self._repository else ", which is in no git repository"
        raise ConfigError(
            f"{key}: {written!r} lies outside the project{also}: {target}",
            hint="copy it into the project: other machines have no such file, or another",
        )

    def _holds(self, target: Path) -> bool:
        return any(target.is_relative_to(one) for one in self.directories)

    def _folder(self, directory: Path) -> Path:
        """Return a directory with its links resolved; looked up once."""
        if directory not in self._folders:
            self._folders[directory] = directory.resolve()
        return self._folders[directory]


def _written(path: Path) -> str:
    return f" ({os.readlink(path)})" if path.is_symlink() else ""  # noqa: PTH115 - as written, unresolved
