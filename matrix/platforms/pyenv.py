"""What pyenv's shims stand for: read from its files, because running one costs a shell and depends on the directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from matrix.platforms.look import exists, is_directory, newest_first

__all__ = ["behind_shim", "is_shim_directory", "pyenv_roots"]


def pyenv_roots(environ: Mapping[str, str], home: Path | None) -> tuple[Path, ...]:
    """Return where pyenv may keep its versions: ``PYENV_ROOT``, else ``~/.pyenv``."""
    named = environ.get("PYENV_ROOT")
    if named:
        return (Path(named),)
    return (home / ".pyenv",) if home is not None else ()


def is_shim_directory(directory: Path) -> bool:
    """Whether a directory on PATH holds pyenv's shims."""
    return directory.name == "shims" and is_directory(directory.parent / "versions")


def behind_shim(shim: Path, environ: Mapping[str, str], cwd: Path) -> Path | None:
    """Return the program that a shim of pyenv runs here, or ``None`` when no selected version has it.

    ``PYENV_VERSION`` selects, else the nearest ``.python-version`` above ``cwd``, else the root's ``version``.
    ``system`` means the rest of PATH, which is looked through anyway.
    """
    root = shim.parent.parent
    for name in _selected(root, environ, cwd):
        version = _version_directory(root, name)
        if version is not None and exists(version / "bin" / shim.name):
            return version / "bin" / shim.name
    return None


def _selected(root: Path, environ: Mapping[str, str], cwd: Path) -> tuple[str, ...]:
    named = environ.get("PYENV_VERSION")
    if named:
        return tuple(named.split(":"))
    for file in (*(directory / ".python-version" for directory in (cwd, *cwd.parents)), root / "version"):
        try:
            words = tuple(_words(file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue
        if words:
            return words
    return ()


def _words(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from line.partition("#")[0].split()


def _version_directory(root: Path, name: str) -> Path | None:
    """Return the installation of that name, or the newest one that begins with it: ``3.12`` for ``3.12.1``."""
    if "/" in name or name.startswith("."):
        return None
    name = name.removeprefix("python-")
    if is_directory(root / "versions" / name):
        return root / "versions" / name
    return next((entry for entry in newest_first(root / "versions") if entry.name.startswith(name + ".")), None)
