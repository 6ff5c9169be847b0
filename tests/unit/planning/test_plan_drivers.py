"""Which driver builds what, and why: chosen among all real ones on made-up machines."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.driving import HOST
from support.planning import made_up_facts, made_up_project

from drivers import ALL
from matrix.driver import Host
from matrix.errors import UsageError
from matrix.model import Plan
from matrix.planning import Facts, Request, make_plan

GNU, ARM, MUSL = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-unknown-linux-musl"
MAC, MINGW, MSVC = "aarch64-apple-darwin", "x86_64-pc-windows-gnu", "x86_64-pc-windows-msvc"
ARM_MSVC = "aarch64-pc-windows-msvc"


def _facts(host: Host = HOST, **more: Any) -> Facts:
    facts = made_up_facts("3.12", drivers=ALL, **more)
    return Facts(
        host=host,
        drivers=facts.drivers,
        installations=facts.installations,
        default=facts.default,
        environ=facts.environ,
    )


def _plan(*targets: str, host: Host = HOST, request: Request | None = None, **matrix: Any) -> Plan:
    project = made_up_project(matrix={"interpreters": ["3.12"], "targets": list(targets), **matrix})
    return make_plan(project, request or Request(), _facts(host))


def _drivers(plan: Plan) -> dict[str, str]:
    return {build.target.triple: build.driver for build in plan.builds}


def _without(*tools: str) -> Host:
    return msgspec.structs.replace(HOST, tools={name: path for name, path in HOST.tools.items() if name not in tools})


def test_every_target_gets_its_driver() -> None:
    plan = _plan(GNU, ARM, MUSL, MAC, MINGW, ARM_MSVC)
    assert _drivers(plan) == {GNU: "cargo", ARM: "zig", MUSL: "zig", MAC: "zig", MINGW: "zig", ARM_MSVC: "xwin"}
    builds = {build.target.triple: build for build in plan.builds}
    assert builds[ARM].id == f"cp312-{ARM}.2.17"
    assert builds[ARM].libc == (2, 17)
    assert builds[GNU].libc is None
    assert all(build.explicit_target for build in plan.builds if build.driver != "cargo")
    assert all(cell.why for cell in plan.cells)


def test_mingw_comes_before_zig_where_it_is_installed() -> None:
    host = msgspec.structs.replace(HOST, tools={**HOST.tools, "x86_64-w64-mingw32-gcc": "/usr/bin/gcc"})
    assert _drivers(_plan(MINGW, host=host)) == {MINGW: "cargo"}


def test_a_level_below_the_glibc_here_is_linked_by_zig_where_it_is() -> None:
    levels = ["manylinux_2_17", "manylinux_2_36"]
    plan = _plan(GNU, compatibility=levels)
    assert {build.id: build.driver for build in plan.builds} == {f"cp312-{GNU}": "cargo", f"cp312-{GNU}.2.17": "zig"}
    assert "glibc 2.17" in plan.cells[0].why
    plan = _plan(GNU, compatibility=levels, host=_without("zig"))
    assert [build.driver for build in plan.builds] == ["cargo"]
    assert "newer than manylinux_2_17" in plan.cells[0].why


def test_every_level_is_a_build_of_its_own_with_zig() -> None:
    plan = _plan(ARM, compatibility=["manylinux_2_17", "manylinux_2_28"])
    assert [build.libc for build in plan.builds] == [(2, 17), (2, 28)]
    assert [build.id for build in plan.builds] == [f"cp312-{ARM}.2.17", f"cp312-{ARM}.2.28"]


def test_without_a_c_compiler_the_host_is_linked_by_zig() -> None:
    plan = _plan("native", host=_without("cc"))
    assert _drivers(plan) == {GNU: "zig"}
    assert _drivers(_plan("native", host=_without("cc", "zig"))) == {GNU: "cargo"}


def test_zig_is_asked_first_when_a_flag_says_so() -> None:
    plan = _plan(GNU, MSVC, request=Request(prefers="zig"))
    assert _drivers(plan) == {GNU: "zig", MSVC: "xwin"}
    why = {cell.target.triple: cell.why for cell in plan.cells}
    assert why[GNU].endswith("(--zig)")
    assert "--zig" not in why[MSVC]
    overrides = [{"select": {"target": "*"}, "driver": "cargo"}]
    assert _drivers(_plan(GNU, request=Request(prefers="zig"), overrides=overrides)) == {GNU: "cargo"}


def test_what_no_driver_builds_here_has_failed_and_costs_nothing_else() -> None:
    plan = _plan(GNU, ARM, MSVC, host=_without("zig", "clang"))
    assert _drivers(plan) == {GNU: "cargo"}
    reasons = {one.target: one for one in plan.left_out}
    assert all(one.missing for one in plan.left_out)
    assert "zig could, but zig is missing" in reasons[ARM].reason
    assert reasons[ARM].hint == "pip install 'wheelmatrix[zig]'"
    assert "clang is missing" in reasons[MSVC].reason
    assert "apt-get install clang" in (reasons[MSVC].hint or "")


def test_a_target_that_a_flag_named_is_an_error_before_anything() -> None:
    with pytest.raises(UsageError, match=r"--target.*zig could, but zig is missing") as caught:
        _plan(host=_without("zig"), request=Request(targets=(ARM,)))
    assert caught.value.hint == "pip install 'wheelmatrix[zig]'"


def test_a_triple_that_no_driver_knows_says_so() -> None:
    (one,) = _plan(GNU, "sparc64-unknown-linux-gnu").left_out
    assert one.missing
    assert one.reason.startswith("no driver here builds for sparc64-unknown-linux-gnu")


def test_a_level_below_what_zig_links_names_the_lowest() -> None:
    (one,) = _plan(GNU, "powerpc64le-unknown-linux-gnu", compatibility=["manylinux_2_17"]).left_out
    assert "no glibc older than 2.19" in one.reason
    assert "manylinux_2_19" in (one.hint or "")


def test_a_licence_that_was_not_accepted_fails_its_cells_and_is_an_error_when_named() -> None:
    host = msgspec.structs.replace(HOST, options={})
    plan = _plan(GNU, MSVC, host=host)
    assert _drivers(plan) == {GNU: "cargo"}
    (one,) = plan.left_out
    assert one.missing
    assert "fwlink 2086102" in one.reason
    assert "accept-license" in (one.hint or "")
    with pytest.raises(UsageError, match="fwlink 2086102") as caught:
        _plan(host=host, request=Request(targets=(GNU, MSVC)))
    assert "accept-license" in (caught.value.hint or "")


def test_an_image_that_the_named_driver_does_not_use_is_a_warning() -> None:
    rows = [{"select": {"target": "*"}, "driver": "zig", "image": "mine:1"}]
    assert "image 'mine:1' is not used: zig builds in no container" in _plan(GNU, overrides=rows).warnings


def test_macos_is_always_told_which_release_to_link_for() -> None:
    plan = _plan(MAC, "x86_64-apple-darwin")
    assert [build.settings.env for build in plan.builds] == [
        {"MACOSX_DEPLOYMENT_TARGET": "11.0"},
        {"MACOSX_DEPLOYMENT_TARGET": "10.12"},
    ]
    project = made_up_project(matrix={"interpreters": ["3.12"], "targets": [MAC]})
    newer = make_plan(project, Request(), _facts(environ={"MACOSX_DEPLOYMENT_TARGET": "13.0"}))
    assert newer.builds[0].settings.env == {"MACOSX_DEPLOYMENT_TARGET": "13.0"}
