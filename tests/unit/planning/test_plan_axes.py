"""From the axes to cells: words, targets and levels, and what flags make of them."""

from __future__ import annotations

import pytest
from support.planning import EveryDriver, installed, made_up_facts, made_up_project

from matrix.errors import ConfigError, UsageError
from matrix.model import Plan
from matrix.planning import Request, make_plan

GNU, MUSL, ARM = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "aarch64-unknown-linux-gnu"
MAC, WINDOWS = "aarch64-apple-darwin", "x86_64-pc-windows-msvc"
EVERY = [EveryDriver()]


def ids(plan: Plan) -> list[str]:
    return [cell.id for cell in plan.cells]


def left(plan: Plan) -> dict[str, str]:
    return {one.id: one.reason for one in plan.left_out}


def test_nothing_configured_is_the_current_python_on_the_host() -> None:
    plan = make_plan(made_up_project(), Request(), made_up_facts("3.12", "3.11"))
    assert ids(plan) == [f"cp312-{GNU}"]
    (cell,) = plan.cells
    assert cell.file == "demo_lib-1.4.0-cp312-cp312-*_x86_64.whl"
    assert str(cell.compatibility) == "auto"
    (build,) = plan.builds
    assert build.id == cell.build == f"cp312-{GNU}"
    assert not build.explicit_target
    assert build.manifest == "rust/Cargo.toml"
    assert build.interpreter is not None
    assert build.interpreter.runnable
    assert build.pyo3_config is not None
    assert "version=3.12\n" in build.pyo3_config
    assert build.settings.profile == "dev"


def test_no_python_at_all_says_what_to_do() -> None:
    with pytest.raises(UsageError, match="no python3") as caught:
        make_plan(made_up_project(), Request(), made_up_facts())
    assert "-i 3.12" in (caught.value.hint or "")


def test_found_takes_each_python_once_and_sorts_them() -> None:
    facts = made_up_facts("3.13", "3.9", "3.13", "pypy3.11", "3.14t")
    plan = make_plan(made_up_project(), Request(find=True), facts)
    assert ids(plan) == [f"{python}-{GNU}" for python in ("cp39", "cp313", "cp314t", "pp311")]


def test_found_is_filtered_with_a_reason() -> None:
    project = made_up_project(requires_python=">=3.10", pyo3="0.22.0")
    plan = make_plan(project, Request(find=True), made_up_facts("3.9", "3.12", "3.13", "3.14", "3.13t"))
    assert ids(plan) == [f"cp312-{GNU}", f"cp313-{GNU}"]
    assert left(plan) == {
        f"cp39-{GNU}": "requires-python is '>=3.10'",
        f"cp313t-{GNU}": "pyo3 0.22.0 does not support free-threaded CPython",
        f"cp314-{GNU}": "pyo3 0.22.0 supports CPython 3.7 to 3.13",
    }


def test_a_named_python_below_requires_python_builds_with_a_warning() -> None:
    project = made_up_project(requires_python=">=3.12")
    plan = make_plan(project, Request(interpreters=("3.11",)), made_up_facts("3.12"))
    assert ids(plan) == [f"cp311-{GNU}"]
    assert plan.warnings == ("cp311: Python 3.11 (-i) is outside requires-python '>=3.12'",)
    in_matrix = made_up_project(requires_python=">=3.12", matrix={"interpreters": ["3.11", "3.12"]})
    assert left(make_plan(in_matrix, Request(), made_up_facts("3.12"))) == {
        f"cp311-{GNU}": "requires-python is '>=3.12'"
    }


def test_a_specifier_means_released_pythons_that_project_and_bindings_allow() -> None:
    project = made_up_project(requires_python=">=3.11", matrix={"interpreters": [">=3.8,<3.15", "3.14t", "pypy3.11"]})
    plan = make_plan(project, Request(), made_up_facts("3.12"))
    assert ids(plan) == [f"{one}-{GNU}" for one in ("cp311", "cp312", "cp313", "cp314", "cp314t", "pp311")]
    assert plan.left_out == ()
    assert [cell.interpreter.runnable for cell in plan.cells if cell.interpreter] == [
        False,
        True,
        False,
        False,
        False,
        False,
    ]


def test_a_specifier_that_nothing_satisfies_is_told() -> None:
    project = made_up_project(requires_python="<3.12", matrix={"interpreters": [">=3.13", "3.11"]})
    plan = make_plan(project, Request(), made_up_facts())
    assert ids(plan) == [f"cp311-{GNU}"]
    (warning,) = plan.warnings
    assert "interpreters[0]: no released Python" in warning


