"""A project's long description: its text and what kind of text it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrix.archives.fields import PROJECT, CargoFields
from matrix.errors import ConfigError
from matrix.project.fence import Fence

__all__ = ["Readme", "cargo_readme", "project_readme"]

_KINDS = {
    ".md": "text/markdown; charset=UTF-8; variant=GFM",
    ".markdown": "text/markdown; charset=UTF-8; variant=GFM",
    ".rst": "text/x-rst; charset=UTF-8",
}
_PLAIN = "text/plain; charset=UTF-8"
_ACCEPTED = ("text/markdown", "text/x-rst", "text/plain")


class Readme(msgspec.Struct, frozen=True):
    """The long description.

    Attributes:
        text: Its text, lines ended by line feeds.
        content_type: Its kind, as in ``Description-Content-Type``, or ``None`` when nobody says.
    """

    text: str
    content_type: str | None


def project_readme(value: object, root: Path, fence: Fence | None = None) -> Readme:
    """Return the description that ``[project] readme`` names.

    Args:
        value: The key's value: a path, or a table of ``file`` or ``text`` and ``content-type``.
        root: The directory that the path is relative to.
        fence: What the path may not leave; ``root`` when ``None``.

    Raises:
        ConfigError: The file is missing, no UTF-8 or outside the project, the table is malformed, or no index shows
            such a type.
    """
    key = f"{PROJECT} readme"
    fence = fence or Fence([root])
    if isinstance(value, str):
        return _from_file(fence.named(value, root, key), key, value)
    if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
        raise ConfigError(f"{key}: expected a path, or a table of strings")
    if unknown := sorted(set(value) - {"file", "text", "content-type"}):
        raise ConfigError(f"{key}: unknown key {unknown[0]!r}", hint="known keys: file, text, content-type")
    if ("file" in value) == ("text" in value):
        raise ConfigError(f"{key}: a table holds exactly one of `file` and `text`")
    content_type = _checked_type(value, key)
    if "text" in value:
        return Readme(value["text"], content_type)
    key = f"{key}.file"
    return Readme(_from_file(fence.named(value["file"], root, key), key, value["file"]).text, content_type)


def cargo_readme(cargo: CargoFields, fence: Fence | None = None) -> Readme | None:
    """Return the description that Cargo.toml names, or one that lies beside it.

    Args:
        cargo: What Cargo.toml says.
        fence: What the path may not leave; the crate and its workspace when ``None``.

    Raises:
        ConfigError: The file is missing, no UTF-8 or outside the project.
    """
    fence = fence or Fence([cargo.directory, cargo.workspace_root])
    if cargo.readme is not None:
        key = "Cargo.toml: [package] readme"
        return _from_file(fence.named(cargo.readme, cargo.directory, key), key, cargo.readme)
    beside = cargo.directory / "README.rst"  # cargo itself looks for the other names
    return _from_file(fence.check(beside), str(beside), beside.name) if beside.is_file() else None


def _checked_type(value: Mapping[str, Any], key: str) -> str | None:
    content_type: str | None = value.get("content-type")
    if content_type is not None and content_type.split(";")[0].strip().lower() not in _ACCEPTED:
        raise ConfigError(
            f"{key}.content-type: {content_type!r} is no type that an index shows",
            hint=f"one of {', '.join(_ACCEPTED)}",
        )
    return content_type


def _from_file(path: Path, key: str, name: str) -> Readme:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{key}: {path} is not UTF-8") from None
    except OSError as error:
        reason = "there is no file" if isinstance(error, FileNotFoundError) else f"{error.strerror}:"
        raise ConfigError(f"{key}: {reason} {name!r} in {path.parent}") from None
    return Readme(text, _KINDS.get(path.suffix.lower(), _PLAIN))
