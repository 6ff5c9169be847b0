"""Whether the entry points of a project lead somewhere: a module of the wheel, and a name that it has."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrix.archives.entries import Entry
from matrix.archives.fields import PROJECT
from matrix.archives.layout import Layout, library_folder
from matrix.errors import ConfigError, did_you_mean

__all__ = ["check_entry_targets"]

_NAME = re.compile(r"\s*([\w.-]+)", re.ASCII)
_UNKNOWABLE = ("exec", "globals", "setattr", "vars")
"""Functions that bind names which nobody sees in the text."""


class _Inside(msgspec.Struct, frozen=True):
    """What can be imported from the wheel.

    Attributes:
        sources: Where the Python code of each module is, by dotted name.
        folders: Every package, those without ``__init__.py`` too.
        hidden: Dotted names whose content only the compiler knows; all below them as well.
        closed: Whether nothing is added to this after compiling (``include`` from an ``OUT_DIR``).
    """

    sources: Mapping[str, Entry]
    folders: frozenset[str]
    hidden: frozenset[str]
    closed: bool

    def has(self, module: str) -> bool:
        return module in self.sources or module in self.folders or self.hides(module)

    def hides(self, module: str) -> bool:
        return any(module == one or module.startswith(f"{one}.") for one in self.hidden)

    def tops(self) -> frozenset[str]:
        return frozenset(one.partition(".")[0] for one in (*self.sources, *self.folders, *self.hidden))


def check_entry_targets(
    project: Mapping[str, Any], layout: Layout, entries: Iterable[Entry], distribution: str
) -> tuple[str, ...]:
    """Refuse an entry point whose module or name is certainly not there.

    What a dependency may bring is not judged, nor names that a module binds in ways its text does not tell.

    Returns:
        What the user should know: modules that only a dependency can have.

    Args:
        project: The ``[project]`` table, whose entry points are well-formed.
        layout: Where the native module goes.
        entries: The Python side of the wheel.
        distribution: ``name-version`` as in file names; names the ``.data`` directory.

    Raises:
        ConfigError: A module is neither in the wheel nor from elsewhere, or does not have the name.
    """
    points = list(_points(project))
    if not points:
        return ()
    inside = _inside(layout, entries, distribution)
    optional = project.get("optional-dependencies", {})
    dependencies = [*project.get("dependencies", ()), *(one for listed in optional.values() for one in listed)]
    named = {match[1].lower().replace("-", "_") for match in map(_NAME.match, dependencies) if match}
    warnings = []
    for where, reference in points:
        module, _, name = (part.strip() for part in reference.partition("[")[0].partition(":"))
        top = module.partition(".")[0]
        if top in inside.tops():
            _check(where, module, name.partition(".")[0], inside)
        elif top in sys.stdlib_module_names or top in named:
            continue
        elif dependencies:
            warnings.append(f"{where}: there is no module {module!r} in the wheel, so a dependency must have it")
        else:
            raise ConfigError(
                f"{where}: there is no module {module!r} in the wheel, and the project has no dependency",
                hint=f"the wheel has: {', '.join(sorted(inside.tops()))}",
            )
    return tuple(warnings)


def _check(where: str, module: str, name: str, inside: _Inside) -> None:
    if not inside.has(module):
        if inside.closed:
            near = did_you_mean(module, sorted({*inside.sources, *inside.folders}))
            hint = near or f"create {module.replace('.', '/')}.py"
            raise ConfigError(f"{where}: there is no module {module!r} in the wheel", hint=hint)
        return
    source = inside.sources.get(module)
    if not name or source is None or inside.has(f"{module}.{name}"):
        return
    bound = _bound_names(source)
    if bound is not None and name not in bound:
        near = did_you_mean(name, sorted(bound))
        raise ConfigError(
            f"{where}: {name!r} is not defined in {source.origin}",
            hint=near or f"define it there, or name what {module} has",
        )


def _points(project: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("scripts", "gui-scripts"):
        for name, reference in project.get(key, {}).items():
            yield f"{PROJECT} {key}.{name}", reference
    for group, points in project.get("entry-points", {}).items():
        for name, reference in points.items():
            yield f"{PROJECT} entry-points.{group}.{name}", reference


def _inside(layout: Layout, entries: Iterable[Entry], distribution: str) -> _Inside:
    native = library_folder(layout) if layout.folder else f"{layout.directory}/{layout.module}"
    hidden = {native.replace("/", ".")} if layout.module else set()
    sources: dict[str, Entry] = {}
    folders: set[str] = set()
    for entry in entries:
        parts = _installed(entry.path, distribution).split("/")
        folders.update(".".join(parts[:depth]) for depth in range(1, len(parts)))
        stem, dot, suffix = parts[-1].partition(".")
        dotted = ".".join([*parts[:-1], stem])
        if dot and suffix == "py":
            sources[dotted.removesuffix(".__init__")] = entry
        elif dot and suffix.endswith(("so", "pyd")):
            hidden.add(dotted)
    closed = not any(rule.origin == "out-dir" for rule in layout.include)
    return _Inside(sources, frozenset(folders), frozenset(hidden), closed)


def _installed(path: str, distribution: str) -> str:
    """Return where a member lies once it is installed, relative to site-packages."""
    for scheme in ("purelib", "platlib"):
        path = path.removeprefix(f"{distribution}.data/{scheme}/")
    return path


def _bound_names(entry: Entry) -> set[str] | None:
    """Return the names that a module's text binds, or ``None`` when the text does not tell all of them."""
    try:
        text = entry.source.read_bytes() if isinstance(entry.source, Path) else entry.source
        tree = ast.parse(text)
    except (OSError, SyntaxError, ValueError, RecursionError):  # Python may be newer than ours
        return None
    bound: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _UNKNOWABLE:
            return None
        if isinstance(node, ast.alias):
            if node.name == "*":
                return None
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
        elif isinstance(node, ast.Global):
            bound.update(node.names)
        elif isinstance(name := getattr(node, "name", None), str):  # def, class, except … as, case … as
            bound.add(name)
        # what a function or a class binds is its own, but for `global`: too many names only make this milder
        waiting.extend(ast.iter_child_nodes(node))
    return None if "__getattr__" in bound else bound