def test_flags_replace_the_interpreters_axis() -> None:
    project = made_up_project(matrix={"interpreters": ["3.12", "3.13"]})
    plan = make_plan(project, Request(interpreters=("3.11", "cp311", "3.10")), made_up_facts("3.12"))
    assert ids(plan) == [f"cp311-{GNU}", f"cp310-{GNU}"]


def test_named_programs_are_what_they_were_resolved_to() -> None:
    facts = made_up_facts("3.12", named={"python3.10": installed("3.10")[0]})
    plan = make_plan(made_up_project(), Request(interpreters=("python3.10",)), facts)
    assert ids(plan) == [f"cp310-{GNU}"]
    with pytest.raises(UsageError, match=r"-i: no interpreter './python' was found"):
        make_plan(made_up_project(), Request(interpreters=("./python",)), facts)


def test_an_impossible_python_is_an_error_when_named_and_left_out_when_not() -> None:
    with pytest.raises(UsageError, match=r"cp37-.* \(-i\): pyo3 0.30.1 supports CPython 3.9 to 3.15"):
        make_plan(made_up_project(), Request(interpreters=("3.7",)), made_up_facts())
    project = made_up_project(matrix={"interpreters": ["3.7", "3.99", "3.12"]})
    assert left(make_plan(project, Request(), made_up_facts())) == {
        f"cp37-{GNU}": "pyo3 0.30.1 supports CPython 3.9 to 3.15",
        f"cp399-{GNU}": "pyproject.toml: [tool.wheelmatrix] interpreters[1]: no released Python is '3.99', "
        "and none was found here",
    }
    with pytest.raises(UsageError, match=r"-i: no released Python is '3.99'"):
        make_plan(project, Request(interpreters=("3.99",)), made_up_facts())


def test_who_named_a_python_is_told() -> None:
    request = Request(interpreters=("3.7",), interpreters_origin="the environment's Python")
    with pytest.raises(UsageError, match=r"cp37-.* \(the environment's Python\): pyo3 0.30.1 supports"):
        make_plan(made_up_project(), request, made_up_facts())


def test_words_that_mean_nothing_name_their_place() -> None:
    project = made_up_project(matrix={"interpreters": ["3.12", "3.l3"]})
    with pytest.raises(UsageError, match=r"pyproject.toml: \[tool.wheelmatrix\] interpreters\[1\]: '3.l3'"):
        make_plan(project, Request(), made_up_facts())
    with pytest.raises(UsageError, match=r"aarch64-unknown-linux-gun.*\(--target\)") as caught:
        make_plan(made_up_project(), Request(targets=("aarch64-unknown-linux-gun",)), made_up_facts("3.12"))
    assert caught.value.hint == "did you mean 'aarch64-unknown-linux-gnu'?"


def test_targets_come_from_tables_and_tell_cargo() -> None:
    project = made_up_project(matrix={"interpreters": ["3.12"], "targets": ["native", MUSL, MAC, WINDOWS]})
    plan = make_plan(project, Request(), made_up_facts("3.12", drivers=EVERY))
    assert ids(plan) == [f"cp312-{triple}" for triple in (GNU, MUSL, MAC, WINDOWS)]
    assert [build.explicit_target for build in plan.builds] == [False, True, True, True]
    suffixes = [cell.interpreter.ext_suffix for cell in plan.cells if cell.interpreter]
    assert suffixes == [
        ".cpython-312-x86_64-linux-gnu.so",
        ".cpython-312-x86_64-linux-musl.so",
        ".cpython-312-darwin.so",
        ".cp312-win_amd64.pyd",
    ]
    assert [cell.file.rpartition("-")[2] for cell in plan.cells] == [
        "*_x86_64.whl",
        "*_x86_64.whl",
        "macosx_11_0_arm64.whl",
        "win_amd64.whl",
    ]


def test_the_same_target_twice_is_one_and_explicit_wins() -> None:
    plan = make_plan(made_up_project(), Request(targets=("native", GNU)), made_up_facts("3.12"))
    assert ids(plan) == [f"cp312-{GNU}"]
    assert plan.builds[0].explicit_target


