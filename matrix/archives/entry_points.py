"""The entry points of a project, checked and written as ``entry_points.txt``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from matrix.archives.fields import PROJECT
from matrix.errors import ConfigError

__all__ = ["entry_points_text"]

_GROUP = re.compile(r"\w+(?:\.\w+)*")
_REFERENCE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*(?P<call>\s*:\s*[^\W\d]\w*(?:\.[^\W\d]\w*)*)?(?:\s*\[[^\]]*\])?")
_SCRIPTS = {"scripts": "console_scripts", "gui-scripts": "gui_scripts"}


def entry_points_text(project: Mapping[str, Any]) -> str | None:
    """Return the text of ``entry_points.txt``, groups and names sorted, or ``None`` when there are none.

    Args:
        project: The ``[project]`` table; its keys have the right types.

    Raises:
        ConfigError: A group, a name or an object reference is malformed, or a group has a key of its own.
    """
    groups: dict[str, Mapping[str, str]] = {}
    for key, group in _SCRIPTS.items():
        if project.get(key):
            groups[group] = project[key]
            _check(f"{PROJECT} {key}", project[key], callables=True)
    for group, points in project.get("entry-points", {}).items():
        where = f"{PROJECT} entry-points.{group}"
        if group in _SCRIPTS.values():
            key = next(key for key, one in _SCRIPTS.items() if one == group)
            raise ConfigError(f"{where}: this group has a table of its own", hint=f"write [project.{key}]")
        if not _GROUP.fullmatch(group):
            raise ConfigError(f"{where}: {group!r} is no name of a group")
        _check(where, points, callables=False)
        if points:
            groups[group] = points
    parts = [
        f"[{group}]\n" + "".join(f"{name} = {reference.strip()}\n" for name, reference in sorted(points.items()))
        for group, points in sorted(groups.items())
    ]
    return "\n".join(parts) or None


def _check(where: str, points: Mapping[str, str], *, callables: bool) -> None:
    for name, reference in points.items():
        if not name.strip() or re.search(r"[=\r\n]|^[\s\[#;]|\s$", name):
            raise ConfigError(f"{where}: {name!r} is no name of an entry point")
        if callables and re.search(r"[\\/\0]", name):
            raise ConfigError(f"{where}: {name!r} is no name of a program")
        match = _REFERENCE.fullmatch(reference.strip())
        if match is None:
            raise ConfigError(f"{where}.{name}: {reference!r} is no object reference", hint="write module:function")
        if callables and match["call"] is None:
            raise ConfigError(
                f"{where}.{name}: {reference!r} names a module, not something to call", hint="write module:function"
            )
