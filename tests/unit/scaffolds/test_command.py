"""``new`` and ``init`` from the command line on: what they say, ask, refuse and leave alone."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest
from support.golden import assert_golden

from matrix.arguments import make_parser, subparser
from matrix.cli import main
from matrix.scaffolds.kinds import KINDS

GOLDEN = Path(__file__).parent / "golden"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in an empty directory, without a terminal and with every program on PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    return tmp_path


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def bindings(folder: Path) -> str:
    text = (folder / "pyproject.toml").read_text("utf-8")
    return next(line.split('"')[1] for line in text.splitlines() if line.startswith("bindings = "))


def test_what_new_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ""
    for words in (
        ["new", "demo"],
        ["new", "--mixed", "-b", "cffi", "deep/my-lib"],
        ["new", "--mixed", "--src", "-b", "uniffi", "a b", "--name", "shapes"],
        ["new", "--src", "json"],
        ["new", "-q", "quiet"],
    ):
        assert main(words) == 0
        out, err = capsys.readouterr()
        said += f"$ wheelmatrix {' '.join(words)}\n{out}{err}\n"
    assert_golden(GOLDEN / "new.txt", said)


def test_what_init_says(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "here").mkdir()
    (here / "here" / ".gitignore").write_text("mine\n")
    assert main(["init", "here", "-b", "bin"]) == 0
    out, err = capsys.readouterr()
    assert_golden(GOLDEN / "init.txt", out + err)
    assert (here / "here" / ".gitignore").read_text() == "mine\n"


def test_init_without_a_path_means_this_directory(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "words").mkdir()
    monkeypatch.chdir(here / "words")
    assert main(["init"]) == 0
    out, err = capsys.readouterr()
    assert out == ".\n"
    assert "cd " not in err
    assert 'name = "words"' in (here / "words" / "Cargo.toml").read_text()


def test_new_fills_an_empty_directory_and_keeps_it(here: Path) -> None:
    (here / "empty").mkdir(mode=0o700)
    before = (here / "empty").stat().st_ino
    assert main(["new", "empty"]) == 0
    assert (here / "empty").stat().st_ino == before
    assert (here / "empty" / "Cargo.toml").is_file()


@pytest.mark.parametrize(
    ("answer", "kind", "tries"),
    [("\n", "pyo3", 1), ("", "pyo3", 1), ("5\n", "bin", 1), ("cffi\n", "cffi", 1), ("0\n9\n2\n", "rust-cpython", 3)],
)
def test_a_terminal_is_asked_for_the_bindings(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    kind: str,
    tries: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert main(["new", "demo"]) == 0
    out, err = capsys.readouterr()
    assert out == "demo\n"
    assert err.count("number or name [pyo3]: ") == tries
    assert all(name in err for name in KINDS)
    assert bindings(here / "demo") == kind


def test_a_terminal_is_not_asked_for_ever(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("x\n" * 9))
    assert main(["new", "demo"]) == 2
    assert "hint: name them: -b pyo3|rust-cpython|cffi|uniffi|bin" in capsys.readouterr().err
    assert snapshot(here) == {}


def test_nobody_is_asked_what_the_flag_says(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("bin\n"))
    assert main(["new", "demo", "-b", "pyo3"]) == 0
    assert "which bindings?" not in capsys.readouterr().err
    assert bindings(here / "demo") == "pyo3"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["new", "full"], "/full exists and is not empty (new)", "wheelmatrix init full adds a project to it"),
        (["new", "file"], "/file exists and is no directory (new)", None),
        (["init", "file"], "/file exists and is no directory (init)", None),
        (["init", "cargo"], "/cargo/Cargo.toml exists: there is a project already (init)", "wheelmatrix build builds"),
        (["init", "python"], "/python/pyproject.toml exists: there is a project already (init)", "wheelmatrix build"),
        (["init", "rust"], "/rust/rust/Cargo.toml exists: there is a project already (init)", "wheelmatrix build"),
        (["new", "a b"], "'a b' cannot name a project (the name of the directory ", "for example --name a-b"),
        (["new", "ok", "--name", "1st"], "cargo takes no digit at the start", "for example --name st"),
        (["new", "ok", "-b", "pyo"], "unknown bindings 'pyo' (-b)", "did you mean 'pyo3'?"),
        (["new", "ok", "-b", "swig"], "unknown bindings 'swig' (-b)", "known: pyo3, rust-cpython, cffi, uniffi, bin"),
        (["new", "tests"], "the project has a directory 'tests'", "for example --name my-tests"),
        (["new"], "new needs PATH", "wheelmatrix new --help"),
        (["new", "/"], "/ exists and is not empty (new)", None),
        (["new", "ok", "--mixd"], "unknown option '--mixd'", "did you mean '--mixed'?"),
    ],
)
def test_what_cannot_be_made_is_refused_before_anything_is_written(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str, hint: str | None
) -> None:
    for name in ("full/x", "file", "cargo/Cargo.toml", "python/pyproject.toml", "rust/rust/Cargo.toml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_text("")
    before = snapshot(here)
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert f"hint: {hint}" in err if hint is not None else True
    assert snapshot(here) == before


def test_a_directory_of_the_modules_name_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "demo" / "demo").mkdir(parents=True)
    assert main(["init", "demo"]) == 0
    assert f"warning: {Path('demo/demo')} is there and becomes the project's Python package" in capsys.readouterr().err


def test_source_that_is_there_stays_and_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "demo" / "src").mkdir(parents=True)
    (here / "demo" / "src" / "lib.rs").write_text("// mine")
    assert main(["init", "demo"]) == 0
    err = capsys.readouterr().err
    assert f"warning: {Path('demo/src/lib.rs')} stays as it is: Python imports it once you add a module to it" in err
    assert "#[pyo3::pymodule] mod demo {}" in err
    assert (here / "demo" / "src" / "lib.rs").read_text() == "// mine"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[workspace]\n", True),
        ('[workspace]\nmembers = ["other"]\n', True),
        ('[workspace]\nmembers = ["crates/*"]\n', False),
        ('[workspace]\nmembers = ["./crates/demo/"]\n', False),
        ('[workspace]\nexclude = ["crates"]\n', False),
        ("[package]\n", False),
        ("not toml [", False),
    ],
)
def test_a_cargo_workspace_above_has_to_know(
    here: Path, capsys: pytest.CaptureFixture[str], table: str, told: bool
) -> None:
    (here / "Cargo.toml").write_text(table)
    assert main(["new", "crates/demo"]) == 0
    err = capsys.readouterr().err
    assert ('is a cargo workspace: add "crates/demo" to its members, or to exclude' in err) == told


def test_the_help_names_every_kind_of_bindings() -> None:
    for command in ("new", "init"):
        text = subparser(make_parser(), command).format_help()
        assert all(kind in text for kind in KINDS)


def test_source_that_has_the_module_already_is_no_warning(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "demo" / "src").mkdir(parents=True)
    (here / "demo" / "src" / "lib.rs").write_text("#[pyo3::pymodule]\nmod demo {}\n")
    assert main(["init", "demo"]) == 0
    err = capsys.readouterr().err
    assert "warning" not in err
    assert "left as they were: src/lib.rs" in err
