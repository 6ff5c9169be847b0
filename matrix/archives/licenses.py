"""A project's licence: the expression or text, and the files that go into the wheel (PEP 639)."""

from __future__ import annotations

import filecmp
import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from matrix.archives.fields import PROJECT, CargoFields
from matrix.archives.globs import glob_files
from matrix.errors import ConfigError
from matrix.project.fence import Fence

__all__ = ["License", "LicenseFile", "read_license"]

_DEFAULT_FILES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "AUTHORS*")
_GLOB = re.compile(r"[\w\-./*?\[\] ]+")

LicenseFile = tuple[Path, str]
"""A licence file and its path below ``licenses/`` in the wheel."""


class License(msgspec.Struct, frozen=True):
    """What METADATA says about the licence.

    Attributes:
        expression: SPDX expression, normalised, or ``None``.
        text: Free text of the older form, or ``None``.
        files: Licence files, each path once.
    """

    expression: str | None = None
    text: str | None = None
    files: tuple[LicenseFile, ...] = ()


def read_license(
    project: Mapping[str, Any] | None,
    dynamic: Sequence[str],
    cargo: CargoFields,
    root: Path,
    fence: Fence | None = None,
) -> License:
    """Return the project's licence.

    Args:
        project: The ``[project]`` table, or ``None`` when there is none.
        dynamic: Its ``dynamic`` list.
        cargo: What Cargo.toml says; its ``license-file`` always goes along.
        root: The directory that the project's paths are relative to.
        fence: What no path and no link may leave; ``None`` for the root, the crate and its workspace.

    Raises:
        ConfigError: The expression is no SPDX expression, a file or a pattern finds nothing or leads out of the
            project, or both forms are used at once.
    """
    fence = fence or Fence([root, cargo.directory, cargo.workspace_root])
    files: list[LicenseFile] = [*_cargo_file(cargo, fence)]
    if project is None:
        return License(text=cargo.license, files=_each_once(files, root))
    value = project.get("license")
    expression, text, named = None, None, None
    if isinstance(value, str):
        expression = _spdx(value)
    elif isinstance(value, Mapping):
        text, named = _table(value, root, cargo.workspace_root, fence)
        if "license-files" in project:
            raise ConfigError(
                f"{PROJECT} license-files: cannot stand beside a `license` table (PEP 639)",
                hint='write the licence as an SPDX expression: license = "MIT"',
            )
    elif value is not None:
        raise ConfigError(f"{PROJECT} license: expected an SPDX expression or a table")
    elif "license" in dynamic:
        text = cargo.license
    if named is not None:
        files.append(named)
    files += _globbed(project["license-files"], root) if "license-files" in project else _default_files(root)
    return License(expression, text, _each_once([(fence.check(path), name) for path, name in files], root))


def _spdx(value: str) -> str:
    from packaging.licenses import (  # noqa: PLC0415 - a big table, needed here alone
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    try:
        return canonicalize_license_expression(value)
    except InvalidLicenseExpression:
        hint = "an index refuses anything else; for other texts write license = { text = … }"
        if "/" in value:
            hint = f'did you mean "{" OR ".join(part.strip() for part in value.split("/"))}"?'
        raise ConfigError(f"{PROJECT} license: {value!r} is no SPDX expression", hint=hint) from None


def _table(
    value: Mapping[str, Any], root: Path, workspace: Path, fence: Fence
) -> tuple[str | None, LicenseFile | None]:
    if len(value) != 1 or not set(value) <= {"file", "text"} or not all(isinstance(one, str) for one in value.values()):
        raise ConfigError(f"{PROJECT} license: a table holds either `file` or `text`, a string")
    if "text" in value:
        return value["text"], None
    key = f"{PROJECT} license.file"
    path = fence.named(value["file"], root, key)
    if not path.is_file():
        raise ConfigError(f"{key}: there is no file {value['file']!r} in {root}")
    return None, (path, _inside(path, (root, workspace, *fence.directories)))


def _cargo_file(cargo: CargoFields, fence: Fence) -> Iterator[LicenseFile]:
    if cargo.license_file is None:
        return
    key = "Cargo.toml: [package] license-file"
    path = fence.named(cargo.license_file, cargo.directory, key)
    if not path.is_file():
        raise ConfigError(f"{key}: there is no file {cargo.license_file!r} in {cargo.directory}")
    yield path, _inside(path, (cargo.directory, cargo.workspace_root, *fence.directories))


def _inside(path: Path, bases: Sequence[Path]) -> str:
    """Return the path relative to the first of ``bases`` that holds it, as written or with links followed."""
    for base in bases:
        for one, directory in ((path, base), (path.resolve(), base.resolve())):
            if one.is_relative_to(directory):
                return one.relative_to(directory).as_posix()
    raise ValueError(f"{path} is in none of {bases}")  # pragma: no cover - the fence holds it


def _globbed(patterns: object, root: Path) -> Iterator[LicenseFile]:
    if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
        raise ConfigError(f"{PROJECT} license-files: expected a list of patterns")
    for index, pattern in enumerate(patterns):
        key = f"{PROJECT} license-files[{index}]"
        if not _GLOB.fullmatch(pattern):
            raise ConfigError(
                f"{key}: {pattern!r}: a pattern holds letters, digits, `_-.`, `/` and `*?[]` only (PEP 639)"
            )
        try:
            found = glob_files(root, pattern)
        except ValueError as error:
            raise ConfigError(f"{key}: {pattern!r} {error}") from None
        if not found:
            raise ConfigError(f"{key}: {pattern!r} matches no file in {root} (PEP 639)")
        yield from ((path, path.relative_to(root).as_posix()) for path in found)


def _default_files(root: Path) -> Iterator[LicenseFile]:
    names = sorted(path.name for path in root.iterdir() if path.is_file())
    for pattern in _DEFAULT_FILES:
        yield from ((root / name, name) for name in names if fnmatch.fnmatchcase(name, pattern))


def _each_once(files: Sequence[LicenseFile], root: Path) -> tuple[LicenseFile, ...]:
    """Return each text once; of two different files of one name, the later keeps it.

    A source distribution has a licence at its top and beside its crate.
    """
    kept: dict[str, Path] = {}
    for path, name in files:
        other = kept.get(name)
        if other is not None and not filecmp.cmp(other, path, shallow=False):
            moved = other.relative_to(root).as_posix() if other.is_relative_to(root) else f"crate/{name}"
            kept[moved] = other
        kept[name] = path
    return tuple((path, name) for name, path in kept.items())
