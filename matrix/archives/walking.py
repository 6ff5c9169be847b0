"""Walks a Python package on disk: ignore files obeyed, links followed safely, caches left out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from matrix.errors import ConfigError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

__all__ = ["Ignores", "Walk"]

_CACHES = (".pyc", ".pyo")
_NEVER = frozenset({"__pycache__", ".git", ".hg", ".svn"})


class Ignores:
    """The rules of ``.gitignore`` and ``.ignore`` files between a project's root and a file.

    ``.ignore`` files always count and win; ``.gitignore`` files count inside a git repository alone, so
    that a source distribution unpacked elsewhere keeps its files. A deeper file wins over a higher one.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        git = any((parent / ".git").exists() for parent in takewhile(_not_unpacked, (root, *root.parents)))
        self._names = (".ignore", ".gitignore") if git else (".ignore",)
        self._rules: dict[tuple[Path, str], GitIgnoreSpec | None] = {}

    def ignored(self, path: Path, *, directory: bool) -> bool:
        """Return whether a path below the root is ignored, by its own name; its parents were asked before."""
        above = [path.parent, *path.parent.parents]
        if self._root not in above:
            return False
        above = above[: above.index(self._root) + 1]
        for name in self._names:
            for parent in above:
                rules = self._rules_of(parent, name)
                if rules is None:
                    continue
                relative = path.relative_to(parent).as_posix() + ("/" if directory else "")
                verdict = rules.check_file(relative).include
                if verdict is not None:
                    return verdict
        return False

    def _rules_of(self, directory: Path, name: str) -> GitIgnoreSpec | None:
        key = (directory, name)
        if key not in self._rules:
            try:
                lines = (directory / name).read_text(encoding="utf-8", errors="replace").splitlines()
            except OSError:
                self._rules[key] = None
            else:
                self._rules[key] = _spec(lines) if lines else None
        return self._rules[key]


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - many projects ignore nothing where Python files lie

    return GitIgnoreSpec.from_lines(lines)


def _not_unpacked(directory: Path) -> bool:
    """Whether a directory is not the one that a packed project is tried in: no repository above it counts."""
    return directory.parts[-2:] != ("target", "package")


class Walk(msgspec.Struct):
    """One walk over directories of a project.

    Attributes:
        within: Directories that a link to a directory may lead into; elsewhere it is not followed.
        ignores: Rules that leave files out, or ``None`` for none.
        warnings: What was not followed, and why; grows while walking.
    """

    within: Sequence[Path]
    ignores: Ignores | None = None
    warnings: list[str] = msgspec.field(default_factory=list)

    def files(self, top: Path) -> Iterator[Path]:
        """Yield the files below ``top``, or ``top`` itself when it is one, in a fixed order.

        Byte code, caches and version-control directories are left out; so is what is no regular file.

        Raises:
            ConfigError: A link leads nowhere or in a circle, or a directory cannot be read.
        """
        if top.is_dir():
            if not self._ignored_on_the_way(top):
                yield from self._walk(top, (top.resolve(),))
        elif top.is_file() and not self._ignored_on_the_way(top):
            yield top

    def _ignored_on_the_way(self, top: Path) -> bool:
        if self.ignores is None:
            return False
        way = [*reversed(top.parents), top]
        return any(self.ignores.ignored(path, directory=path.is_dir()) for path in way)

    def _walk(self, directory: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        try:
            children = sorted(os.scandir(directory), key=lambda child: child.name)
        except OSError as error:
            raise ConfigError(f"{directory}: {error.strerror}") from error
        for child in children:
            path = directory / child.name
            circle, is_directory = _looked_at(child)
            if child.name in _NEVER or child.name.endswith(_CACHES):
                continue
            if self.ignores is not None and self.ignores.ignored(path, directory=is_directory):
                continue
            if circle:
                raise _circle(path)
            if not is_directory:
                if _is_file(child, path):
                    yield path
            elif not child.is_symlink():
                yield from self._walk(path, (*above, path.resolve()))
            elif (target := self._followed(path, above)) is not None:
                yield from self._walk(path, (*above, target))

    def _followed(self, link: Path, above: tuple[Path, ...]) -> Path | None:
        """Return where a link to a directory leads, or ``None`` when it is not to be followed."""
        target = link.resolve()
        if any(target == one or target in one.parents for one in above):
            raise _circle(link)
        if not any(target.is_relative_to(one.resolve()) for one in self.within):
            self.warnings.append(f"{link}: not followed, the link leads out of the project ({target})")
            return None
        return target


def _looked_at(child: os.DirEntry[str]) -> tuple[bool, bool]:
    """Return whether a link leads to itself, and whether the child is a directory."""
    try:
        return False, child.is_dir()
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return True, False


def _is_file(child: os.DirEntry[str], path: Path) -> bool:
    if child.is_symlink() and not path.exists():
        raise ConfigError(
            f"{path}: the link leads nowhere ({os.readlink(path)})",  # noqa: PTH115 - as written, unresolved
            hint="mend or remove it, or name it in .ignore",
        )
    return child.is_file()


def _circle(link: Path) -> ConfigError:
    return ConfigError(f"{link}: the link leads in a circle", hint="remove it, or name it in .ignore")
