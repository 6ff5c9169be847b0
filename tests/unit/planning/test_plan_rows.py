"""Exclude and include rows, named variants and overrides, as people know them from CI matrices."""

from __future__ import annotations

from typing import Any

import pytest
from support.planning import EveryDriver, made_up_facts, made_up_project

from matrix.errors import UsageError
from matrix.model import Plan, Settings
from matrix.planning import Request, make_plan

GNU, MUSL, ARM = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu"
TWO = {"interpreters": ["3.12", "pypy3.11"], "targets": [GNU, MUSL]}


def planned(request: Request | None = None, /, **matrix: Any) -> Plan:
    return make_plan(
        made_up_project(matrix=matrix), request or Request(), made_up_facts("3.12", drivers=[EveryDriver()])
    )


def ids(plan: Plan) -> list[str]:
    return [cell.id for cell in plan.cells]


def settings(plan: Plan) -> dict[str, Settings]:
    builds = {build.id: build for build in plan.builds}
    return {cell.id: builds[cell.build].settings for cell in plan.cells}


@pytest.mark.parametrize(
    "row",
    [
        {"interpreter": "pypy*", "target": "*-musl"},
        {"interpreter": "pp311", "target": MUSL},
        {"interpreter": "pypy3.1?", "target": "*musl*", "compatibility": "auto"},
        {"id": f"pp311-{MUSL}"},
    ],
)
def test_exclude_leaves_out_what_all_its_patterns_match(row: dict[str, str]) -> None:
    plan = planned(**TWO, exclude=[row])
    assert ids(plan) == [f"cp312-{GNU}", f"pp311-{GNU}", f"cp312-{MUSL}"]
    (left,) = plan.left_out
    assert (left.id, left.reason) == (f"pp311-{MUSL}", "exclude[0] in pyproject.toml")
    assert (left.interpreter, left.target) == ("pp311", MUSL)


def test_native_is_a_pattern_for_the_host() -> None:
    plan = planned(**TWO, exclude=[{"target": "native"}])
    assert ids(plan) == [f"cp312-{MUSL}", f"pp311-{MUSL}"]


def test_levels_match_under_every_name() -> None:
    matrix = {"interpreters": ["3.12"], "compatibility": ["2_17", "2_28"]}
    for pattern in ("manylinux_2_17", "2014", "manylinux2014", "2_17", "*_2_17"):
        assert ids(planned(**matrix, exclude=[{"compatibility": pattern}])) == [f"cp312-{GNU}-manylinux_2_28"]


def test_rows_that_match_nothing_are_told_unless_flags_narrow() -> None:
    matrix = {
        **TWO,
        "exclude": [{"interpreter": "cp39"}],
        "overrides": [{"select": {"target": "*-darwin"}, "profile": "release"}],
    }
    assert planned(**matrix).warnings == (
        "pyproject.toml: [tool.wheelmatrix] exclude[0] matches no cell",
        "pyproject.toml: [tool.wheelmatrix] overrides[0] matches no cell",
    )
    assert planned(Request(interpreters=("3.12",)), **matrix).warnings == ()


def test_an_include_row_extends_the_cells_it_agrees_with() -> None:
    plan = planned(**TWO, include=[{"interpreter": "3.12", "features": ["simd"], "profile": "release"}])
    assert len(plan.cells) == 4
    assert {one: (how.features, how.profile) for one, how in settings(plan).items()} == {
        f"cp312-{GNU}": (("simd",), "release"),
        f"cp312-{MUSL}": (("simd",), "release"),
        f"pp311-{GNU}": ((), "dev"),
        f"pp311-{MUSL}": ((), "dev"),
    }


def test_an_include_row_adds_the_cell_it_names() -> None:
    plan = planned(**TWO, include=[{"interpreter": "3.14t", "target": ARM, "env": {"A": "1"}}])
    assert ids(plan)[-1] == f"cp314t-{ARM}"
    assert settings(plan)[f"cp314t-{ARM}"].env == {"A": "1"}
    on_all = planned(**TWO, include=[{"interpreter": "3.14t"}])
    assert ids(on_all)[-2:] == [f"cp314t-{GNU}", f"cp314t-{MUSL}"]
    every = planned(**TWO, include=[{"target": ARM}])
    assert ids(every)[-2:] == [f"cp312-{ARM}", f"pp311-{ARM}"]


def test_an_include_row_can_bring_back_what_was_excluded() -> None:
    plan = planned(
        **TWO,
        exclude=[{"interpreter": "pypy*"}],
        include=[{"interpreter": "pypy3.11", "target": GNU}],
    )
    assert ids(plan) == [f"cp312-{GNU}", f"cp312-{MUSL}", f"pp311-{GNU}"]
    assert [one.id for one in plan.left_out] == [f"pp311-{MUSL}"]


def test_an_include_row_that_adds_a_level_puts_levels_into_ids() -> None:
    plan = planned(
        interpreters=["3.12"],
        compatibility=["2_17"],
        include=[{"interpreter": "3.12", "target": "native", "compatibility": "2_28"}],
    )
    assert ids(plan) == [f"cp312-{GNU}-manylinux_2_17", f"cp312-{GNU}-manylinux_2_28"]


