"""What building from a source distribution changes about the options."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from matrix.archives import Entry
from matrix.arguments import parse
from matrix.errors import UsageError
from matrix.sources import write_sdist
from matrix.sourcing import Made, blame, unpacked


def _made(folder: Path) -> Made:
    (folder / "out").mkdir()
    path = folder / "out" / "x-1.0.tar.gz"
    project: Any = SimpleNamespace(target_dir=folder / "target")
    return Made(write_sdist(path, [Entry("Cargo.toml", b"[package]")]), path, project)


def test_the_tree_is_built_in_a_target_directory_of_its_own(tmp_path: Path) -> None:
    options = parse(["build", "--sdist", "-m", "somewhere/Cargo.toml", "-r"])
    with unpacked(_made(tmp_path), options) as changed:
        base = tmp_path / "target" / "wheelmatrix" / "sdist" / "target"
        assert changed.unpacked == base / "package" / "source"
        assert (changed.unpacked / "Cargo.toml").read_text() == "[package]"
    assert changed.manifest_path is None
    assert changed.target_dir == str(base)
    assert changed.out == str(tmp_path / "out")
    assert changed.release
    assert options.manifest_path == "somewhere/Cargo.toml"


def test_one_run_at_a_time_has_the_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options, made = parse(["build", "--sdist"]), _made(tmp_path)
    order = []

    def second() -> None:
        with unpacked(made, options):
            order.append("second")

    with unpacked(made, options):
        other = threading.Thread(target=second)
        other.start()
        other.join(timeout=0.3)
        order.append("first")
    other.join(timeout=30)
    assert order == ["first", "second"]
    assert "another run builds from a source distribution of this project: waiting for it" in capsys.readouterr().err


def test_a_fault_of_the_archive_is_said_to_be_one(tmp_path: Path) -> None:
    error = UsageError("no src/lib.rs", hint="mend it")
    blame(error, _made(tmp_path))
    assert error.message == "x-1.0.tar.gz, unpacked: no src/lib.rs"
    assert error.hint == "mend it"
