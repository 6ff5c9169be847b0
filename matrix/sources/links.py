"""Links on the way into a source distribution: followed inside the project, refused elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from matrix.errors import ConfigError

__all__ = ["Fence"]

_LEAVE_OUT = "replace it by what it means, or leave it out with `exclude` in [tool.maturin]"


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
            raise ConfigError(f"{path}: {what}{_written(path)}", hint=_LEAVE_OUT if circle else None) from None
        if not any(target.is_relative_to(one) for one in self.directories):
            raise ConfigError(f"{path}: the link leads out of the project, to {target}", hint=_LEAVE_OUT)
        return path


def _written(path: Path) -> str:
    return f" ({os.readlink(path)})" if path.is_symlink() else ""  # noqa: PTH115 - as written, unresolved
