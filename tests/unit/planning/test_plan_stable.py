"""One binary serves a stable-ABI family; whom it does not serve gets a build of its own."""

from __future__ import annotations

from typing import Any

import pytest
from support.planning import installed, made_up_facts, made_up_project

from matrix.errors import UsageError
from matrix.model import Build, Plan, StableAbi
from matrix.planning import Request, make_plan
from matrix.planning.stable import serving

GNU = "x86_64-unknown-linux-gnu"


def planned(*features: str, words: str, found: str = "", pyo3: str = "0.30.1", **more: Any) -> Plan:
    project = made_up_project(pyo3=pyo3, pyo3_features=features, **more)
    return make_plan(project, Request(interpreters=tuple(words.split())), made_up_facts(*found.split()))


def tags(plan: Plan) -> dict[str, tuple[str, str]]:
    return {cell.id.removesuffix(f"-{GNU}"): (cell.python_tag, cell.abi_tag) for cell in plan.cells}


def builds(plan: Plan) -> dict[str, Build]:
    return {build.id.removesuffix(f"-{GNU}"): build for build in plan.builds}


def test_abi3_is_one_build_and_one_wheel_for_many_cells() -> None:
    plan = planned("abi3-py310", words="3.12 3.10 3.14", found="3.12 3.11")
    assert tags(plan) == dict.fromkeys(("cp312", "cp310", "cp314"), ("cp310", "abi3"))
    (build,) = plan.builds
    assert build.id == f"abi3-cp310-{GNU}"
    assert build.stable_abi == StableAbi(kind="abi3", version=(3, 10))
    assert {cell.file for cell in plan.cells} == {"demo_lib-1.4.0-cp310-abi3-*_x86_64.whl"}
    assert build.interpreter is not None
    assert build.interpreter.id == "cp312"  # the oldest that is here
    assert "version=3.10\n" in (build.pyo3_config or "")
    assert "target_abi=CPython-abi3-3.10\n" in (build.pyo3_config or "")


def test_whom_abi3_does_not_serve() -> None:
    plan = planned("abi3-py310", words="3.12 3.14t pypy3.11 graalpy3.12")
    assert tags(plan) == {
        "cp312": ("cp310", "abi3"),
        "cp314t": ("cp314", "cp314t"),
        "pp311": ("pp311", "pypy311_pp73"),
        "graalpy312": ("graalpy312", "graalpy250_312_native"),
    }
    assert list(builds(plan)) == ["abi3-cp310", "cp314t", "pp311", "graalpy312"]


def test_abi3t_serves_both_kinds_from_3_15_on() -> None:
    plan = planned("abi3-py310", "abi3t-py315", words="3.12 3.15 3.15t 3.14t")
    assert tags(plan) == {
        "cp312": ("cp310", "abi3"),
        "cp315": ("cp315", "abi3.abi3t"),
        "cp315t": ("cp315", "abi3.abi3t"),
        "cp314t": ("cp314", "cp314t"),
    }
    assert list(builds(plan)) == ["abi3-cp310", "abi3t-cp315", "cp314t"]
    assert "target_abi=CPython-abi3t-3.15\n" in (builds(plan)["abi3t-cp315"].pyo3_config or "")


def test_abi3t_alone_leaves_older_pythons_their_own() -> None:
    plan = planned("abi3t-py315", words="3.12 3.15")
    assert tags(plan) == {"cp312": ("cp312", "cp312"), "cp315": ("cp315", "abi3.abi3t")}


def test_a_bare_abi3_has_the_oldest_python_for_a_floor() -> None:
    plan = planned("abi3", words="3.13 3.11 3.12")
    assert set(tags(plan).values()) == {("cp311", "abi3")}
    assert [build.id for build in plan.builds] == [f"abi3-cp311-{GNU}"]


def test_below_the_floor_pyo3_of_today_needs_a_condition() -> None:
    with pytest.raises(UsageError, match=r"-i.*with its feature abi3-py311 builds for nothing older") as caught:
        planned("abi3-py311", words="3.10")
    assert 'features = [{ feature = "pyo3/abi3-py311", python-version = ">=3.11" }]' in (caught.value.hint or "")
    older = planned("abi3-py311", words="3.10 3.12", pyo3="0.20.3")
    assert tags(older) == {"cp310": ("cp310", "cp310"), "cp312": ("cp311", "abi3")}
    conditional = {"features": [{"feature": "pyo3/abi3-py311", "python-version": ">=3.11"}]}
    plan = planned(words="3.10 3.12", maturin=conditional)
    assert tags(plan) == {"cp310": ("cp310", "cp310"), "cp312": ("cp311", "abi3")}
    assert builds(plan)["abi3-cp311"].settings.features == ("pyo3/abi3-py311",)
    assert builds(plan)["cp310"].settings.features == ()


