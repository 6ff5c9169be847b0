"""Finds the two files of a project: Cargo.toml, and the pyproject.toml that belongs to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from matrix.errors import ConfigError, UsageError
from matrix.project.toml import read_toml

__all__ = ["Files", "find_files", "find_outer_pyproject"]

PYPROJECT = "pyproject.toml"
CARGO = "Cargo.toml"


class Files(NamedTuple):
    """Where a project's two files are, absolute; ``pyproject`` is ``None`` when there is none."""

    manifest: Path
    pyproject: Path | None

    @property
    def root(self) -> Path:
        """The project's root: where pyproject.toml is, else where Cargo.toml is."""
        return (self.pyproject or self.manifest).parent


def find_files(where: Path, flag: Path | None) -> Files:
    """Find Cargo.toml and the pyproject.toml beside it.

    In this order, as maturin does: ``-m``; ``[tool.maturin] manifest-path``; ``rust/Cargo.toml`` of a
    project whose Python code is in ``src`` or where ``python-source`` says; ``Cargo.toml``;
    ``rust/Cargo.toml`` when nothing else is there.

    Args:
        where: The directory the user is in.
        flag: ``-m``, relative to it.

    Raises:
        UsageError: ``-m`` names no Cargo.toml, or there is no project here.
        ConfigError: ``manifest-path`` names no Cargo.toml.
    """
    where = where.resolve()
    if flag is not None:
        manifest = _named(where / flag)
        beside = manifest.with_name(PYPROJECT)
        return Files(manifest, beside if beside.is_file() else None)
    pyproject = where / PYPROJECT
    if not pyproject.is_file():
        if not (where / CARGO).is_file():
            outer = next((one for one in where.parents if (one / CARGO).is_file()), None)
            named = f" (-m {os.path.relpath(outer / CARGO, where)})" if outer is not None else " with -m"
            raise UsageError(
                f"{where}: neither {PYPROJECT} nor {CARGO} is here",
                hint=f"go to the project's root, or name its Cargo.toml{named}",
            )
        return Files(where / CARGO, None)
    return Files(_implied(where, read_toml(pyproject)), pyproject)


def find_outer_pyproject(manifest: Path, workspace_root: Path) -> Path | None:
    """Return the nearest pyproject.toml above a manifest, at most one directory above its cargo workspace."""
    limit = workspace_root.parent
    for directory in manifest.parents:
        if directory != limit and limit not in directory.parents:
            return None
        if (directory / PYPROJECT).is_file():
            return directory / PYPROJECT
    return None


def _named(path: Path) -> Path:
    if path.is_dir():
        inside = path / CARGO
        hint = f"did you mean {str(inside)!r}?" if inside.is_file() else None
        raise UsageError(f"{path} is a directory, not a Cargo.toml (-m)", hint=hint)
    if not path.is_file():
        raise UsageError(f"{path} does not exist (-m)")
    if path.name != CARGO:
        raise UsageError(f"{path} is not called {CARGO} (-m)")
    return path.resolve()


def _implied(root: Path, table: Mapping[str, Any]) -> Path:
    options = _table(_table(table, "tool"), "maturin")
    written = options.get("manifest-path")
    if isinstance(written, str):
        manifest = (root / written).resolve()
        if not manifest.is_file():
            raise ConfigError(f"{PYPROJECT}: [tool.maturin] manifest-path: {written!r} does not exist")
        return manifest
    plain, rust = root / CARGO, root / "rust" / CARGO
    if rust.is_file() and (not plain.is_file() or "python-source" in options or _has_src(root, table, options)):
        return rust
    if plain.is_file():
        return plain
    raise ConfigError(
        f"{root}: no {CARGO} beside {PYPROJECT}",
        hint='name it: [tool.maturin] manifest-path = "…/Cargo.toml", or -m',
    )


def _has_src(root: Path, table: Mapping[str, Any], options: Mapping[str, Any]) -> bool:
    """Whether the project's Python package is under ``src``."""
    name = _table(table, "project").get("name")
    packages = options.get("python-packages")
    names = [name.replace("-", "_")] if isinstance(name, str) else []
    names += [one for one in packages if isinstance(one, str)] if isinstance(packages, list) else []
    return any((root / "src" / one / "__init__.py").is_file() for one in names)


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return a sub-table, or an empty one; its type is judged where the table is read."""
    value = table.get(key)
    return value if isinstance(value, dict) else {}
