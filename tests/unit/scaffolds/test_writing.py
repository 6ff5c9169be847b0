"""Files of a new project arrive together or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matrix.scaffolds.writing import write_project

FILES = {"src/lib.rs": "// rust\n", "a/b/c.txt": "deep\n", "Cargo.toml": "[package]\n"}


def there(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()
    }


def test_a_missing_directory_is_made_with_those_above_it(tmp_path: Path) -> None:
    assert write_project(tmp_path / "one" / "two", FILES) == []
    assert there(tmp_path / "one" / "two") == FILES
    assert os.listdir(tmp_path / "one") == ["two"]  # noqa: PTH208 - names alone


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text("mine")
    (tmp_path / "a").mkdir()
    (tmp_path / "other").write_text("mine too")
    assert write_project(tmp_path, FILES) == ["src/lib.rs"]
    assert there(tmp_path) == {**FILES, "src/lib.rs": "mine", "other": "mine too"}


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").symlink_to(tmp_path / "nowhere")
    assert write_project(tmp_path, FILES) == ["Cargo.toml"]
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_left_of_what_could_not_be_added(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file where a directory must be")
    with pytest.raises(OSError, match="a"):
        write_project(tmp_path, FILES)
    assert there(tmp_path) == {"a": "a file where a directory must be"}
    assert os.listdir(tmp_path) == ["a"]  # noqa: PTH208 - names alone


def test_nothing_is_left_of_what_could_not_be_made(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"x{300}"):
        write_project(tmp_path / "one" / "two", {**FILES, "x" * 300: "too long a name"})
    assert list(tmp_path.iterdir()) == []


def test_a_file_above_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_project(tmp_path / "file" / "project", FILES)
    assert there(tmp_path) == {"file": ""}
