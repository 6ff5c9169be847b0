"""Where cargo is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrix.errors import ToolError
from matrix.project.cargo import find_cargo


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


def test_a_cargo_that_is_named_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARGO", "/opt/cargo")
    assert find_cargo() == "/opt/cargo"
    assert str(home) not in os.environ["PATH"]


def test_no_cargo_at_all(home: Path) -> None:
    (home / "cargo").unlink()
    with pytest.raises(ToolError, match="cargo was not found on PATH or in") as caught:
        find_cargo()
    assert "CARGO" in (caught.value.hint or "")