def test_a_target_without_driver_is_left_out_or_an_error() -> None:
    project = made_up_project(matrix={"interpreters": ["3.12", "3.13"], "targets": ["native", ARM]})
    plan = make_plan(project, Request(), made_up_facts("3.12"))
    assert ids(plan) == [f"cp312-{GNU}", f"cp313-{GNU}"]
    assert set(left(plan)) == {f"cp312-{ARM}", f"cp313-{ARM}"}
    assert left(plan)[f"cp312-{ARM}"].startswith(f"no driver here builds for {ARM}: cargo alone")
    with pytest.raises(UsageError, match=r"\(--target\): no driver here builds for") as caught:
        make_plan(project, Request(targets=(ARM,)), made_up_facts("3.12"))
    assert caught.value.hint
    with pytest.raises(UsageError, match=r"\(CARGO_BUILD_TARGET\)"):
        make_plan(project, Request(targets=(ARM,), targets_origin="CARGO_BUILD_TARGET"), made_up_facts("3.12"))


def test_the_target_of_cargo_s_configuration_stands_in_for_the_host() -> None:
    given = Request(default_target=(ARM, "config.toml: build.target"), explicit_host=True)
    plan = make_plan(made_up_project(), given, made_up_facts("3.12", drivers=EVERY))
    assert ids(plan) == [f"cp312-{ARM}"]
    with pytest.raises(UsageError, match=r"\(config.toml: build.target\): no driver here builds for"):
        make_plan(made_up_project(), given, made_up_facts("3.12"))
    host = Request(default_target=(GNU, "config.toml: build.target"), explicit_host=True)
    assert [build.explicit_target for build in make_plan(made_up_project(), host, made_up_facts("3.12")).builds] == [
        True
    ]


def test_the_host_is_named_to_a_cargo_that_would_build_for_another() -> None:
    given = Request(default_target=(ARM, "config.toml: build.target"), explicit_host=True)
    native = made_up_project(matrix={"targets": ["native"]})
    plan = make_plan(native, given, made_up_facts("3.12"))
    assert ids(plan) == [f"cp312-{GNU}"]
    assert [build.explicit_target for build in plan.builds] == [True]
    row = {"include": [{"interpreter": "3.12", "target": "native"}]}
    facts = made_up_facts("3.12", drivers=EVERY)
    builds = make_plan(made_up_project(matrix=row), given, facts).builds
    assert {build.target.triple: build.explicit_target for build in builds} == {ARM: True, GNU: True}


INTEL_MAC, BOTH_MACS = "x86_64-apple-darwin", "universal2-apple-darwin"


def test_universal2_is_two_builds_that_single_architectures_share() -> None:
    project = made_up_project(matrix={"interpreters": ["3.12"], "targets": [BOTH_MACS, MAC]})
    plan = make_plan(project, Request(), made_up_facts("3.12", drivers=EVERY))
    both, arm = plan.cells
    assert (both.build, both.joined) == (f"cp312-{INTEL_MAC}", (f"cp312-{MAC}",))
    assert (arm.build, arm.joined) == (f"cp312-{MAC}", ())
    assert both.file.endswith("-cp312-cp312-macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64.whl")
    builds = {build.id: build for build in plan.builds}
    assert builds[both.build].cells == (both.id,)
    assert builds[arm.build].cells == (both.id, arm.id)
    assert [builds[name].target.triple for name in (both.build, *both.joined)] == [INTEL_MAC, MAC]
    assert all(build.explicit_target for build in plan.builds)
    alone = make_plan(project, Request(only=(arm.id,)), made_up_facts("3.12", drivers=EVERY))
    assert [(build.id, build.cells) for build in alone.builds] == [(arm.build, (arm.id,))]


def test_a_stable_abi_serves_universal2_with_one_wheel() -> None:
    project = made_up_project(
        matrix={"interpreters": ["3.11", "3.12"], "targets": [BOTH_MACS]}, pyo3_features=("abi3-py39",)
    )
    plan = make_plan(project, Request(), made_up_facts("3.12", drivers=EVERY))
    assert len(plan.builds) == len({cell.id for cell in plan.cells}) == 2
    assert {(cell.build, cell.joined) for cell in plan.cells} == {(f"abi3-cp39-{INTEL_MAC}", (f"abi3-cp39-{MAC}",))}


def test_rows_about_universal2_change_both_builds() -> None:
    rows = [{"select": {"target": "universal2-*"}, "env": {"MACOSX_DEPLOYMENT_TARGET": "12.0"}}]
    matrix = {"interpreters": ["3.12"], "targets": [BOTH_MACS, MAC], "overrides": rows}
    plan = make_plan(made_up_project(matrix=matrix), Request(), made_up_facts("3.12", drivers=EVERY))
    both, arm = plan.cells
    assert "macosx_12_0_universal2.macosx_12_0_x86_64" in both.file
    assert arm.build not in both.joined, "another deployment target is another binary"
    targets = [build.settings.env.get("MACOSX_DEPLOYMENT_TARGET") for build in plan.builds if both.id in build.cells]
    assert targets == ["12.0", "12.0"]


