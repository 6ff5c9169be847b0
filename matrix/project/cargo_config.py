"""The target that cargo's configuration names: plan and cargo must mean the same (cargo reference, "Configuration")."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import tomli

from matrix.errors import UsageError

__all__ = ["VARIABLE", "configured_target", "names_target"]

VARIABLE = "CARGO_BUILD_TARGET"


def configured_target(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> tuple[str, str] | None:
    """Return the triple in ``build.target`` and where it stands, or ``None`` when there is none.

    ``--config`` comes first, then ``CARGO_BUILD_TARGET``, the nearest ``.cargo/config.toml`` from the project upwards,
    and cargo's home. A file that cannot be read or parsed is cargo's to complain about.

    Args:
        root: Where cargo is run.
        environ: The environment.
        flags: Values of ``--config``.

    Raises:
        UsageError: The configuration names several targets, or one that is no triple.
    """
    variable = environ.get(VARIABLE, "").strip()
    named = _in_flags(root, flags) or (None if variable else _in_files(root, environ))
    if named is not None:
        return _one(*named), named[1]
    return (variable, VARIABLE) if variable else None


def names_target(root: Path, environ: Mapping[str, str], flags: Sequence[str] = ()) -> bool:
    """Whether flags or files name a target, so that a build for the host must name its own."""
    return (_in_flags(root, flags) or _in_files(root, environ)) is not None


def _in_flags(root: Path, flags: Sequence[str]) -> tuple[object, str] | None:
    for text in reversed(flags):
        named = _target(_parsed(text)) if "=" in text else _target(_read(root / text))
        if named is not None:
            return named, "--config build.target"
    return None


def _in_files(root: Path, environ: Mapping[str, str]) -> tuple[object, str] | None:
    for path in _files(root, environ):
        named = _target(_read(path))
        if named is not None:
            return named, f"{_shown(path, root)}: build.target"
    return None


def _files(root: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environ.get("CARGO_HOME") or Path.home() / ".cargo")
    for directory in (*(folder / ".cargo" for folder in (root, *root.parents)), home):
        for name in ("config", "config.toml"):  # without its ending it is older and comes first
            if (directory / name).is_file():
                yield directory / name
                break


def _read(path: Path) -> Mapping[str, object]:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return {}


def _parsed(text: str) -> Mapping[str, object]:
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError:
        return {}


def _target(table: Mapping[str, object]) -> object:
    build = table.get("build")
    return build.get("target") if isinstance(build, dict) else None


def _one(named: object, origin: str) -> str:
    words = named if isinstance(named, list) else [named]
    if len(words) != 1 or not isinstance(words[0], str):
        raise UsageError(
            f"{origin} names several targets", hint="name them in [tool.wheelmatrix] targets, or with --target"
        )
    if words[0].endswith(".json"):
        raise UsageError(f"{origin}: a target of your own ({words[0]}) cannot be named in a wheel")
    return words[0]


def _shown(path: Path, root: Path) -> str:
    return os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
