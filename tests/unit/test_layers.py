"""The house: imports go down only, rooms of one level do not know each other, and no module outgrows its reader."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

TOP = Path(__file__).resolve().parents[2]
LONGEST = 300  # lines of a module
LONGER = {"matrix.model": 400}  # the nouns stand together, and each field is described where it is declared

# From the ground up. A room may import what stands below it, and itself.
RANKS = {
    "matrix": 0,  # matrix/__init__.py: the version
    "matrix.errors": 0,
    "matrix.affinity": 0,
    "matrix.ahead": 0,
    "matrix.ears": 0,
    "matrix.files": 1,
    "matrix.borrowed_rust": 1,
    "matrix.masking": 1,
    "matrix.axes": 1,
    "matrix.results": 1,
    "matrix.schemas": 1,
    "matrix.toml_text": 1,
    "matrix.driver_options": 1,
    "matrix.model": 2,
    "matrix.estimates": 3,
    "matrix.process": 3,
    "matrix.worker": 3,
    "matrix.driver": 3,
    "matrix.tools": 4,
    "matrix.checkup": 4,
    "matrix.events": 4,
    "matrix.project": 4,
    "matrix.platforms": 4,
    "drivers": 4,
    "matrix.planning": 5,
    "matrix.auditing": 5,
    "matrix.archives": 5,
    "matrix.repairing": 5.5,
    "matrix.introspection": 5,
    "matrix.reporting": 5,
    "matrix.running": 6,
    "matrix.sources": 6,
    "matrix.cargo_flags": 6,
    "matrix.flag_values": 5,
    "matrix.maturin_flags": 5,
    "matrix.upload_flags": 6,
    "matrix.run_flags": 6,
    "matrix.audit_flags": 6,
    "matrix.wheel_flags": 6,
    "matrix.flags": 7,
    "matrix.engines": 6,
    "matrix.machine": 7,
    "matrix.telling": 7,
    "matrix.arguments": 8,
    "matrix.wishes": 7,
    "matrix.bills": 8,
    "matrix.gathering": 8,
    "matrix.repairs": 8,
    "matrix.repair_command": 8,
    "matrix.repair_flags": 6,
    "matrix.sourcing": 8,
    "matrix.scaffolds": 8,
    "matrix.listing": 8,
    "matrix.requirements": 7,
    "matrix.pgo": 8,
    "matrix.foresight": 8,
    "matrix.judging": 9,
    "matrix.publishing": 8,
    "matrix.out_places": 8.5,
    "matrix.building": 9,
    "matrix.cleaning": 8,
    "matrix.config_settings": 9,
    "matrix.developing": 9,
    "matrix.doctor": 9,
    "matrix.app": 10,
    "matrix.cli": 11,
    "matrix.__main__": 12,
    "matrix.backend": 11,
}
DRIVERS_MAY = {"matrix.driver", "matrix.model", "matrix.errors", "drivers"}
STARTERS = {"matrix.process", "matrix.ahead", "matrix.worker"}
PROCESS_STARTERS = {"Popen", "create_subprocess_exec", "create_subprocess_shell", "open_process", "run_process"}
OS_STARTERS = ("exec", "fork", "popen", "posix_spawn", "spawn", "system")


class Import(NamedTuple):
    module: str
    imported: str
    line: int


def _sources() -> dict[str, Path]:
    found = {}
    for package in ("matrix", "drivers"):
        for path in sorted((TOP / package).rglob("*.py")):
            parts = path.relative_to(TOP).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


SOURCES = _sources()


def _room(module: str) -> str:
    """The room of a module: ``matrix.planning.axes`` stands in ``matrix.planning``."""
    parts = module.split(".")
    return ".".join(parts[: 2 if parts[0] == "matrix" else 1])


def _absolute(module: str, node: ast.ImportFrom, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    base = module.split(".")
    base = base[: len(base) - node.level + (1 if is_package else 0)]
    return ".".join([*base, node.module] if node.module else base)


def _imports(module: str, tree: ast.Module, *, is_package: bool = False) -> Iterator[Import]:
    """Every import anywhere in a module: at its top, in functions, for types, by name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node, is_package=is_package)
            for alias in node.names:
                deeper = f"{source}.{alias.name}"
                yield Import(module, deeper if deeper in SOURCES else source, node.lineno)
        elif isinstance(node, ast.Call) and node.args:
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            first = node.args[0]
            if name in {"import_module", "__import__"} and isinstance(first, ast.Constant):
                yield Import(module, str(first.value), node.lineno)


