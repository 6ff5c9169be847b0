"""Only those Pythons are looked for that a word needs."""

from __future__ import annotations

from typing import Any

import pytest
from support.planning import HOST

from matrix.errors import UsageError
from matrix.planning import Lookups, Request, needed_lookups
from matrix.project.options import read_options


def lookups(request: Request | None = None, /, **matrix: Any) -> Lookups:
    return needed_lookups(request or Request(), read_options(matrix), HOST)


def test_nothing_said_asks_the_current_python_alone() -> None:
    assert lookups() == Lookups(words={}, discover=False, default=True)


def test_names_and_paths_are_resolved_and_nothing_else_is_sought() -> None:
    found = lookups(Request(interpreters=("python3.12", "./venv/bin/python")))
    assert found == Lookups(words={"python3.12": "-i", "./venv/bin/python": "-i"}, discover=False, default=False)


@pytest.mark.parametrize("word", ["found", "3.12", ">=3.10", "3.14t", "pypy3.11"])
def test_versions_look_for_one_that_runs_here(word: str) -> None:
    assert lookups(interpreters=[word]) == Lookups(words={}, discover=True, default=False)
    assert lookups(Request(interpreters=(word,))).discover


def test_versions_of_another_system_come_from_tables() -> None:
    assert not lookups(interpreters=["3.12", ">=3.10"], targets=["aarch64-apple-darwin"]).discover
    assert lookups(interpreters=["found"], targets=["aarch64-apple-darwin"]).discover
    assert lookups(Request(find=True), targets=["aarch64-apple-darwin"]).discover


def test_flags_replace_the_words_of_the_matrix() -> None:
    found = lookups(Request(interpreters=("python3",)), interpreters=["found", "python3.9"])
    assert found == Lookups(words={"python3": "-i"}, discover=False, default=False)


def test_rows_are_looked_up_too() -> None:
    found = lookups(include=[{"interpreter": "python3.9"}, {"interpreter": "3.13", "target": "native"}])
    assert found.words == {"python3.9": "pyproject.toml: [tool.wheelmatrix] include[0].interpreter"}
    assert found.discover
    assert found.default


def test_bad_words_are_found_before_anything_is_looked_up() -> None:
    with pytest.raises(UsageError, match=r"interpreters\[0\]: '3.l3'"):
        lookups(interpreters=["3.l3"])
    with pytest.raises(UsageError, match=r"\(pyproject.toml: \[tool.wheelmatrix\] targets\[0\]\)"):
        lookups(interpreters=["3.12"], targets=["x86_64-unknown-linux"])
