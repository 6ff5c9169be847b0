"""The doctor on this machine: what is there, what is missing, and what it installs into an environment of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from support.projects import copy_project
from support.tools import TOP, Ran, find_python, need, run

from matrix.checkup import schema

pytestmark = [
    pytest.mark.own_rustc,
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="cross builds start on Linux"),
]

GNU, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
OURS = ("cargo-zigbuild", "cargo-xwin", "wheelmatrix")
EXTRA = "-m pip install 'wheelmatrix[zig]'"


def declared(into: Path, *targets: str) -> Path:
    """A project whose matrix has these targets."""
    root = copy_project("hello-pyo3", into)
    pyproject = root / "pyproject.toml"
    table = f'\n[tool.wheelmatrix]\ninterpreters = ["3.12", "3.14t"]\ntargets = {list(targets)}\n'
    pyproject.write_text(pyproject.read_text(encoding="utf-8") + table, encoding="utf-8")
    return root


def without_our_scripts(env: dict[str, str]) -> dict[str, str]:
    """The environment of someone who has none of the packages that the tests have."""
    folders = os.environ["PATH"].split(os.pathsep)
    kept = [folder for folder in folders if not any(Path(folder, name).exists() for name in OURS)]
    return {**env, "PATH": os.pathsep.join(kept)}


def test_an_environment_without_extras_gets_what_the_matrix_needs(tmp_path: Path, cross_env: dict[str, str]) -> None:
    root, env = declared(tmp_path, GNU, ARM), without_our_scripts(cross_env)
    run([find_python("3.11"), "-m", "venv", tmp_path / "venv"], cwd=tmp_path, check=True)
    python = tmp_path / "venv" / "bin" / "python"
    run([python, "-m", "pip", "install", "-q", TOP], cwd=tmp_path, env=env, check=True)

    def doctor(*flags: str) -> Ran:
        return run([python.with_name("wheelmatrix"), "doctor", *flags], cwd=root, env=env)

    first = doctor()
    assert first.exit == 1, str(first)
    assert "zig       ✗ missing: zig, cargo-zigbuild\n              pip install 'wheelmatrix[zig]'\n" in first.stdout
    assert f"std       ✓ {GNU}, {ARM}" in first.stdout
    assert "xwin      – not needed by this matrix" in first.stdout
    unasked = doctor("--install")
    assert unasked.exit == 1
    assert EXTRA in unasked.stderr
    assert "nothing was run" in unasked.stderr
    assert doctor("--json").stdout == doctor("--install", "--json").stdout, "nothing changed"

    told = doctor("--install", "--yes")
    assert told.exit == 0, str(told)
    assert EXTRA in told.stderr
    assert "Successfully installed" in told.stderr, "pip's own words"
    assert "the whole matrix can be built here" in told.stdout
    second = json.loads(doctor("--json").stdout)
    jsonschema.validate(second, schema())
    assert second["ready"]
    (zig,) = [one for one in second["drivers"] if one["name"] == "zig"]
    assert all(tool["path"].startswith(str(tmp_path)) and tool["version"] for tool in zig["tools"])

    run([python, "-m", "pip", "uninstall", "-q", "-y", "ziglang", "pip"], cwd=tmp_path, check=True)
    without_pip = doctor("--install", "--yes")
    assert without_pip.exit == 1, str(without_pip)
    assert "this environment has no pip: not run" in without_pip.stderr


def test_a_machine_without_rust_is_told_so(wheelmatrix: Callable[..., Ran], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    root = declared(tmp_path, GNU)
    env = {"PATH": str(empty), "HOME": str(tmp_path), "CARGO_HOME": str(empty), "CARGO": "", "RUSTC": ""}
    ran = wheelmatrix("doctor", cwd=root, env=env)
    assert ran.exit == 1, str(ran)
    assert "missing: cargo, rustc, cc" in ran.stdout
    assert "the project cannot be read: cargo was not found" in ran.stdout
    assert ran.stderr == ""
    found = json.loads(wheelmatrix("doctor", "--json", cwd=root, env=env).stdout)
    assert found["host"] == GNU or not found["host"].startswith("x86_64")
    assert found["project"] is None
    assert found["commands"]


def test_outside_a_project_the_machine_is_listed(wheelmatrix: Callable[..., Ran], tmp_path: Path) -> None:
    need("cc")
    ran = wheelmatrix("doctor", cwd=tmp_path)
    assert ran.exit == 0, str(ran)
    assert ran.stdout.startswith("no project · ")
    assert "not needed" not in ran.stdout
    assert "Rust projects can be built here" in ran.stdout


def test_what_no_driver_builds_and_a_licence_are_lines(
    wheelmatrix: Callable[..., Ran], cross_env: dict[str, str], tmp_path: Path
) -> None:
    root = declared(tmp_path, GNU, "x86_64-pc-windows-msvc", "sparc64-unknown-linux-gnu")
    env = {**cross_env, "XWIN_ACCEPT_LICENSE": "", "WHEELMATRIX_ACCEPT_XWIN_LICENSE": ""}
    ran = wheelmatrix("doctor", cwd=root, env=env)
    assert ran.exit == 1, str(ran)
    assert ran.stderr == ""
    assert "fwlink 2086102" in ran.stdout
    assert "no driver here builds for sparc64-unknown-linux-gnu" in ran.stdout
    accepted = wheelmatrix("doctor", "--accept-xwin-license", "--target", "x86_64-pc-windows-msvc", cwd=root, env=env)
    assert "fwlink" not in accepted.stdout
