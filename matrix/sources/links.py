"""Links on the way into a source distribution: followed inside the project, refused elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.errors import ConfigError

__all__ = ["Fence", "check_repository"]

_MEND = "remove it, or replace it by what it means"


class Fence:
    """The directories of a project, which no link may leave.

    Args:
        directories: Absolute; a git repository around the first of them counts as a whole.
    """

    def __init__(self, directories: Sequence[Path]) -> None:
        first = directories[0]
        repository = next((one for one in (first, *first.parents) if (one / ".git").exists()), first)
        self.directories = tuple(dict.fromkeys(one.resolve() for one in (*directories, repository)))

    def check(self, path: Path) -> Path:
        """Return ``path`` when it is a file that lies in the project, links followed.

        Raises:
            ConfigError: A link leads nowhere, in a circle, or out of the project.
        """
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: a circle, before Python 3.13
            circle = isinstance(error, RuntimeError) or path.is_symlink()
            what = "the link leads in a circle or nowhere" if circle else getattr(error, "strerror", None) or str(error)
            raise ConfigError(f"{path}: {what}{_written(path)}", hint=_MEND if circle else None) from None
        if not any(target.is_relative_to(one) for one in self.directories):
            raise ConfigError(f"{path}: the link leads out of the project, to {target}", hint=_MEND)
        return path


def check_repository(root: Path, manifests: Iterable[Path]) -> None:
    """Refuse crates outside the git repository that holds the project: nobody else could make its source distribution.

    A repository may be part of another (submodules); the outermost counts.

    Args:
        root: The project's root. Outside any repository nothing is refused.
        manifests: Cargo.toml of every crate to pack.

    Raises:
        ConfigError: Names the first manifest that lies outside.
    """
    repositories = [one for one in (root, *root.parents) if (one / ".git").exists()]
    for manifest in manifests if repositories else ():
        if not manifest.is_relative_to(repositories[-1]):
            raise ConfigError(
                f"{manifest}: a path dependency leads to this crate, outside the repository {repositories[-1]}",
                hint="move the crate into the repository, or depend on it by git or by version",
            )


def _written(path: Path) -> str:
    return f" ({os.readlink(path)})" if path.is_symlink() else ""  # noqa: PTH115 - as written, unresolved
