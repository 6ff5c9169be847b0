"""What holds for every matrix, whatever it asks for."""

from __future__ import annotations

import time
from itertools import product
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.planning import EveryDriver, installed, made_up_facts, made_up_project

from drivers.cargo import CargoDriver
from matrix.errors import UsageError
from matrix.model import Plan
from matrix.planning import Facts, Request, make_plan
from matrix.platforms import slices

PYTHONS = ["3.8", "3.9", "3.11", "3.12", "3.13", "3.15", "3.13t", "3.14t", "3.15t", "pypy3.11", "graalpy3.12"]
IDS = {
    "3.8": "cp38",
    "3.9": "cp39",
    "3.11": "cp311",
    "3.12": "cp312",
    "3.13": "cp313",
    "3.15": "cp315",
    "3.13t": "cp313t",
    "3.14t": "cp314t",
    "3.15t": "cp315t",
    "pypy3.11": "pp311",
    "graalpy3.12": "graalpy312",
}
TARGETS = [
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "riscv64gc-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "universal2-apple-darwin",
]
LEVELS = ["manylinux_2_17", "2_28", "2_34", "musllinux_1_2", "auto", "linux", "pypi"]
PATTERNS = ["*", "cp3*", "*t", "pypy*", "cp311"]
EXCLUDES = st.fixed_dictionaries(
    {"interpreter": st.sampled_from(PATTERNS[1:])},
    optional={"target": st.sampled_from(["*-gnu", "*-musl", "*linux*", "aarch64-*"])},
)
OVERRIDES = st.fixed_dictionaries(
    {
        "select": st.fixed_dictionaries({"target": st.sampled_from(["*-gnu", "*-musl", "*", "*windows*"])}),
        "profile": st.sampled_from(["release", "dist"]),
    }
)
INCLUDES = st.fixed_dictionaries(
    {"interpreter": st.sampled_from(["3.11", "3.13", "3.14t", "pypy3.11"]), "profile": st.just("release")},
    optional={"target": st.sampled_from(TARGETS), "name": st.sampled_from(["simd", "other"])},
)
MATRICES = st.fixed_dictionaries(
    {
        "interpreters": st.lists(st.sampled_from(PYTHONS), min_size=1, unique=True),
        "targets": st.lists(st.sampled_from(TARGETS), min_size=1, max_size=4, unique=True),
        "compatibility": st.lists(st.sampled_from(LEVELS), max_size=3, unique=True),
        "exclude": st.lists(EXCLUDES, max_size=2),
        "include": st.lists(INCLUDES, max_size=2),
        "overrides": st.lists(OVERRIDES, max_size=2),
    }
)
FEATURES = st.sampled_from([(), ("abi3-py39",), ("abi3-py312",), ("abi3-py39", "abi3t-py315"), ("abi3",)])
DRIVERS = st.sampled_from([[EveryDriver()], [CargoDriver()]])
FOUND = installed("3.9", "3.11", "3.12", "3.13", "pypy3.11", "3.14t")


def plan_or_none(matrix: dict[str, Any], features: tuple[str, ...], facts: Facts, **request: Any) -> Plan | None:
    project = made_up_project(matrix=matrix, pyo3_features=features, requires_python=">=3.9")
    try:
        return make_plan(project, Request(**request), facts)
    except UsageError as error:
        if any(words in error.message for words in ("nothing to build", "the same file", "stands in the matrix")):
            return None
        raise


