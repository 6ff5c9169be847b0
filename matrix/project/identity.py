"""What the distribution is called: name, version and Pythons, from ``[project]`` (PEP 621) or the crate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from packaging.version import InvalidVersion, Version

from matrix.errors import ConfigError, did_you_mean

__all__ = ["PROJECT_KEYS", "identity_warnings", "pep440", "project_name", "project_requires_python", "project_version"]

WHERE = "pyproject.toml: [project]"

PROJECT_KEYS = frozenset(
    {
        "authors",
        "classifiers",
        "dependencies",
        "description",
        "dynamic",
        "entry-points",
        "gui-scripts",
        "import-names",
        "import-namespaces",
        "keywords",
        "license",
        "license-files",
        "maintainers",
        "name",
        "optional-dependencies",
        "readme",
        "requires-python",
        "scripts",
        "urls",
        "version",
    }
)
"""What ``[project]`` may hold (PEP 621, 639 and 794)."""


def pep440(version: str) -> str:
    """Return a cargo version (semver) as a PEP 440 one: ``1.0.0-alpha.1`` is ``1.0.0a1``.

    Raises:
        ValueError: PEP 440 has no such version.
    """
    try:
        return str(Version(version))
    except InvalidVersion as error:
        raise ValueError(f"{version!r} has no meaning in PEP 440") from error


def project_name(table: Mapping[str, Any], crate: str) -> str:
    """Return the distribution's name.

    Args:
        table: pyproject.toml.
        crate: The crate's name, for a project without ``[project]``.

    Raises:
        ConfigError: ``[project]`` has no name.
    """
    project = _project(table)
    if project is None:
        return crate
    name = project.get("name")
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{WHERE} the key 'name' is missing", hint=f'write name = "{crate}"')
    return name


def project_version(table: Mapping[str, Any], crate: str) -> str:
    """Return the distribution's version, normalised (PEP 440).

    Args:
        table: pyproject.toml.
        crate: The crate's version, for a project whose version is dynamic or not given.

    Raises:
        ConfigError: The version is none of PEP 440.
    """
    written = (_project(table) or {}).get("version")
    if written is None:
        try:
            return pep440(crate)
        except ValueError as error:
            raise ConfigError(
                f"Cargo.toml: version {error}",
                hint='write a pre-release as in "1.0.0-alpha.1", "-beta.2", "-rc.3" or "-dev.4", or give [project] one',
            ) from error
    if not isinstance(written, str):
        raise ConfigError(f"{WHERE} version: expected a string, not {written!r}")
    try:
        return pep440(written)
    except ValueError as error:
        raise ConfigError(f"{WHERE} version: {error}", hint='write it as in "1.2.3" or "1.2.3rc1"') from error


def identity_warnings(table: Mapping[str, Any], crate: str) -> tuple[str, ...]:
    """Return what the user should know of name and version, and of keys that mean nothing.

    Args:
        table: pyproject.toml.
        crate: The crate's version.
    """
    project = _project(table)
    said = [_unknown(key) for key in project or () if key not in PROJECT_KEYS]
    dynamic = project.get("dynamic") if project is not None else None
    if project is not None and "version" not in project and not (isinstance(dynamic, list) and "version" in dynamic):
        said.append(f"{WHERE} has no version and does not name it in dynamic; Cargo.toml's {crate} is taken")
    if (project or {}).get("version") is None and Version(crate).is_postrelease:
        said.append(
            f"Cargo.toml: version {crate} is a pre-release to cargo and the post-release {pep440(crate)} to Python"
        )
    return tuple(said)


def project_requires_python(table: Mapping[str, Any]) -> str | None:
    """Return ``requires-python``, checked, or ``None``.

    Raises:
        ConfigError: It is no specifier.
    """
    written = (_project(table) or {}).get("requires-python")
    if written is None:
        return None
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - slow to import

    try:
        return str(written) if SpecifierSet(written) is not None else None
    except (InvalidSpecifier, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{WHERE} requires-python: {written!r} is not a specifier", hint='write it as in ">=3.10"'
        ) from error


def _unknown(key: str) -> str:
    near = did_you_mean(key.replace("_", "-").lower(), PROJECT_KEYS)
    return f"{WHERE} unknown key {key!r} is ignored" + (f"; {near}" if near else "")


def _project(table: Mapping[str, Any]) -> Mapping[str, Any] | None:
    project = table.get("project")
    if project is not None and not isinstance(project, dict):
        raise ConfigError("pyproject.toml: [project] must be a table")
    return project
