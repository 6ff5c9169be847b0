from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from matrix import backend


def test_a_mistake_of_the_user_leaves_in_one_line_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        backend.build_wheel(str(tmp_path), {"build-args": "--relase"})
    assert stop.value.code == 2
    assert capsys.readouterr().err == "error: unknown option '--relase'\nhint: did you mean '--release'?\n"


def test_a_source_distribution_of_no_project_is_refused_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        backend.build_sdist("somewhere")
    assert stop.value.code == 2
    assert "neither pyproject.toml nor Cargo.toml is here" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["--locked -F a", ["--locked", "-F", "a"]])
def test_build_args_are_flags(given: object) -> None:
    options = backend._options({"build-args": given}, "out")
    assert options.locked
    assert options.features == ["a"]
    assert options.interpreter == [sys.executable]
    assert options.compatibility == ["off"]
    assert options.default_profile == "release"
    assert options.out == "out"


def test_what_is_given_replaces_what_a_front_end_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATURIN_PEP517_ARGS", "--manylinux 2014 -i 3.12")
    options = backend._options(None, "out")
    assert options.interpreter == ["3.12"]
    assert options.compatibility == ["2014"]


def test_build_args_of_another_type_are_refused() -> None:
    with pytest.raises(Exception, match="neither a string nor a list"):
        backend._options({"build-args": 1}, "out")


def test_the_other_hooks_need_nothing_and_load_nothing() -> None:
    assert backend.get_requires_for_build_wheel() == backend.get_requires_for_build_sdist({}) == []
    script = "import sys, matrix.backend; assert not {'anyio', 'rich', 'msgspec'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (None, []),
        ("[project]", []),
        ("[tool.maturin]\nbindings = 'pyo3'", []),
        ("[tool.maturin]\nbindings = 'cffi'", ["cffi"]),
    ],
)
def test_cffi_is_required_where_the_project_names_it(
    text: str | None, wanted: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert backend.get_requires_for_build_wheel() == wanted


def test_the_base_python_is_built_for_where_the_project_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "_base_executable", "/opt/python")
    assert backend._options(None, "out").interpreter == [sys.executable]
    assert backend._options(None, "out").interpreter_origin == "the Python that asks for the wheel"
    assert backend._options({"interpreter": "3.12"}, "out").interpreter_origin == "-i"
    (tmp_path / "pyproject.toml").write_text("[tool.maturin]\nuse-base-python = true\n", encoding="utf-8")
    assert backend._options(None, "out").interpreter == ["/opt/python"]
    assert backend._options({"interpreter": "3.12"}, "out").interpreter == ["3.12"]


def test_a_setting_that_is_no_flag_is_told_and_passed_over(capsys: pytest.CaptureFixture[str]) -> None:
    options = backend._options({"frobnicate": "1", "locked": "true"}, "out")
    assert options.locked
    assert capsys.readouterr().err == "warning: config setting 'frobnicate' means nothing here\n"
    backend._options({"frobnicate": "1"}, "out", tells=False)
    assert capsys.readouterr().err == ""
