from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from support.planning import HOST, made_up_facts, made_up_project

from matrix.archives import Compression
from matrix.arguments import parse
from matrix.errors import UsageError
from matrix.planning import Request, make_plan
from matrix.project import CargoFlags
from matrix.wishes import INSPECT, companions, compression, request_of, stubs

ARM = "aarch64-unknown-linux-gnu"
FILE = ".cargo/config.toml: build.target"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".cargo").mkdir()
    return tmp_path


def asked(root: Path, *words: str, targets: Sequence[str] = (), config: Sequence[str] = (), **environ: str) -> Request:
    matrix: dict[str, Any] = {"targets": list(targets)} if targets else {}
    project = replace(made_up_project(matrix=matrix, flags=CargoFlags(config=tuple(config))), root=root)
    return request_of(parse(["build", *words]), project, {"CARGO_HOME": str(root / "home"), **environ}, HOST)


def name(root: Path, target: str) -> None:
    (root / ".cargo" / "config.toml").write_text(f'[build]\ntarget = "{target}"\n')


def told(request: Request) -> tuple[Any, ...]:
    return request.targets, request.targets_origin, request.default_target, request.explicit_host


def test_who_names_the_target(root: Path) -> None:
    assert told(asked(root)) == (None, "", None, False)
    assert told(asked(root, CARGO_BUILD_TARGET=ARM)) == ((ARM,), "CARGO_BUILD_TARGET", None, False)
    assert told(asked(root, targets=["native"], CARGO_BUILD_TARGET=ARM)) == (None, "", None, False)
    assert told(asked(root, config=[f'build.target="{ARM}"'], CARGO_BUILD_TARGET="x")) == (
        None, "", (ARM, "--config build.target"), True,
    )  # fmt: skip
    name(root, ARM)
    assert told(asked(root)) == (None, "", (ARM, FILE), True)
    assert told(asked(root, "--target", "native")) == (("native",), "--target", None, True)
    assert told(asked(root, targets=["native"])) == (None, "", None, True)
    assert told(asked(root, CARGO_BUILD_TARGET=HOST.triple)) == ((HOST.triple,), "CARGO_BUILD_TARGET", None, True)


def test_cargo_s_word_for_the_host(root: Path) -> None:
    name(root, "host-tuple")
    assert asked(root).default_target == (HOST.triple, FILE)


def test_files_of_cargo_that_say_too_much_matter_only_when_nothing_else_is_said(root: Path) -> None:
    name(root, "mine.json")
    assert told(asked(root, targets=["native"])) == (None, "", None, True)


def test_universal2_is_no_flag_beside_other_targets(root: Path) -> None:
    assert asked(root, "--universal2").targets == ("universal2-apple-darwin",)
    with pytest.raises(UsageError, match="--universal2 and --target contradict") as caught:
        asked(root, "--universal2", "--target", ARM)
    assert caught.value.hint == "name it beside the others: --target universal2-apple-darwin"


def test_how_wheels_are_compressed() -> None:
    def said(*words: str) -> Compression:
        return compression(parse(["build", *words]))

    assert said() == Compression("deflated", None)
    assert said("--compression-method", "stored") == Compression("stored")
    large = said("--compression-level", "9", "--compression-enable-large-file-support")
    assert large == Compression("deflated", 9, large_files=True)
    for words in (["--compression-level=10"], ["--compression-method=stored", "--compression-level=1"]):
        with pytest.raises(UsageError, match="--compression-level"):
            said(*words)


def test_debug_info_is_packed_where_it_is_wanted_and_nothing_is_stripped(root: Path) -> None:
    def environment(*words: str) -> dict[str, str | None]:
        project = replace(made_up_project(maturin={"profile": "dist"}), root=root)
        request = request_of(parse(["build", *words]), project, {"CARGO_HOME": str(root / "home")}, HOST)
        return make_plan(project, request, made_up_facts("3.12")).builds[0].settings.env

    assert environment("--include-debuginfo") == {"CARGO_PROFILE_DIST_SPLIT_DEBUGINFO": "packed"}
    assert environment("--include-debuginfo", "--strip") == {}
    assert environment() == {}


def test_what_lies_beside_a_module() -> None:
    project = made_up_project(maturin={"include-import-lib": True})
    options = parse(["build", "--include-debuginfo"])
    assert companions(options, project) == {"debuginfo", "import-lib"}
    assert companions(parse(["build"]), made_up_project()) == set()
    options.editable = True
    assert companions(options, project) == set()


def test_stubs_are_for_modules_that_describe_themselves() -> None:
    wanted = parse(["build", "--generate-stubs"])
    assert stubs(parse(["build"]), made_up_project()) == ""
    with pytest.raises(UsageError, match="experimental-inspect, which is off"):
        stubs(wanted, made_up_project())
    with pytest.raises(UsageError, match="this is cffi"):
        stubs(wanted, made_up_project(kind="cffi"))
    project = made_up_project()
    assert stubs(wanted, replace(project, bindings=replace(project.bindings, features=frozenset({INSPECT})))) == "demo"
    row = {"select": {"target": "*"}, "features": ["pyo3/experimental-inspect"]}
    assert stubs(wanted, made_up_project(matrix={"overrides": [row]})) == "demo"


@pytest.mark.parametrize("given", [["--pgo"], []])
def test_builds_with_a_profile_have_lanes_of_their_own(root: Path, given: list[str]) -> None:
    project = replace(made_up_project(), root=root)
    environ = {"CARGO_HOME": str(root / "home"), **({} if given else {"MATURIN_PGO": "true"})}
    plan = make_plan(project, request_of(parse(["build", *given]), project, environ, HOST), made_up_facts("3.12"))
    (build,) = plan.builds
    assert build.id == "cp312-x86_64-unknown-linux-gnu-pgo"
    assert (build.settings.pgo, build.settings.profile, build.explicit_target) == (True, "release", True)
    plain = make_plan(project, request_of(parse(["build"]), project, {"CARGO_HOME": "/"}, HOST), made_up_facts("3.12"))
    assert plain.builds[0].id == "cp312-x86_64-unknown-linux-gnu"
    assert plain.cells[0].id == plan.cells[0].id