@settings(max_examples=150, deadline=None)
@given(MATRICES, FEATURES, DRIVERS)
def test_every_plan_is_whole(matrix: dict[str, Any], features: tuple[str, ...], drivers: list[Any]) -> None:
    plan = plan_or_none(matrix, features, made_up_facts("3.12", "3.9", drivers=drivers))
    if plan is None:
        return
    builds = {build.id: build for build in plan.builds}
    cells = {cell.id: cell for cell in plan.cells}
    left = {one.id: one for one in plan.left_out}
    assert len(builds) == len(plan.builds)
    assert len(cells) == len(plan.cells)
    assert len(left) == len(plan.left_out)
    assert not cells.keys() & left.keys()
    assert all(one.reason for one in left.values())
    # every combination is a cell or left out
    wanted = {f"{IDS[python]}-{target}" for python, target in product(matrix["interpreters"], matrix["targets"])}
    stems = {f"{cell.interpreter.id}-{cell.target.triple}" for cell in cells.values() if cell.interpreter}
    told = stems | {f"{one.interpreter}-{one.target}" for one in left.values()}
    assert told >= wanted
    assert told == wanted or matrix["include"]
    # every cell has its build, which knows it
    made_by = {cell.id: (cell.build, *cell.joined) for cell in cells.values()}
    assert {name for names in made_by.values() for name in names} == builds.keys()
    assert all(cell in builds[name].cells for cell, names in made_by.items() for name in names)
    assert sum(len(build.cells) for build in builds.values()) == sum(map(len, made_by.values()))
    for cell in cells.values():
        made_for = [builds[name].target for name in made_by[cell.id]]
        assert made_for == list(slices(cell.target))
    # no file is made twice outside a stable-ABI family
    by_file: dict[tuple[str, str], set[str]] = {}
    for cell in cells.values():
        by_file.setdefault((cell.file, cell.target.libc), set()).add(cell.build)
        if builds[cell.build].stable_abi is None:
            assert sum(other.file == cell.file and other.target == cell.target for other in cells.values()) == 1
    assert all(len(names) == 1 for names in by_file.values())
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@settings(max_examples=50, deadline=None)
@given(MATRICES, FEATURES, st.permutations(FOUND))
def test_the_order_of_what_was_found_changes_nothing(
    matrix: dict[str, Any], features: tuple[str, ...], found: list[Any]
) -> None:
    matrix = {**matrix, "interpreters": [*matrix["interpreters"], "found"]}
    facts = made_up_facts("3.12", drivers=[EveryDriver()])
    plans = [plan_or_none(matrix, features, replace(facts, installations=order)) for order in (FOUND, found)]
    assert plans[0] == plans[1]


@settings(max_examples=50, deadline=None)
@given(MATRICES, FEATURES, EXCLUDES)
def test_more_exclusions_never_add_a_cell(
    matrix: dict[str, Any], features: tuple[str, ...], row: dict[str, str]
) -> None:
    facts = made_up_facts("3.12", drivers=[EveryDriver()])
    matrix = {**matrix, "include": []}  # a row whose cells are excluded adds them anew
    whole = plan_or_none(matrix, features, facts)
    less = plan_or_none({**matrix, "exclude": [*matrix["exclude"], row]}, features, facts)
    if whole is not None and less is not None:
        assert {cell.id for cell in less.cells} <= {cell.id for cell in whole.cells}


@settings(max_examples=50, deadline=None)
@given(MATRICES, FEATURES, st.data())
def test_only_picks_without_changing_what_it_picks(
    matrix: dict[str, Any], features: tuple[str, ...], data: st.DataObject
) -> None:
    facts = made_up_facts("3.12", drivers=[EveryDriver()])
    whole = plan_or_none(matrix, features, facts)
    if whole is None:
        return
    cell = data.draw(st.sampled_from(whole.cells))
    one = plan_or_none(matrix, features, facts, only=(cell.id,))
    assert one is not None
    assert one.cells == (cell,)
    same = [other for other in whole.builds if other.id in {cell.build, *cell.joined}]
    assert list(one.builds) == [msgspec.structs.replace(build, cells=(cell.id,)) for build in same]


def test_a_thousand_cells_are_planned_quickly() -> None:
    names = [f"3.{minor}" for minor in range(9, 16)] + ["3.14t", "3.15t", "pypy3.11"]
    matrix = {
        "interpreters": names,
        "targets": [
            f"{arch}-unknown-linux-{libc}"
            for arch in ("x86_64", "i686", "aarch64", "powerpc64le", "s390x", "riscv64gc", "loongarch64")
            for libc in ("gnu", "musl")
        ],
        "compatibility": [f"2_{minor}" for minor in range(31, 45)] + ["musllinux_1_1", "musllinux_1_2"],
        "overrides": [{"select": {"target": f"{arch}*"}, "env": {"A": arch}} for arch in ("x86", "i686", "aarch64")],
        "exclude": [{"interpreter": "pypy*", "target": "*-musl"}],
        "include": [{"interpreter": f"3.{minor}", "env": {"B": "1"}} for minor in range(9, 16)],
    }
    project = made_up_project(matrix=matrix)
    facts = made_up_facts("3.12", drivers=[EveryDriver()])
    make_plan(project, Request(), facts)  # imports
    spent = []
    for _ in range(3):
        began = time.process_time()
        plan = make_plan(project, Request(), facts)
        spent.append(time.process_time() - began)
    assert len(plan.cells) >= 1000
    print(f"{len(plan.cells)} cells in {min(spent):.3f} s")
    assert min(spent) < 1.0  # a tenth of a second on an idle machine