def test_flags_bound_what_include_adds() -> None:
    matrix = {**TWO, "include": [{"interpreter": "3.14t", "target": ARM}, {"interpreter": "3.13"}]}
    assert ids(planned(Request(targets=(GNU,)), **matrix)) == [f"cp312-{GNU}", f"pp311-{GNU}", f"cp313-{GNU}"]
    assert ids(planned(Request(interpreters=("3.13",)), **matrix)) == [f"cp313-{GNU}", f"cp313-{MUSL}"]
    levels = {**matrix, "include": [{"interpreter": "3.12", "target": GNU, "compatibility": "2_28"}]}
    assert f"cp312-{GNU}-manylinux_2_28" not in ids(planned(Request(compatibility=("2_17",)), **levels))


def test_a_variant_has_a_name_and_a_build_of_its_own() -> None:
    plan = planned(
        interpreters=["3.12"],
        compatibility=["2_17"],
        include=[
            {"interpreter": "3.12", "compatibility": "2_28", "name": "simd", "features": ["simd"]},
        ],
    )
    assert ids(plan) == [f"cp312-{GNU}-manylinux_2_17", f"cp312-{GNU}-manylinux_2_28-simd"]
    assert [build.id for build in plan.builds] == [f"cp312-{GNU}", f"cp312-{GNU}-simd"]
    assert plan.builds[1].settings.features == ("simd",)


def test_two_cells_that_make_one_file_are_an_error() -> None:
    row = {"interpreter": "3.12", "name": "simd", "features": ["simd"]}
    with pytest.raises(UsageError) as caught:
        planned(interpreters=["3.12"], include=[row])
    assert caught.value.message == (
        f"cp312-{GNU} and cp312-{GNU}-simd would make the same file demo_lib-1.4.0-cp312-cp312-*_x86_64.whl"
    )
    assert "exclude one" in (caught.value.hint or "")
    with pytest.raises(UsageError, match=r"include\[1\]: .*-simd stands in the matrix already"):
        planned(interpreters=["3.12"], include=[row, row])


def test_names_of_variants_are_fit_for_files() -> None:
    with pytest.raises(UsageError, match=r"include\[0\].name: '../up' cannot be part of a file name"):
        planned(interpreters=["3.12"], include=[{"interpreter": "3.12", "name": "../up"}])


def test_a_row_can_ask_for_what_pypi_takes() -> None:
    plan = planned(**TWO, include=[{"interpreter": "3.12", "compatibility": "pypi"}])
    assert [cell.pypi for cell in plan.cells] == [True, False, True, False]


def test_later_overrides_win_and_environments_merge() -> None:
    plan = planned(
        **TWO,
        overrides=[
            {"select": {"target": "*"}, "env": {"A": "1", "B": "1"}, "profile": "release", "timeout": "5m"},
            {"select": {"target": "*-musl"}, "env": {"B": "2"}, "cargo-args": ["-Zx"], "rustc-args": ["-Cy"]},
            {"select": {"interpreter": "cp3*", "target": "*-musl"}, "profile": "dist", "strip": True},
        ],
    )
    how = settings(plan)
    assert how[f"cp312-{GNU}"].env == {"A": "1", "B": "1"}
    assert how[f"cp312-{MUSL}"].env == {"A": "1", "B": "2"}
    assert [how[one].profile for one in ids(plan)] == ["release", "release", "dist", "release"]
    assert how[f"pp311-{MUSL}"].cargo_args == ("-Zx",)
    assert how[f"pp311-{MUSL}"].rustc_args == ("-Cy",)
    assert how[f"cp312-{GNU}"].timeout == 300.0
    assert how[f"cp312-{MUSL}"].strip


def test_an_override_of_one_level_splits_the_build() -> None:
    plan = planned(
        interpreters=["3.12"],
        compatibility=["2_17", "2_28"],
        overrides=[{"select": {"compatibility": "2_28"}, "env": {"X": "1"}}],
    )
    plain, other = plan.builds
    assert plain.id == f"cp312-{GNU}"
    assert plain.cells == (f"cp312-{GNU}-manylinux_2_17",)
    assert other.id.startswith(f"cp312-{GNU}-")
    assert len(other.id) == len(plain.id) + 9


def test_the_variant_of_a_macos_target_follows_its_deployment_target() -> None:
    mac = "x86_64-apple-darwin"
    project = made_up_project(
        matrix={"interpreters": ["3.12"], "targets": [mac]},
        maturin={"target": {mac: {"macos-deployment-target": "12.0"}}},
    )
    facts = made_up_facts(drivers=[EveryDriver()])
    (cell,) = make_plan(project, Request(), facts).cells
    assert cell.file.endswith("macosx_12_0_x86_64.whl")
    env = made_up_facts(drivers=[EveryDriver()], environ={"MACOSX_DEPLOYMENT_TARGET": "13.0"})
    (cell,) = make_plan(project, Request(), env).cells
    assert cell.file.endswith("macosx_13_0_x86_64.whl")
