"""Plans for bindings other than pyo3: what depends on a Python, and what is the same for all of them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from support.planning import HOST, made_up_facts, made_up_project

from matrix.errors import UsageError
from matrix.model import Plan
from matrix.planning import Request, make_plan, needed_lookups
from matrix.platforms import parse_target
from matrix.project.bindings import BindingsKind
from matrix.project.ranges import Ranges
from matrix.project.read import Project

PROGRAMS: dict[str, tuple[str, ...]] = {"tool": (), "extra": ("simd",)}


def _bin(**more: object) -> Project:
    project = made_up_project(kind="bin", programs=PROGRAMS, **more)  # type: ignore[arg-type]
    return replace(project, bindings=replace(project.bindings, version="", ranges={}, stable=()))


def _files(plan: Plan) -> list[str]:
    return [cell.file for cell in plan.cells]


def test_one_wheel_of_programs_whatever_the_pythons() -> None:
    request = Request(interpreters=("3.9", "3.12", "pypy3.11"), targets=("x86_64-unknown-linux-gnu", HOST.triple))
    plan = make_plan(_bin(requires_python=">=3.10"), request, made_up_facts("3.12"))
    assert [cell.id for cell in plan.cells] == [f"py3-{HOST.triple}"]
    assert _files(plan) == ["demo_lib-1.4.0-py3-none-*_x86_64.whl"]
    (build,) = plan.builds
    assert (build.interpreter, build.pyo3_config, build.bins) == (None, None, ("tool",))
    assert plan.left_out == ()


def test_features_decide_on_the_programs() -> None:
    matrix = {"overrides": [{"select": {"id": "py3-*"}, "features": ["simd"]}]}
    plan = make_plan(_bin(matrix=matrix), Request(), made_up_facts("3.12"))
    assert plan.builds[0].bins == ("tool", "extra")
    project = _bin()
    lonely = replace(project, module=replace(project.module, bins=("extra",)))
    with pytest.raises(UsageError, match=r"the program 'extra' needs required-features that are off"):
        make_plan(lonely, Request(), made_up_facts("3.12"))


def test_no_python_of_this_machine_is_asked_for_programs() -> None:
    request = Request(interpreters=(">=3.9",))
    lookups = needed_lookups(request, _bin().options, HOST, any_python=True)
    assert (lookups.discover, lookups.default, lookups.words) == (False, False, {})
    plan = make_plan(_bin(), Request(), made_up_facts())
    assert len(plan.cells) == 1, "a machine without any Python"


def test_a_row_for_one_python_is_about_the_one_wheel() -> None:
    matrix = {"include": [{"interpreter": "3.12", "profile": "release"}]}
    plan = make_plan(_bin(matrix=matrix), Request(), made_up_facts("3.12"))
    assert [build.settings.profile for build in plan.builds] == ["release"]


def test_programs_with_a_python_in_them_are_for_that_one() -> None:
    project = made_up_project(kind="bin", programs={"tool": ()})
    plan = make_plan(project, Request(interpreters=("3.11", "3.12")), made_up_facts("3.11", "3.12"))
    assert _files(plan) == [f"demo_lib-1.4.0-cp3{minor}-cp3{minor}-*_x86_64.whl" for minor in (11, 12)]
    assert {build.pyo3_config for build in plan.builds} == {None}, "pyo3 asks the Python that it links"
    with pytest.raises(UsageError, match="libpython of cp313, which is not here"):
        make_plan(project, Request(interpreters=("3.13",)), made_up_facts("3.12"))


def test_the_program_of_another_platform_is_no_cell_for_pythons() -> None:
    target = parse_target("x86_64-pc-windows-gnu")
    request = Request(targets=(target.triple,))
    host = made_up_facts("3.12").host
    facts = replace(made_up_facts("3.12"), host=type(host)(target=HOST, tools={"x86_64-w64-mingw32-gcc": "/usr/bin/x"}))
    assert _files(make_plan(_bin(), request, facts)) == ["demo_lib-1.4.0-py3-none-win_amd64.whl"]


@pytest.mark.parametrize("kind", ["cffi", "uniffi"])
def test_one_wheel_of_a_plain_library(kind: BindingsKind) -> None:
    project = made_up_project(kind=kind)
    project = replace(project, bindings=replace(project.bindings, ranges={}, stable=()))
    plan = make_plan(project, Request(interpreters=("3.9", "3.12")), made_up_facts("3.12"))
    assert _files(plan) == ["demo_lib-1.4.0-py3-none-*_x86_64.whl"]
    assert (plan.builds[0].interpreter, plan.builds[0].pyo3_config, plan.builds[0].bins) == (None, None, ())


def _rust_cpython() -> Project:
    project = made_up_project(kind="rust-cpython", pyo3="0.7.2")
    ranges: Ranges = {"cpython": ((3, 7), (3, 11))}
    return replace(project, bindings=replace(project.bindings, ranges=ranges, free_threaded=None, stable=()))


def test_rust_cpython_is_built_for_pythons_that_can_run() -> None:
    plan = make_plan(_rust_cpython(), Request(interpreters=(">=3.9",)), made_up_facts("3.9", "3.10", "3.12"))
    assert [cell.id for cell in plan.cells] == [f"cp39-{HOST.triple}", f"cp310-{HOST.triple}"]
    assert {build.pyo3_config for build in plan.builds} == {None}
    (left,) = plan.left_out
    assert (left.id, left.missing) == (f"cp311-{HOST.triple}", True)
    assert left.reason == "rust-cpython runs the Python that it builds for, and cp311 is not here"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Request(interpreters=("3.12",)), r"\(-i\): rust-cpython 0.7.2 supports CPython 3.7 to 3.11"),
        (Request(interpreters=("pypy3.9",)), r"\(-i\): rust-cpython 0.7.2 does not support PyPy"),
        (Request(interpreters=("3.11",)), r"\(-i\): rust-cpython runs the Python that it builds for, and cp311"),
        (Request(interpreters=("3.10",), targets=("aarch64-unknown-linux-gnu",)), r"\(-i\): .* x86_64.* alone here"),
    ],
)
def test_what_rust_cpython_cannot_build_for(request_: Request, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        make_plan(_rust_cpython(), request_, made_up_facts("3.10", "3.12", "pypy3.9"))
    assert "cargo update" not in (caught.value.hint or "")
