"""What a machine lacks to build a matrix: all real drivers on made-up machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.driving import HOST
from support.planning import EveryDriver, installed, made_up_facts, made_up_project

from drivers import ALL
from matrix.checkup import CheckedDriver, Checkup, Remark, checkup_document, schema
from matrix.driver import DockerOptions, DriverSupport, Host, Tool, Wish
from matrix.planning import Request
from matrix.planning.examine import examine, examine_host

GNU, ARM, MSVC = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc"
ODD = "sparc64-unknown-linux-gnu"
VERSIONS = {"cargo": "1.95.0", "zig": "0.15.2"}


def without(*tools: str, **more: Any) -> Host:
    kept = {name: path for name, path in HOST.tools.items() if name not in tools}
    return msgspec.structs.replace(HOST, tools=kept, **more)


def look(
    *targets: str,
    host: Host = HOST,
    request: Request | None = None,
    images: Mapping[str, bool] | None = None,
    **matrix: Any,
) -> Checkup:
    project = made_up_project(matrix={"interpreters": ["3.12", "3.14t"], "targets": list(targets), **matrix})
    facts = replace(made_up_facts("3.12", drivers=ALL), host=host)
    return examine(project, request or Request(), facts, VERSIONS, images)


def driver(checkup: Checkup, name: str) -> CheckedDriver:
    return next(one for one in checkup.drivers if one.name == name)


def missing(checkup: Checkup, name: str) -> list[str]:
    return [tool.name for tool in driver(checkup, name).tools if tool.needed and tool.path is None]


def test_a_machine_with_everything_is_ready() -> None:
    found = look(GNU, ARM, MSVC, host=msgspec.structs.replace(HOST, stds=frozenset({GNU, ARM, MSVC})))
    assert found.ready
    assert found.commands == ()
    assert [one.name for one in found.drivers if one.needed] == ["cargo", "zig", "xwin"]
    assert found.stds.found == (GNU, ARM, MSVC)
    assert found.pythons.found == ("3.12",)
    assert found.pythons.tables == ("3.14t",)
    assert driver(found, "zig").tools[0].version == "0.15.2"


def test_only_what_the_matrix_needs_is_missed() -> None:
    found = look(GNU, host=without("zig", "cargo-xwin", "clang"))
    assert found.ready
    assert not driver(found, "zig").needed
    assert driver(found, "zig").ready


def test_missing_tools_and_libraries_come_with_their_commands() -> None:
    found = look(GNU, ARM, MSVC, host=without("zig", "cargo-xwin", "clang"))
    assert not found.ready
    assert missing(found, "zig") == ["zig"]
    assert missing(found, "xwin") == ["cargo-xwin", "clang"]
    assert found.stds.missing == (ARM, MSVC)
    assert found.problems == ()
    assert found.commands == (
        "pip install 'wheelmatrix[zig]'",
        "pip install 'wheelmatrix[xwin]'",
        "apt-get install clang",
        f"rustup target add {ARM} {MSVC}",
    )
    assert found.project is not None
    assert (found.project.cells, found.project.buildable) == (6, 2)


@pytest.mark.parametrize("gone", [(), ("zig",)])
def test_both_halves_of_universal2_count(gone: tuple[str, ...]) -> None:
    found = look("universal2-apple-darwin", host=without(*gone, stds=frozenset({GNU, "aarch64-apple-darwin"})))
    assert found.stds.missing == ("x86_64-apple-darwin",)
    assert found.stds.found == ("aarch64-apple-darwin",)


def test_a_flag_that_names_what_cannot_be_built_is_no_error() -> None:
    found = look(host=without("zig"), request=Request(targets=(ARM,), only=("*",)))
    assert missing(found, "zig") == ["zig"]
    assert found.project is not None
    assert found.project.buildable == 0


def test_a_licence_that_was_not_accepted_is_a_line_even_where_tools_are_missing_too() -> None:
    for host in (msgspec.structs.replace(HOST, options={}), without("cargo-xwin", options={})):
        found = look(GNU, MSVC, host=host)
        (remark,) = driver(found, "xwin").remarks
        assert "licence" in remark.text
        assert "accept-license" in (remark.hint or "")
        assert not found.ready


def test_without_a_c_compiler_it_or_zig_is_needed() -> None:
    assert look("native", host=without("cc")).ready
    found = look("native", host=without("cc", "zig"))
    assert missing(found, "cargo") == ["cc"]
    assert found.commands == ("apt-get install gcc",)


@pytest.mark.parametrize("pull", ["missing", "never"])
def test_images_are_told_and_missed_where_none_is_pulled(pull: str) -> None:
    row = {"select": {"target": GNU}, "image": "some/image:1"}
    host = msgspec.structs.replace(
        HOST, stds=frozenset({GNU}), options={**HOST.options, "docker": msgspec.convert({"pull": pull}, DockerOptions)}
    )
    assert look(GNU, host=host, overrides=[row], images={"some/image:1": True}).ready
    found = look(GNU, host=host, overrides=[row], images={"some/image:1": False})
    docker = driver(found, "docker")
    assert [(one.name, one.here) for one in docker.images] == [("some/image:1", False)]
    assert [one.text for one in docker.remarks] == ["image some/image:1 is not here, and none is pulled"] * (
        pull == "never"
    )
    assert found.ready == (pull != "never")


def test_what_no_driver_builds_is_a_problem_that_nothing_installs() -> None:
    found = look(GNU, "sparc64-unknown-linux-gnu")
    (problem,) = found.problems
    assert problem.text.startswith("cp312-sparc64-unknown-linux-gnu and 1 more: no driver here builds for")
    assert not found.ready
    assert found.commands == ()


def test_libraries_that_no_rustup_adds_are_a_problem() -> None:
    found = look(ARM, host=without("rustup"))
    assert found.stds.missing == (ARM,)
    assert found.stds.install == ""
    assert "no rustup is here" in found.problems[0].text


def test_a_missing_rust_is_installed_by_rustup_where_it_is() -> None:
    found = examine_host(without("cargo", "rustc"), ALL, {}, pythons=installed("3.12", "pypy3.11"))
    assert missing(found, "cargo") == ["cargo", "rustc"]
    assert found.commands == ("rustup toolchain install stable",)
    assert found.pythons.found == ("3.12", "pypy3.11")
    found = examine_host(without("cargo", "rustc", "rustup"), ALL, {}, problems=[Remark(text="no project")])
    assert found.commands == ("curl https://sh.rustup.rs -sSf | sh",)
    assert found.problems == (Remark(text="no project"),)


def test_outside_a_project_only_the_machine_itself_counts() -> None:
    found = examine_host(without("zig", "cargo-xwin"), ALL, VERSIONS)
    assert found.ready
    assert found.project is None
    assert [one.name for one in found.drivers if one.needed] == ["cargo"]


class EitherEngine(EveryDriver):
    """A driver that is content with either of two tools, and needs it to answer."""

    name = "engine"
    tools = (
        Tool(name="first", install="apt-get install first", needed=False),
        Tool(name="second", install="apt-get install second", needed=False),
    )
    answers = True

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        if wish.target.triple != ODD:
            return DriverSupport(able=False, reason="not asked")
        if not any(tool.name in host.tools for tool in self.tools):
            return DriverSupport(able=False, reason="first or second is missing", hint="apt-get install first")
        return DriverSupport(able=self.answers, reason="its daemon sleeps", hint="wake it", explicit=True)


@pytest.mark.parametrize(("found", "answers"), [((), True), (("second",), False), (("second",), True)])
def test_a_driver_that_can_do_with_either_tool(found: tuple[str, ...], answers: bool) -> None:
    engine = EitherEngine()
    engine.answers = answers
    host = msgspec.structs.replace(HOST, tools={**HOST.tools, **dict.fromkeys(found, "/bin/x")}, stds=None)
    project = made_up_project(matrix={"interpreters": ["3.12"], "targets": [ODD]})
    checkup = examine(project, Request(), replace(made_up_facts("3.12", drivers=[*ALL, engine]), host=host), {})
    if not found:
        assert missing(checkup, "engine") == ["first"]
        assert checkup.commands == ("apt-get install first",)
    elif answers:
        assert checkup.ready
        assert driver(checkup, "engine").needed
    else:
        (problem,) = checkup.problems
        assert "its daemon sleeps" in problem.text
        assert problem.hint == "wake it"
    assert checkup.ready == (bool(found) and answers)


@settings(deadline=None, max_examples=40)
@given(st.sets(st.sampled_from(sorted(HOST.tools))), st.sets(st.sampled_from([GNU, ARM, MSVC]), min_size=1))
def test_ready_means_that_every_cell_is_planned_and_nothing_to_do(gone: set[str], targets: set[str]) -> None:
    host = without(*gone, stds=frozenset({GNU, ARM, MSVC}))
    found = look(*sorted(targets), host=host)
    assert found.project is not None
    assert found.ready or found.commands or found.problems or any(one.remarks for one in found.drivers)
    if found.ready:
        assert not found.commands
        assert found.project.buildable == found.project.cells
    jsonschema.validate(msgspec.json.decode(checkup_document(found)), schema())
