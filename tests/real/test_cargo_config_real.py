"""Targets that cargo's own configuration names, obeyed and overruled through the real command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import Ran

pytestmark = [
    pytest.mark.own_rustc,
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="the other target is one that cargo alone links nowhere else"),
]

Wheelmatrix = Callable[..., Ran]
Copy = Callable[..., Path]
NATIVE = '\n[tool.wheelmatrix]\ntargets = ["native"]\n'


def configure(root: Path, target: str) -> None:
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text(f'[build]\ntarget = "{target}"\n')


def host(wheelmatrix: Wheelmatrix, root: Path) -> str:
    plan = json.loads(wheelmatrix("plan", "--json", cwd=root).stdout)
    triple: str = plan["builds"][0]["target"]
    return triple


def other_than(triple: str) -> str:
    return ("s390x" if triple.startswith("aarch64") else "aarch64") + "-unknown-linux-gnu"


def assert_built_for(ran: Ran, root: Path, triple: str) -> None:
    assert ran.exit == 0, ran
    report = json.loads(ran.stdout)
    command = report["builds"][0]["command"]
    assert command[command.index("--target") + 1] == triple
    (cell,) = report["cells"]
    assert cell["wheel"]["file"].endswith(f"_{triple.partition('-')[0]}.whl")
    assert (root / "target" / "wheels" / cell["wheel"]["file"]).is_file()
    assert list(root.glob(f"target/wheelmatrix/lanes/*/{triple}/debug"))


def test_the_host_named_in_the_configuration_is_built(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    triple = host(wheelmatrix, root)
    configure(root, triple)
    assert_built_for(wheelmatrix("build", "--json", cwd=root), root, triple)


def test_a_target_out_of_reach_in_the_configuration_is_an_error_before_compiling(
    wheelmatrix: Wheelmatrix, project: Copy
) -> None:
    root = project("ffi-only")
    triple = host(wheelmatrix, root)
    other = "sparc64-unknown-linux-gnu"  # which no driver builds for
    configure(root, other)
    for command in ("plan", "build"):
        ran = wheelmatrix(command, cwd=root)
        assert ran.exit == 2, ran
        assert f"{other} (.cargo/config.toml: build.target): no driver here builds for {other}" in ran.stderr, ran
    assert not (root / "target").exists()
    overruled = wheelmatrix("plan", "--config", f'build.target="{triple}"', cwd=root)
    assert overruled.exit == 0, overruled
    assert triple in overruled.stdout


def test_native_is_built_whatever_the_configuration_names(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    triple = host(wheelmatrix, root)
    configure(root, other_than(triple))
    with (root / "pyproject.toml").open("a") as file:
        file.write(NATIVE)
    assert_built_for(wheelmatrix("build", "--json", cwd=root), root, triple)


def test_an_environment_that_names_another_target_does_not_reach_a_native_build(
    wheelmatrix: Wheelmatrix, project: Copy
) -> None:
    root = project("ffi-only")
    other = other_than(host(wheelmatrix, root))
    with (root / "pyproject.toml").open("a") as file:
        file.write(NATIVE)
    ran = wheelmatrix("build", cwd=root, env={"CARGO_BUILD_TARGET": other})
    assert ran.exit == 0, ran
    assert len(ran.wheels) == 1
    assert list(root.glob("target/wheelmatrix/lanes/*/debug"))


@pytest.mark.parametrize("shared", [False, True], ids=["of the project", "of several projects"])
def test_the_build_directory_of_the_configuration_holds_the_lanes(
    wheelmatrix: Wheelmatrix, project: Copy, tmp_path: Path, shared: bool
) -> None:
    root = project("ffi-only")
    build_dir = tmp_path / "scratch" if shared else root / "between"
    (root / ".cargo").mkdir()
    named = str(build_dir) if shared else "between"
    (root / ".cargo" / "config.toml").write_text(f"[build]\nbuild-dir = {json.dumps(named)}\n")
    runs = [wheelmatrix("build", "--json", cwd=root) for _ in range(2)]
    assert [[cell["status"] for cell in json.loads(ran.stdout)["cells"]] for ran in runs] == [["built"], ["reused"]]
    assert len([*root.glob("target/wheels/*.whl")]) == 1
    assert not (root / "target" / "wheelmatrix").exists()
    (workshop,) = build_dir.glob("wheelmatrix*")
    assert (workshop.name == "wheelmatrix") != shared, "two projects with one build directory do not meet"
    assert [*workshop.glob("lanes/*/debug")]
    log = json.loads(runs[0].stdout)["builds"][0]["log"]
    assert (workshop / log).is_file()
    ran = wheelmatrix("clean", cwd=root)
    assert ran.exit == 0, ran
    assert not [*workshop.glob("lanes/*/debug")]
    assert len([*root.glob("target/wheels/*.whl")]) == 1


def test_lanes_lie_in_directories_of_any_name(wheelmatrix: Wheelmatrix, project: Copy, tmp_path: Path) -> None:
    root = project("programs").rename(tmp_path / 'größe 😀 "quoted"')
    ran = wheelmatrix("build", "--json", cwd=root)
    assert ran.exit == 0, ran
    assert list(root.glob("target/wheelmatrix/lanes/*/debug/hello-program"))
    assert json.loads(wheelmatrix("build", "--json", cwd=root).stdout)["cells"][0]["status"] == "reused"
