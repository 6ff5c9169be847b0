"""What Cargo.toml says about a package, and how it fills the fields that ``[project]`` leaves to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from matrix.errors import ConfigError
from matrix.project.identity import PROJECT_KEYS

__all__ = ["CARGO", "PROJECT", "CargoFields", "Filled", "Person", "fill", "people_lines"]

PROJECT = "pyproject.toml: [project]"
CARGO = "Cargo.toml: [package]"

_FROM_CARGO = frozenset({"authors", "description", "keywords", "license", "license-files", "readme", "urls", "version"})
_QUOTED = re.compile(r'[][\\()<>@,:;".]')

Person = Mapping[str, str]
"""``name``, ``email`` or both, as in ``[project] authors``."""


class CargoFields(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a package in Cargo.toml that become core metadata.

    Attributes:
        directory: The directory of its Cargo.toml; ``readme`` and ``license_file`` are relative to it.
        workspace_root: The workspace's directory.
        authors: As written: ``Name <address>``.
    """

    directory: Path
    workspace_root: Path
    description: str | None = None
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    license: str | None = None
    license_file: str | None = None
    readme: str | None = None
    repository: str | None = None
    homepage: str | None = None
    documentation: str | None = None


class Filled(msgspec.Struct, frozen=True):
    """A ``[project]`` table in which nothing is dynamic any more.

    Attributes:
        table: The table.
        dynamic: What it left to Cargo.toml and was not given a value as well.
        where: What error messages call it.
        warnings: What the user should know.
    """

    table: Mapping[str, Any]
    dynamic: tuple[str, ...]
    where: str
    warnings: tuple[str, ...] = ()


def fill(project: Mapping[str, Any] | None, cargo: CargoFields) -> Filled:
    """Return ``[project]`` with its dynamic fields taken from Cargo.toml (PEP 621).

    Version, licence and readme are not filled here: they need files and rules of their own.

    Args:
        project: The ``[project]`` table, or ``None``: then everything is taken from Cargo.toml.
        cargo: What Cargo.toml says.

    Raises:
        ConfigError: ``dynamic`` is no list of strings, or names ``name``.
    """
    if project is None:
        return Filled(_from_cargo(cargo), tuple(sorted(_FROM_CARGO)), CARGO)
    dynamic = project.get("dynamic", [])
    if not isinstance(dynamic, list) or not all(isinstance(one, str) for one in dynamic):
        raise ConfigError(f"{PROJECT} dynamic: expected a list of strings")
    if "name" in dynamic:
        raise ConfigError(f"{PROJECT} dynamic: the name cannot be dynamic (PEP 621)")
    warnings = tuple(warning for one in dynamic if (warning := _warning(one, project)) is not None)
    left = tuple(one for one in dynamic if one not in project)
    given = _from_cargo(cargo)
    table = {key: value for key, value in project.items() if key != "dynamic"}
    table |= {key: given[key] for key in left if key in given}
    return Filled(table, left, PROJECT, warnings)


def people_lines(people: Sequence[Person]) -> tuple[str | None, str | None]:
    """Return the lines of people without and with an address: for ``Author`` and ``Author-email``."""
    names = [person["name"] for person in people if person.get("name") and not person.get("email")]
    addresses = [_address(person) for person in people if person.get("email")]
    return ", ".join(names) or None, ", ".join(addresses) or None


def _address(person: Person) -> str:
    name = person.get("name")
    if not name:
        return person["email"]
    if _QUOTED.search(name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{person['email']}>"


def _warning(field: str, project: Mapping[str, Any]) -> str | None:
    if field not in PROJECT_KEYS or field == "dynamic":
        return f"{PROJECT} dynamic: {field!r} is no field of [project]"
    if field in project:
        return f"{PROJECT} dynamic: {field!r} has a value as well; the value is used"
    return None if field in _FROM_CARGO else f"{PROJECT} dynamic: {field!r} cannot come from Cargo.toml and stays empty"


def _from_cargo(cargo: CargoFields) -> dict[str, Any]:
    """Return what Cargo.toml gives, in the shape of ``[project]``."""
    labels = {"Homepage": cargo.homepage, "Documentation": cargo.documentation, "Source Code": cargo.repository}
    return {
        key: value
        for key, value in {
            "description": cargo.description,
            "authors": [_person(one) for one in cargo.authors],
            "keywords": list(cargo.keywords),
            "urls": {label: url for label, url in labels.items() if url},
        }.items()
        if value
    }


def _person(text: str) -> Person:
    """Return an author of Cargo.toml: ``Name <address>``, a name, or a bare address."""
    match = re.fullmatch(r"\s*(.*?)\s*<([^<>]+)>\s*", text)
    if match is None:
        return {"email": text.strip()} if re.fullmatch(r"\s*[^\s@]+@[^\s@]+\s*", text) else {"name": text.strip()}
    return {"name": match[1], "email": match[2].strip()} if match[1] else {"email": match[2].strip()}
