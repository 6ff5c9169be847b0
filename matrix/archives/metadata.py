"""Core metadata: what METADATA says, from ``[project]`` and Cargo.toml, checked before anything compiles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from matrix.archives.complaints import complaint
from matrix.archives.entry_points import entry_points_text
from matrix.archives.fields import PROJECT, CargoFields, Filled, fill, people_lines
from matrix.archives.licenses import License, LicenseFile, read_license
from matrix.archives.readme import Readme, cargo_readme, project_readme
from matrix.archives.remembered import Memory, Rendered, key_of
from matrix.errors import ConfigError
from matrix.platforms.wheel_names import escape_name, escape_version
from matrix.project.fence import Fence

if TYPE_CHECKING:
    from pyproject_metadata import RFC822Message, StandardMetadata

__all__ = ["CoreMetadata", "render_metadata"]

_OWN = frozenset({"license", "license-files", "readme"})
"""Keys that the library is not asked about: it refuses what the wild has and indexes take."""


class CoreMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """The metadata of a project, ready for its wheels.

    Attributes:
        name: As the project writes it.
        version: Normalised (PEP 440).
        distribution: ``name-version`` as in file names, e.g. ``rpds_py-0.30.0``.
        text: METADATA.
        entry_points: ``entry_points.txt``, or ``None``.
        license_files: Each file with its path below ``licenses/``.
        warnings: What the user should know.
    """

    name: str
    version: str
    distribution: str
    text: str
    entry_points: str | None = None
    license_files: tuple[LicenseFile, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def dist_info(self) -> str:
        """Name of the metadata directory in the wheel: ``rpds_py-0.30.0.dist-info``."""
        return f"{self.distribution}.dist-info"


def render_metadata(
    name: str,
    version: str,
    project: Mapping[str, Any] | None,
    cargo: CargoFields,
    root: Path,
    fence: Fence | None = None,
    memory: Memory | None = None,
) -> CoreMetadata:
    """Return the project's core metadata, version 2.4 (2.5 when import names are given, PEP 794).

    Args:
        name: The distribution's name.
        version: Its PEP 440 version.
        project: The ``[project]`` table, or ``None`` when Cargo.toml stands alone.
        cargo: What Cargo.toml says.
        root: The directory that paths in ``[project]`` are relative to.
        fence: What no path may leave; ``None`` for the root, the crate and its workspace.
        memory: Knows what was rendered before.

    Raises:
        ConfigError: A field is malformed, or a file is missing or outside the project; names the key.
    """
    filled = fill(project, cargo)
    fence = fence or Fence([root, cargo.directory, cargo.workspace_root])
    license_ = read_license(project, filled.dynamic, cargo, root, fence)
    readme = _readme(filled, cargo, root, fence)
    rendered = _rendered(name, version, filled, license_, readme, memory)
    return CoreMetadata(
        name=rendered.name,
        version=rendered.version,
        distribution=f"{escape_name(name)}-{escape_version(version)}",
        text=rendered.text,
        entry_points=entry_points_text(filled.table),
        license_files=license_.files,
        warnings=filled.warnings,
    )


def _rendered(
    name: str, version: str, filled: Filled, license_: License, readme: Readme | None, memory: Memory | None
) -> Rendered:
    """Return METADATA, checked; out of the memory where it is known."""
    made_from = (name, version, filled.table, filled.dynamic, filled.where, license_, readme)
    key = key_of(*made_from) if memory is not None else ""
    known = memory.recall(key) if memory is not None else None
    if known is not None:
        return known
    standard = _standard(name, version, filled)
    text = _write(standard, filled, license_, readme)
    rendered = Rendered(key=key, name=standard.name, version=str(standard.version), text=text)
    if memory is not None:
        memory.keep(rendered)
    return rendered


def _readme(filled: Filled, cargo: CargoFields, root: Path, fence: Fence) -> Readme | None:
    if "readme" in filled.table:
        return project_readme(filled.table["readme"], root, fence)
    return cargo_readme(cargo, fence) if "readme" in filled.dynamic else None


def _standard(name: str, version: str, filled: Filled) -> StandardMetadata:
    """Return the fields that the library knows, checked by it, without those that we write ourselves."""
    from pyproject_metadata import ConfigurationError, StandardMetadata  # noqa: PLC0415 - slow to import

    table = {key: value for key, value in filled.table.items() if key not in _OWN}
    table |= {"name": name, "version": version}
    if isinstance(table.get("description"), str):
        table["description"] = " ".join(table["description"].split())
    classifiers = table.get("classifiers", [])
    if isinstance(classifiers, list):
        table["classifiers"] = [one for one in classifiers if not str(one).startswith("License ::")]
    _check_extras(table, filled.where)
    imports = {"import-names", "import-namespaces"} & set(table)
    try:
        metadata = StandardMetadata.from_pyproject(
            {"project": table}, metadata_version="2.5" if imports else "2.4", allow_extra_keys=True
        )
    except ConfigurationError as error:
        raise complaint(error, table, filled.where) from None
    metadata.classifiers = list(classifiers)
    metadata.authors, metadata.maintainers, metadata.requires_python = [], [], None
    if filled.where == PROJECT and "urls" not in filled.dynamic:
        metadata.urls = dict(sorted(metadata.urls.items()))
    metadata.optional_dependencies = dict(sorted(metadata.optional_dependencies.items()))
    return metadata


def _check_extras(table: Mapping[str, Any], where: str) -> None:
    from packaging.utils import InvalidName, canonicalize_name  # noqa: PLC0415 - slow to import

    extras = table.get("optional-dependencies", {})
    seen: dict[str, str] = {}
    for extra in extras if isinstance(extras, Mapping) else ():
        try:
            name = canonicalize_name(extra, validate=True)
        except InvalidName:
            raise ConfigError(f"{where} optional-dependencies: {extra!r} is no name of an extra") from None
        if (other := seen.setdefault(name, extra)) != extra:
            raise ConfigError(f"{where} optional-dependencies: {other!r} and {extra!r} are one name")


def _write(standard: StandardMetadata, filled: Filled, license_: License, readme: Readme | None) -> str:
    # written by the library without `License ::` classifiers, which it refuses beside an expression; PyPI does not
    every, standard.classifiers = standard.classifiers, []
    message = standard.as_rfc822()
    _add(message, "Classifier", *every)
    for kind, key in (("Author", "authors"), ("Maintainer", "maintainers")):
        names, addresses = people_lines(filled.table.get(key, []))
        _add(message, kind, names)
        _add(message, f"{kind}-email", addresses)
    _add(message, "Requires-Python", _specifiers(filled.table.get("requires-python")))
    _add(message, "License-Expression", license_.expression)
    _add(message, "License", license_.text)
    _add(message, "License-File", *(name for _, name in license_.files))
    if readme is not None:
        _add(message, "Description-Content-Type", readme.content_type)
        message.set_payload(readme.text)
    return message.as_bytes().decode("utf-8")


def _specifiers(text: str | None) -> str | None:
    """Return version specifiers normalised, in the order of the author."""
    from packaging.specifiers import Specifier  # noqa: PLC0415 - slow to import

    parts = [part for part in (text or "").split(",") if part.strip()]
    return ", ".join(str(Specifier(part)) for part in parts) or None


def _add(message: RFC822Message, name: str, *values: str | None) -> None:
    for value in values:
        if value is not None:
            message[name] = value