def _all_imports() -> list[Import]:
    found: list[Import] = []
    for module, path in SOURCES.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        found += _imports(module, tree, is_package=path.name == "__init__.py")
    return found


def _ours(name: str) -> bool:
    return name.partition(".")[0] in {"matrix", "drivers"}


def _forbidden(item: Import) -> str | None:
    """Say what is wrong with an import, or ``None``."""
    here, there = _room(item.module), _room(item.imported)
    if not _ours(item.imported):
        alone = there in {"subprocess", "pty"} and item.module not in STARTERS
        return "only process.py, ahead.py and worker.py start processes" if alone else None
    rules = (
        (here == there, None),
        (there == "drivers" and item.module != "matrix.app", "only app.py imports drivers"),
        (here == "drivers" and there not in DRIVERS_MAY, "drivers know the contract, the nouns and the errors alone"),
        (RANKS[there] == RANKS[here], "rooms of one level do not import each other"),
        (RANKS[there] > RANKS[here], "imports go down only"),
    )
    return next((why for applies, why in rules if applies), None)


def _starts_process(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    owner, called = node.func.value, node.func.attr
    from_os = isinstance(owner, ast.Name) and owner.id == "os" and called.startswith(OS_STARTERS)
    return from_os or called in PROCESS_STARTERS


def test_every_module_has_its_place() -> None:
    assert "matrix.process" in SOURCES
    homeless = sorted({_room(module) for module in SOURCES} - RANKS.keys())
    assert not homeless, f"give these a rank in RANKS: {homeless}"


def test_imports_go_down_only() -> None:
    wrong = [
        f"{item.module}:{item.line} imports {item.imported}: {why}"
        for item in _all_imports()
        if (why := _forbidden(item))
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_in_a_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in SOURCES}
    for item in _all_imports():
        if item.imported in SOURCES and item.imported != item.module:
            graph[item.module].add(item.imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_only_two_modules_start_processes() -> None:
    wrong = [
        f"{module}:{getattr(node, 'lineno', 0)}"
        for module, path in SOURCES.items()
        if module not in STARTERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if _starts_process(node)
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_stay_readable() -> None:
    long = {
        module: count
        for module, path in SOURCES.items()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LONGER.get(module, LONGEST)
    }
    assert not long, f"longer than {LONGEST} lines: {long}"


def test_rooms_say_what_happens_inside() -> None:
    mute = [
        module
        for module, path in SOURCES.items()
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not mute, f"no docstring: {mute}"


@pytest.mark.parametrize(
    ("module", "code", "why"),
    [
        ("matrix.model", "from matrix.events import Bus", "down only"),
        ("matrix.planning.axes", "if TYPE_CHECKING:\n    from matrix.running import run", "down only"),
        ("matrix.planning.axes", "def f():\n    import matrix.auditing.elf", "each other"),
        ("matrix.project.read", "from ..platforms import parse_target", "each other"),
        ("matrix.running.build", "import drivers.cargo", "only app.py"),
        ("matrix.cli", "importlib.import_module('drivers')", "only app.py"),
        ("drivers.zig", "from matrix.process import run", "contract"),
        ("drivers.zig", "import subprocess", "only process.py"),
        ("matrix.running.build", "from subprocess import run", "only process.py"),
        ("matrix.cli", "from matrix.app import build", None),
        ("matrix.app", "import drivers", None),
        ("drivers.zig", "from matrix.model import Build", None),
        ("matrix.planning.axes", "from . import names", None),
    ],
)
def test_the_walker_sees_what_is_wrong(module: str, code: str, why: str | None) -> None:
    seen = [_forbidden(item) for item in _imports(module, ast.parse(code))]
    assert len(seen) == 1
    if why is None:
        assert seen == [None]
    else:
        assert why in (seen[0] or "")
