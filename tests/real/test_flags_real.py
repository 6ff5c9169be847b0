"""What flags add to a wheel, and how it is packed, in one build of each tool: stubs of the binary, more SBOMs."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import copy_project
from support.tools import Ran, find_python, need, run

pytestmark = pytest.mark.real


def stubs(folder: Path) -> dict[str, bytes]:
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name.endswith((".pyi", "py.typed"))}


def packed(folder: Path) -> dict[str, tuple[int, int]]:
    """How each member is packed: the number of the method, and what reads it must know."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return {one.filename: (one.compress_type, one.extract_version) for one in archive.infolist()}


def test_what_flags_add_is_what_they_add_to_maturins_wheel(wheelmatrix: Callable[..., Ran], tmp_path: Path) -> None:
    root, python = copy_project("described", tmp_path), find_python("3.12")
    (root / "more.spdx.json").write_text("{}")
    argv: list[str | Path] = ["build", "--generate-stubs", "--sbom-include", "more.spdx.json"]
    argv += ["--compression-method", "bzip2", "--compression-level", "9", "-i", python, "-o"]
    ran = wheelmatrix(*argv, tmp_path / "ours", cwd=root)
    assert ran.exit == 0, str(ran)
    lane = next((root / "target" / "wheelmatrix" / "lanes").glob("cp312-*/"))  # it compiles the module alone
    run([need("maturin"), *argv, tmp_path / "theirs"], cwd=root, env={"CARGO_TARGET_DIR": os.fspath(lane)}, check=True)
    ours = stubs(tmp_path / "ours")
    assert set(ours) == {f"described/{name}" for name in ("__init__.pyi", "py.typed", "sub.pyi")}
    assert ours == stubs(tmp_path / "theirs")
    members = packed(tmp_path / "ours")
    assert "described-0.1.0.dist-info/sboms/more.spdx.json" in members
    assert members == packed(tmp_path / "theirs")


def test_a_module_that_does_not_describe_itself_is_told_before_it_is_compiled(
    wheelmatrix: Callable[..., Ran], tmp_path: Path
) -> None:
    root = copy_project("hello-pyo3", tmp_path)
    ran = wheelmatrix("build", "--generate-stubs", cwd=root)
    assert ran.exit == 2
    assert "needs pyo3's feature experimental-inspect, which is off" in ran.stderr
    assert "hint: " in ran.stderr
    assert not (root / "target").exists()


def test_a_build_that_alone_needs_more_memory_than_allowed_is_told_once(
    wheelmatrix: Callable[..., Ran], tmp_path: Path
) -> None:
    root = copy_project("ffi-only", tmp_path)
    for words in (" MB) needed more memory than", " MB the last time) needs more memory than"):
        ran = wheelmatrix("build", "--max-memory", "1K", cwd=root)
        assert ran.exit == 0, str(ran)
        (warning,) = [line for line in ran.stderr.splitlines() if "--max-memory" in line]
        assert warning.startswith("warning: cp3"), str(ran)
        assert f"{words} --max-memory allows (1 KB): " in warning, str(ran)
        assert warning.endswith("runs alone"), str(ran)