def test_universal2_is_refused_where_one_architecture_is() -> None:
    project = made_up_project(matrix={"interpreters": ["3.12"], "targets": ["native", BOTH_MACS]})
    plan = make_plan(project, Request(), made_up_facts("3.12"))
    assert f"for {INTEL_MAC}" in left(plan)[f"cp312-{BOTH_MACS}"]
    with pytest.raises(UsageError, match=f"for {INTEL_MAC}"):
        make_plan(project, Request(targets=(BOTH_MACS,)), made_up_facts("3.12"))


def test_each_level_is_a_cell_where_it_fits() -> None:
    matrix = {
        "interpreters": ["3.12"],
        "targets": [GNU, MUSL, MAC],
        "compatibility": ["manylinux_2_17", "manylinux_2_28", "musllinux_1_2"],
    }
    plan = make_plan(made_up_project(matrix=matrix), Request(), made_up_facts("3.12", drivers=EVERY))
    assert ids(plan) == [
        f"cp312-{GNU}-manylinux_2_17",
        f"cp312-{GNU}-manylinux_2_28",
        f"cp312-{MUSL}",
        f"cp312-{MAC}",
    ]
    assert [len(build.cells) for build in plan.builds] == [2, 1, 1]  # levels share the binary
    assert plan.cells[0].file.endswith("-manylinux2014_x86_64.manylinux_2_17_x86_64.whl")
    assert [str(cell.compatibility) for cell in plan.cells][2:] == ["musllinux_1_2", "auto"]


def test_one_level_leaves_the_id_plain() -> None:
    plan = make_plan(made_up_project(), Request(compatibility=("2014", "manylinux_2_17")), made_up_facts("3.12"))
    assert ids(plan) == [f"cp312-{GNU}"]
    assert str(plan.cells[0].compatibility) == "manylinux_2_17"


def test_the_level_of_maturin_counts_when_nothing_else_is_said() -> None:
    project = made_up_project(maturin={"manylinux": "2014"})
    assert str(make_plan(project, Request(), made_up_facts("3.12")).cells[0].compatibility) == "manylinux_2_17"
    other = Request(compatibility=("off",))
    (cell,) = make_plan(project, other, made_up_facts("3.12")).cells
    assert str(cell.compatibility) == "linux"
    assert cell.file.endswith("-linux_x86_64.whl")


def test_a_nested_list_is_a_choice() -> None:
    matrix = {"interpreters": ["3.12"], "compatibility": [["manylinux_2_28", "2014", "musllinux_1_2"]]}
    plan = make_plan(made_up_project(matrix=matrix), Request(), made_up_facts())
    (cell,) = plan.cells
    assert cell.compatibility.among == ((2, 17), (2, 28))
    assert str(cell.compatibility) == "manylinux_2_17-or-2_28"
    assert cell.file.endswith("-*_x86_64.whl")


def test_a_level_out_of_reach_is_left_out_or_an_error() -> None:
    matrix = {"interpreters": ["3.12"], "targets": [GNU, "riscv64gc-unknown-linux-gnu"], "compatibility": ["2014"]}
    project, facts = made_up_project(matrix=matrix), made_up_facts(drivers=EVERY)
    reason = "manylinux_2_17 is out of reach: Rust for riscv64 needs glibc 2.31"
    assert left(make_plan(project, Request(), facts)) == {"cp312-riscv64gc-unknown-linux-gnu": reason}
    with pytest.raises(UsageError, match=r"\(--compatibility\): manylinux_2_17 is out of reach"):
        make_plan(project, Request(compatibility=("2014",)), facts)


def test_pypi_marks_cells_and_refuses_what_it_can_never_take() -> None:
    loong = "loongarch64-unknown-linux-gnu"
    matrix = {"interpreters": ["3.12"], "targets": [GNU, loong, WINDOWS], "compatibility": ["pypi"]}
    plan = make_plan(made_up_project(matrix=matrix), Request(), made_up_facts(drivers=EVERY))
    assert [cell.pypi for cell in plan.cells] == [True, True]
    assert "loongarch64" in left(plan)[f"cp312-{loong}"]
    with pytest.raises(UsageError, match=r"\(--target\): PyPI refuses"):
        make_plan(made_up_project(), Request(targets=(loong,), compatibility=("pypi",)), made_up_facts("3.12"))
    with pytest.raises(UsageError, match=r"nothing to build: .*PyPI refuses linux_x86_64"):
        make_plan(made_up_project(), Request(compatibility=("pypi", "linux")), made_up_facts("3.12"))


