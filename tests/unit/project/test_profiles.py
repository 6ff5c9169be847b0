from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from support.planning import made_up_facts, made_up_project

from matrix.errors import ConfigError, UsageError
from matrix.model import Build, Settings
from matrix.planning import Request, make_plan
from matrix.project.cargo import CargoFlags
from matrix.project.profiles import check_profiles
from matrix.project.read import Project

MATURIN = {"profile": "nosuch", "editable-profile": "quik"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Cargo.toml").write_text('[profile.dist]\ninherits = "release"\n[profile.dev]\ndebug = 0\n')
    return replace(made_up_project(maturin=MATURIN), root=tmp_path, workspace_root=tmp_path)


def builds(**settings: object) -> list[Build]:
    (build,) = make_plan(made_up_project(), Request(), made_up_facts("3.12")).builds
    return [msgspec.structs.replace(build, settings=msgspec.convert(settings, Settings))]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"CARGO_HOME": str(tmp_path / "home")}


@pytest.mark.parametrize("name", ["dev", "release", "test", "bench", "dist"])
def test_what_is_defined_is_taken(project: Project, environ: dict[str, str], name: str) -> None:
    check_profiles(project, builds(profile=name), environ, flag=name)


@pytest.mark.parametrize(
    ("flag", "editable", "name", "error", "words"),
    [
        ("nosuch", False, "nosuch", UsageError, "--profile: "),
        (None, False, "nosuch", ConfigError, "pyproject.toml: [tool.maturin] profile: "),
        ("dist", True, "quik", ConfigError, "pyproject.toml: [tool.maturin] editable-profile: "),
    ],
)
def test_who_names_it(
    project: Project,
    environ: dict[str, str],
    flag: str | None,
    editable: bool,
    name: str,
    error: type[ConfigError | UsageError],
    words: str,
) -> None:
    with pytest.raises(error) as caught:
        check_profiles(project, builds(profile=name), environ, flag=flag, editable=editable)
    assert caught.value.message == f"{words}cargo knows no profile {name!r}"
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("known profiles: dev, release, test, bench, dist")


def test_the_configuration_defines_some(project: Project, environ: dict[str, str], tmp_path: Path) -> None:
    def known(**settings: object) -> bool:
        try:
            check_profiles(project, builds(profile="fast-er", **settings), environ, flag="fast-er")
        except UsageError:
            return False
        return True

    assert not known()
    assert known(env={"CARGO_PROFILE_FAST_ER_INHERITS": "dev"})
    environ["CARGO_PROFILE_FAST_ER_INHERITS"] = "dev"
    assert known()
    assert not known(env={"CARGO_PROFILE_FAST_ER_INHERITS": None})
    del environ["CARGO_PROFILE_FAST_ER_INHERITS"]
    assert not known(env={"CARGO_PROFILE_FAST_ER_SPLIT_DEBUGINFO": "packed"})  # cargo: it lacks `inherits`
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('[profile.fast-er]\ninherits = "dev"\n')
    assert known()
    del environ["CARGO_HOME"]
    assert not known()
    project = replace(project, flags=CargoFlags(config=("profile.fast-er.inherits = 'dev'",)))
    assert known()


@pytest.mark.parametrize(
    "settings", [{"image": "quay.io/pypa/manylinux_2_28_x86_64"}, {"cargo_args": ("--config", "more.toml")}]
)
def test_what_only_cargo_can_know_is_left_to_it(
    project: Project, environ: dict[str, str], settings: dict[str, object]
) -> None:
    check_profiles(project, builds(profile="nosuch", **settings), environ, flag="nosuch")


def test_a_manifest_that_cannot_be_read_here_is_left_to_cargo(
    project: Project, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "Cargo.toml").write_text("[profile.dist\n")
    check_profiles(project, builds(profile="nosuch"), environ, flag="nosuch")
