"""Targets that cargo's own configuration names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import Ran

pytestmark = pytest.mark.real


def configure(root: Path, target: str) -> None:
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text(f'[build]\ntarget = "{target}"\n')


def host(wheelmatrix: Callable[..., Ran], root: Path) -> str:
    plan = json.loads(wheelmatrix("plan", "--json", cwd=root).stdout)
    triple: str = plan["builds"][0]["target"]
    return triple


def test_the_host_named_in_the_configuration_is_built(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path]
) -> None:
    root = project("ffi-only")
    triple = host(wheelmatrix, root)
    configure(root, triple)
    ran = wheelmatrix("build", "--json", cwd=root)
    assert ran.exit == 0, ran
    report = json.loads(ran.stdout)
    command = report["builds"][0]["command"]
    assert command[command.index("--target") + 1] == triple
    assert (root / "target" / "wheels" / report["cells"][0]["wheel"]["file"]).is_file()


def test_another_target_in_the_configuration_is_an_error_before_compiling(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path]
) -> None:
    root = project("ffi-only")
    configure(root, "aarch64-unknown-linux-gnu")
    ran = wheelmatrix("build", cwd=root)
    assert ran.exit == 2, ran
    assert ".cargo/config.toml: build.target" in ran.stderr
    assert not (root / "target").exists()


def test_an_environment_that_names_another_target_does_not_reach_a_native_build(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path]
) -> None:
    root = project("ffi-only")
    with (root / "pyproject.toml").open("a") as file:
        file.write('\n[tool.wheelmatrix]\ntargets = ["native"]\n')
    ran = wheelmatrix("build", cwd=root, env={"CARGO_BUILD_TARGET": "aarch64-unknown-linux-gnu"})
    assert ran.exit == 0, ran
    assert len(ran.wheels) == 1