def test_a_family_gets_the_features_of_its_floor() -> None:
    conditional = [
        {"feature": "pyo3/abi3-py310", "python-version": ">=3.10"},
        {"feature": "simd", "python-version": ">=3.12"},
        {"feature": "slow", "python-implementation": "PyPy"},
    ]
    plan = planned(words="3.10 3.13 pypy3.11", maturin={"features": conditional})
    assert builds(plan)["abi3-cp310"].settings.features == ("pyo3/abi3-py310",)
    assert builds(plan)["pp311"].settings.features == ("pyo3/abi3-py310", "slow")


def test_version_specific_builds_get_the_features_of_their_python() -> None:
    conditional = [{"feature": "simd", "python-version": ">=3.12"}, "fast-math"]
    plan = planned(words="3.11 3.12", maturin={"features": conditional})
    assert builds(plan)["cp311"].settings.features == ("fast-math",)
    assert builds(plan)["cp312"].settings.features == ("fast-math", "simd")


def test_an_override_can_turn_the_stable_abi_on() -> None:
    project = made_up_project(
        matrix={
            "interpreters": ["3.11", "3.12", "3.13"],
            "overrides": [{"select": {"interpreter": "cp31[23]"}, "features": ["fast"]}],
        }
    )
    plan = make_plan(project, Request(), made_up_facts())
    assert tags(plan) == {"cp311": ("cp311", "cp311"), "cp312": ("cp310", "abi3"), "cp313": ("cp310", "abi3")}


def test_a_family_must_be_built_alike() -> None:
    project = made_up_project(
        pyo3_features=["abi3-py310"],
        matrix={
            "interpreters": ["3.11", "3.12"],
            "overrides": [{"select": {"interpreter": "cp312"}, "env": {"X": "1"}}],
        },
    )
    with pytest.raises(UsageError, match=f"cp311-{GNU} and cp312-{GNU} would make the same file") as caught:
        make_plan(project, Request(), made_up_facts())
    assert "one stable-ABI wheel serves both" in (caught.value.hint or "")


def test_levels_of_a_family_share_the_binary_but_not_the_wheel() -> None:
    project = made_up_project(
        pyo3_features=["abi3-py310"],
        matrix={"interpreters": ["3.11", "3.12"], "compatibility": ["2_17", "2_28"]},
    )
    plan = make_plan(project, Request(), made_up_facts())
    assert len(plan.cells) == 4
    assert len(plan.builds) == 1
    assert len({cell.file for cell in plan.cells}) == 2


def test_a_newer_python_than_the_bindings_is_served_by_abi3() -> None:
    plan = planned("abi3-py38", words="3.14", pyo3="0.20.3")
    assert tags(plan) == {"cp314": ("cp38", "abi3")}
    with pytest.raises(UsageError, match=r"pyo3 0.20.3 supports CPython 3.7 to 3.12"):
        planned(words="3.14", pyo3="0.20.3")


def test_a_floor_that_the_bindings_dropped_is_lifted() -> None:
    assert tags(planned("abi3-py38", words="3.12")) == {"cp312": ("cp39", "abi3")}
    with pytest.raises(UsageError, match=r"pyo3 0.30.1 supports CPython 3.9 to 3.15"):
        planned("abi3-py38", words="3.8")


def test_without_any_python_the_floor_stands_in() -> None:
    project = made_up_project(pyo3_features=["abi3-py310"])
    (cell,) = make_plan(project, Request(), made_up_facts()).cells
    assert cell.id == f"cp310-{GNU}"
    assert cell.interpreter is not None
    assert not cell.interpreter.runnable
    bare = make_plan(made_up_project(pyo3_features=["abi3"]), Request(), made_up_facts())
    assert bare.cells[0].python_tag == "cp39"


def test_who_is_served() -> None:
    abi3, abi3t = StableAbi(kind="abi3", version=(3, 10)), StableAbi(kind="abi3t", version=(3, 15))
    cp39, cp310, cp315, cp315t, pypy = installed("3.9", "3.10", "3.15", "3.15t", "pypy3.11")
    assert serving((abi3, abi3t), cp39) is None
    assert serving((abi3, abi3t), cp310) == abi3
    assert serving((abi3, abi3t), cp315) == abi3t
    assert serving((abi3,), cp315) == abi3
    assert serving((abi3,), cp315t) is None
    assert serving((abi3t,), cp315t) == abi3t
    assert serving((abi3, abi3t), pypy) is None
    assert serving((), cp315) is None
