"""The files that git tracks below a directory, for ``sdist-generator = "git"``."""

from __future__ import annotations

import shutil
from pathlib import Path

from matrix.errors import ConfigError, ToolError
from matrix.model import Command
from matrix.process import capture

__all__ = ["tracked_files"]

_KEY = 'pyproject.toml: [tool.maturin] sdist-generator = "git"'


async def tracked_files(root: Path) -> list[Path]:
    """Return the files below ``root`` that git tracks, absolute.

    Raises:
        ToolError: There is no git.
        ConfigError: This is no repository, or it holds what no archive should.
    """
    git = shutil.which("git")
    if git is None:
        raise ToolError(f"{_KEY}: git was not found on PATH")
    done = await capture(Command(argv=(git, "-c", "core.quotePath=false", "ls-files")), root=root)
    if done.exit:
        said = done.stderr.strip().splitlines() or ["git ls-files failed"]
        raise ConfigError(f"{_KEY}: {said[0]}", hint='use sdist-generator = "cargo", or git init and git add')
    names = [name for name in done.stdout.splitlines() if name]
    if not names:
        raise ConfigError(f"{_KEY}: git tracks no file in {root}", hint="git add them")
    for name in names:
        if name.startswith('"'):
            raise ConfigError(f"{_KEY}: {name} is no name for a file in an archive")
    # a submodule is a directory, and what was deleted is still listed
    return [root / name for name in names if (root / name).is_symlink() or (root / name).is_file()]
