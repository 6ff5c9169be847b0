"""What a project needs to run: its dependencies, those of its extras, and of its dependency groups."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from matrix.errors import ConfigError, UsageError, did_you_mean

__all__ = ["requirements"]


def requirements(
    table: Mapping[str, Any], extras: Sequence[str], groups: Sequence[str], origin: str = "-G"
) -> tuple[str, ...]:
    """Return what the project needs to run: its dependencies, those of extras, and of dependency groups (PEP 735).

    Args:
        table: All of pyproject.toml.
        extras: Names of extras.
        groups: Names of groups.
        origin: What names the groups, for messages.

    Raises:
        UsageError: One is not there.
        ConfigError: The groups are malformed.
    """
    from packaging.dependency_groups import resolve_dependency_groups  # noqa: PLC0415 - this command alone
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    project = table.get("project", {})
    found = list(project.get("dependencies", []))
    optional = {canonicalize_name(name): words for name, words in project.get("optional-dependencies", {}).items()}
    for extra in extras:
        if canonicalize_name(extra) not in optional:
            raise UsageError(f"there is no extra {extra!r} (-E)", hint=_near(extra, optional))
        found += optional[canonicalize_name(extra)]
    known = table.get("dependency-groups", {})
    for group in groups:
        if canonicalize_name(group) not in map(canonicalize_name, known):
            raise UsageError(f"there is no dependency group {group!r} ({origin})", hint=_near(group, known))
        try:
            found += resolve_dependency_groups(known, group)
        except Exception as error:  # noqa: BLE001 - several kinds, and groups of them
            raise ConfigError(f"pyproject.toml: [dependency-groups] {group}: {error}") from None
    return tuple(dict.fromkeys(found))


def _near(word: str, known: Collection[str]) -> str:
    return did_you_mean(word, known) or f"there are: {', '.join(known) or 'none'}"
