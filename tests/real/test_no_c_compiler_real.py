"""A machine without a C compiler: zig links what is built, and what runs while it is built."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.formats import file_says
from support.reports import read_report
from support.tools import Ran, find_python, need
from support.wheels import ask, install

pytestmark = [
    pytest.mark.own_rustc,
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the platform's own linker is needed"),
]

ARM = "aarch64-unknown-linux-gnu"
KEPT = ("cargo", "rustc", "rustup", "sh", "env", "uname", "cat", "ls", "mkdir", "rm")


def test_both_the_native_and_a_foreign_wheel_are_built(
    project: Callable[..., Path],
    wheelmatrix: Callable[..., Ran],
    venv: Callable[[Path], Path],
    cross_env: dict[str, str],
    tmp_path: Path,
) -> None:
    path = tmp_path / "path"
    path.mkdir()
    for name in KEPT:
        (path / name).symlink_to(shutil.which(name) or need(name))
    assert not any(shutil.which(name, path=str(path)) for name in ("cc", "gcc", "clang", "ld"))
    python = find_python("3.12")
    root = project("hello-pyo3")
    env = {**cross_env, "PATH": str(path), "WHEELMATRIX_CACHE_DIR": str(tmp_path / "cache")}
    ran = wheelmatrix("build", "-i", python, "--target", "x86_64-unknown-linux-gnu", "--target", ARM, cwd=root, env=env)
    assert ran.exit == 0, str(ran)
    native, foreign = sorted(ran.wheels, key=lambda wheel: "aarch64" in wheel.name)
    report = read_report(root / "target" / "wheels" / "report.json")
    assert {build["driver"] for build in report["builds"]} == {"zig"}
    fresh = venv(python)
    install(fresh, native)
    assert ask(fresh, "import hello_pyo3; print(hello_pyo3.hello('zig'))") == "Hello, zig, from Rust!"
    with zipfile.ZipFile(foreign) as archive:
        (module,) = [name for name in archive.namelist() if name.endswith(".so")]
        assert "aarch64" in file_says(Path(archive.extract(module, tmp_path)))
    again = wheelmatrix("build", "-i", python, "--target", ARM, cwd=root, env=env)
    assert again.exit == 0, str(again)
    assert "unchanged" in again.stderr