def test_without_an_audit_nothing_is_claimed() -> None:
    for plan in (
        make_plan(made_up_project(), Request(skip_audit=True), made_up_facts("3.12")),
        make_plan(made_up_project(maturin={"auditwheel": "skip"}), Request(), made_up_facts("3.12")),
    ):
        assert str(plan.cells[0].compatibility) == "linux"


def test_drivers_are_asked_for_by_name() -> None:
    base = {"interpreters": ["3.12"]}
    named = made_up_project(matrix={**base, "overrides": [{"select": {"target": "*"}, "driver": "every"}]})
    plan = make_plan(named, Request(), made_up_facts(drivers=[*made_up_facts().drivers, *EVERY]))
    assert plan.builds[0].driver == "every"
    assert "overrides[0]" in plan.cells[0].why
    wrong = made_up_project(matrix={**base, "overrides": [{"select": {"target": "*"}, "driver": "crago"}]})
    with pytest.raises(ConfigError, match="unknown driver 'crago'") as caught:
        make_plan(wrong, Request(), made_up_facts())
    assert caught.value.hint == "did you mean 'cargo'?"


def test_only_picks_cells() -> None:
    project = made_up_project(matrix={"interpreters": ["3.11", "3.12", "3.7"], "compatibility": ["2_17", "2_28"]})
    plan = make_plan(project, Request(only=("cp312-*",)), made_up_facts())
    assert ids(plan) == [f"cp312-{GNU}-manylinux_2_17", f"cp312-{GNU}-manylinux_2_28"]
    assert plan.left_out == ()
    one = make_plan(project, Request(only=(f"cp312-{GNU}-manylinux_2_28",)), made_up_facts())
    assert [build.cells for build in one.builds] == [(f"cp312-{GNU}-manylinux_2_28",)]
    with pytest.raises(UsageError, match="--only cp313: no cell") as caught:
        make_plan(project, Request(only=("cp313",)), made_up_facts())
    assert "cells of this matrix: cp311-" in (caught.value.hint or "")
    with pytest.raises(UsageError, match=f"--only cp37-.*: cp37-{GNU}-manylinux_2_17 is left out: pyo3"):
        make_plan(project, Request(only=("cp37-*",)), made_up_facts())


def test_settings_come_from_maturin_then_matrix_then_flags() -> None:
    from matrix.project.options import Changes

    project = made_up_project(
        maturin={"profile": "dist", "strip": True, "features": ["simd"], "rustc-args": ["-Copt-level=1"]},
        matrix={"timeout": "20m"},
    )
    (build,) = make_plan(project, Request(), made_up_facts("3.12")).builds
    settings = build.settings
    assert (settings.profile, settings.strip, settings.features) == ("dist", True, ("simd",))
    assert (settings.rustc_args, settings.timeout) == (("-Copt-level=1",), 1200.0)
    flags = Request(settings=Changes(profile="release", strip=False))
    (build,) = make_plan(project, flags, made_up_facts("3.12")).builds
    assert (build.settings.profile, build.settings.strip) == ("release", False)


def test_the_longest_build_starts_first_and_unknown_ones_before_it() -> None:
    project = made_up_project(matrix={"interpreters": ["3.11", "3.12", "3.13"]})
    facts = made_up_facts(durations={f"cp311-{GNU}": 3.0, f"cp312-{GNU}": 9.5})
    plan = make_plan(project, Request(), facts)
    assert [(build.id[:5], build.expected) for build in plan.builds] == [
        ("cp313", None),
        ("cp312", 9.5),
        ("cp311", 3.0),
    ]
    assert [cell.id[:5] for cell in plan.cells] == ["cp311", "cp312", "cp313"]


def test_a_32_bit_python_is_no_python_of_a_64_bit_host() -> None:
    from msgspec.structs import replace

    small = replace(installed("3.12")[0], pointer_width=32)
    facts = made_up_facts("3.13")
    from msgspec.structs import replace as with_

    plan = make_plan(made_up_project(), Request(find=True), with_(facts, installations=(small, *facts.installations)))
    assert ids(plan) == [f"cp313-{GNU}"]
    assert left(plan) == {f"cp312-{GNU}": f"the Python 3.12.1 found here is not one of {GNU}"}
