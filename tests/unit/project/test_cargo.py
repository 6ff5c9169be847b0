"""Where cargo is looked for."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from matrix.errors import ToolError
from matrix.project.cargo import find_cargo
from matrix.project.refusals import refusal


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cargo home with a program in it, which PATH does not name."""
    programs = tmp_path / "cargo" / "bin"
    programs.mkdir(parents=True)
    (programs / "cargo").write_text("#!/bin/sh\n", encoding="utf-8")
    (programs / "cargo").chmod(0o755)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CARGO", raising=False)
    return programs


def test_rust_that_path_lacks_joins_it_last(home: Path, tmp_path: Path) -> None:
    assert find_cargo() == str(home / "cargo")
    assert os.environ["PATH"] == f"{tmp_path}{os.pathsep}{home}"
    assert find_cargo() == str(home / "cargo")
    assert os.environ["PATH"].count(str(home)) == 1


def test_a_cargo_that_is_named_counts(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own-cargo"
    own.touch(mode=0o755)
    for name in (str(own), "bin/cargo"):  # a relative one is cargo's own affair: it counts from where cargo runs
        monkeypatch.setenv("CARGO", name)
        assert find_cargo() == name
    assert str(home) not in os.environ["PATH"]


def test_a_cargo_that_is_named_and_missing_is_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (str(tmp_path / "gone"), "no-such-cargo"):
        monkeypatch.setenv("CARGO", name)
        with pytest.raises(ToolError, match=f"CARGO is '{re.escape(name)}', which is no program"):
            find_cargo()


def test_no_cargo_at_all(home: Path) -> None:
    (home / "cargo").unlink()
    with pytest.raises(ToolError, match="cargo was not found on PATH or in") as caught:
        find_cargo()
    assert "CARGO" in (caught.value.hint or "")


def test_a_target_directory_that_cargo_cannot_write_says_how_to_name_another(tmp_path: Path) -> None:
    words = 'error: Read-only file system (os error 30) at path "/p/target61jkTk"'
    said = refusal("package", tmp_path / "Cargo.toml", tmp_path, words)
    assert said.hint == "cargo writes into its target directory: name another with CARGO_TARGET_DIR"
    assert refusal("package", tmp_path / "Cargo.toml", tmp_path, "error: no").hint is None


def test_a_toolchain_that_is_not_there_is_no_fault_of_the_manifest(tmp_path: Path) -> None:
    words = "error: toolchain 'nonsense' is not installed\n\nStack backtrace:\n   0: anyhow::error\n"
    said = refusal("metadata", tmp_path / "Cargo.toml", tmp_path, words)
    assert said.message == "cargo does not work: toolchain 'nonsense' is not installed"
    assert said.hint is not None
    assert "RUSTUP_TOOLCHAIN" in said.hint
