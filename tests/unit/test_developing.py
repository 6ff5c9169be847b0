from __future__ import annotations

from pathlib import Path

import pytest

from matrix.arguments import parse
from matrix.developing import build_options, find_environment, find_installation, requirements, split
from matrix.errors import ConfigError, ToolError, UsageError


def environment(folder: Path) -> Path:
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    return python


def test_the_active_environment_counts_before_one_that_lies_near(tmp_path: Path) -> None:
    active, near = environment(tmp_path / "active"), environment(tmp_path / "project" / ".venv")
    inside = tmp_path / "project" / "src"
    inside.mkdir()
    assert find_environment({"VIRTUAL_ENV": str(tmp_path / "active")}, inside) == active
    assert find_environment({"CONDA_PREFIX": str(tmp_path / "active")}, inside) == active
    assert find_environment({}, inside) == near


def test_without_an_environment_nothing_is_installed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="into a virtual environment, and none is active"):
        find_environment({}, tmp_path)
    with pytest.raises(UsageError, match=r"VIRTUAL_ENV is .*, where no Python is"):
        find_environment({"VIRTUAL_ENV": str(tmp_path / "gone")}, tmp_path)


def test_the_build_is_for_that_python_alone() -> None:
    options = parse(["develop", "-F", "a", "--locked", "-j", "3", "-q"])
    built = build_options(options, Path("/v/bin/python"), "/out")
    assert (built.command, built.editable, built.interpreter, built.out) == ("build", True, ["/v/bin/python"], "/out")
    assert (built.compatibility, built.features, built.locked, built.jobs, built.quiet) == (
        ["off"],
        ["a"],
        True,
        3,
        True,
    )
    assert not built.release
    assert built.interpreter_origin == "the environment's Python", "develop has no -i"


TABLE = {
    "project": {"dependencies": ["a>=1; python_version < '4'"], "optional-dependencies": {"Fast_io": ["b", "c"]}},
    "dependency-groups": {"dev": ["pytest", {"include-group": "lint"}], "lint": ["ruff"], "odd": [{"wrong": "x"}]},
}


def test_extras_and_groups_add_what_they_name() -> None:
    assert requirements({}, (), ()) == ()
    assert requirements(TABLE, (), ()) == ("a>=1; python_version < '4'",)
    assert requirements(TABLE, ("fast-io",), ("dev",))[1:] == ("b", "c", "pytest", "ruff")
    assert split(["a,b", "c"]) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("extras", "groups", "kind", "words"),
    [
        (("fast-i",), (), UsageError, r"there is no extra 'fast-i' \(-E\)"),
        ((), ("deb",), UsageError, r"there is no dependency group 'deb' \(-G\)"),
        ((), ("odd",), ConfigError, r"\[dependency-groups\] odd"),
    ],
)
def test_what_is_not_there_is_named(
    extras: tuple[str, ...], groups: tuple[str, ...], kind: type[UsageError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        requirements(TABLE, extras, groups)


def test_what_there_is_stands_beside_what_is_not() -> None:
    with pytest.raises(UsageError) as caught:
        requirements(TABLE, ("other",), ())
    assert caught.value.hint == "there are: fast-io"
    with pytest.raises(UsageError) as caught:
        requirements({}, (), ("xyz",))
    assert caught.value.hint == "there are: none"


def test_a_pip_that_is_missing_is_told_before_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Cargo.toml").touch()
    monkeypatch.chdir(tmp_path)
    options = parse(["develop", "--pip-path", str(tmp_path / "gone")])
    with pytest.raises(ToolError, match=r"gone' is no program \(--pip-path\)"):
        find_installation(options, Path("/v/bin/python"))
