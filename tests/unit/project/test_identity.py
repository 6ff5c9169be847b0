from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from matrix.errors import ConfigError
from matrix.project.identity import (
    PROJECT_KEYS,
    identity_warnings,
    pep440,
    project_name,
    project_requires_python,
    project_version,
)


@pytest.mark.parametrize(
    ("cargo", "python"),
    [
        ("1.2.3", "1.2.3"),
        ("0.1.0", "0.1.0"),
        ("1.0.0-alpha.1", "1.0.0a1"),
        ("1.0.0-alpha1", "1.0.0a1"),
        ("1.0.0-beta", "1.0.0b0"),
        ("1.2.0-rc.1", "1.2.0rc1"),
        ("1.2.0-dev.4", "1.2.0.dev4"),
        ("1.2.0+g1.2", "1.2.0+g1.2"),
        ("1.2.0-beta.2+linux", "1.2.0b2+linux"),
    ],
)
def test_cargo_versions_in_python(cargo: str, python: str) -> None:
    assert pep440(cargo) == python


@pytest.mark.parametrize("cargo", ["1.0.0-alpha.1.2", "1.0.0-SNAPSHOT", "1.0.0-x.7.z.92"])
def test_cargo_versions_that_python_lacks(cargo: str) -> None:
    with pytest.raises(ConfigError, match=r"Cargo.toml: version '.*' has no meaning in PEP 440"):
        project_version({}, cargo)


_NUMBERS = st.tuples(*[st.integers(0, 40)] * 3)
_STAGES = st.tuples(st.integers(0, 3), st.integers(0, 20))
_RELEASED = (4, 0)


@given(st.lists(st.tuples(_NUMBERS, _STAGES | st.just(_RELEASED)), min_size=2, max_size=6))
def test_versions_keep_their_order(versions: list[tuple[tuple[int, ...], tuple[int, int]]]) -> None:
    words = ("dev", "alpha", "beta", "rc")
    written = [
        ".".join(map(str, numbers)) + (f"-{words[stage[0]]}.{stage[1]}" if stage != _RELEASED else "")
        for numbers, stage in sorted(versions)
    ]
    read = [Version(pep440(one)) for one in written]
    assert read == sorted(read)
    assert all(str(one) == pep440(str(one)) for one in read)


def test_name_and_version_come_from_either_file() -> None:
    table = {"project": {"name": "My-Dist", "version": "1.0.0.RC1"}}
    assert project_name(table, "my-crate") == "My-Dist"
    assert project_version(table, "0.1.0") == "1.0.0rc1"
    dynamic = {"project": {"name": "x", "dynamic": ["version"]}}
    assert project_version(dynamic, "0.1.0-rc.1") == "0.1.0rc1"
    assert project_name({}, "my-crate") == "my-crate"
    assert (
        identity_warnings(table, "0.1.0") == identity_warnings(dynamic, "0.1.0") == identity_warnings({}, "1.0.0") == ()
    )


def test_unknown_keys_are_named_with_the_nearest_known_one() -> None:
    table = {"project": {"name": "x", "version": "1", "dependancies": [], "requires_python": "", "colour": 1}}
    assert identity_warnings(table, "1.0.0") == (
        "pyproject.toml: [project] unknown key 'dependancies' is ignored; did you mean 'dependencies'?",
        "pyproject.toml: [project] unknown key 'requires_python' is ignored; did you mean 'requires-python'?",
        "pyproject.toml: [project] unknown key 'colour' is ignored",
    )
    known = dict.fromkeys(PROJECT_KEYS, "1")
    assert identity_warnings({"project": known}, "1.0.0") == ()
    from pyproject_metadata.constants import KNOWN_PROJECT_FIELDS

    assert PROJECT_KEYS >= KNOWN_PROJECT_FIELDS, "the metadata library knows of a newer key"


def test_warnings() -> None:
    said = identity_warnings({"project": {"name": "x"}}, "0.1.0-1")
    assert len(said) == 2
    assert "has no version and does not name it in dynamic; Cargo.toml's 0.1.0-1 is taken" in said[0]
    assert "0.1.0-1 is a pre-release to cargo and the post-release 0.1.0.post1 to Python" in said[1]


@pytest.mark.parametrize(
    ("project", "message"),
    [
        ({}, r"\[project\] the key 'name' is missing"),
        ({"name": ""}, r"\[project\] the key 'name' is missing"),
        ({"name": 3}, r"\[project\] the key 'name' is missing"),
        ({"name": "x", "version": "one"}, r"\[project\] version: 'one' has no meaning in PEP 440"),
        ({"name": "x", "version": 1.0}, r"\[project\] version: expected a string, not 1.0"),
        ({"name": "x", "requires-python": "3.10"}, r"\[project\] requires-python: '3.10' is not a specifier"),
        ({"name": "x", "requires-python": 3.10}, r"\[project\] requires-python: 3.1 is not a specifier"),
        ("x", r"\[project\] must be a table"),
    ],
)
def test_bad_projects(project: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        _read({"project": project})


def test_requires_python() -> None:
    assert project_requires_python({}) is None
    assert project_requires_python({"project": {"requires-python": ">=3.10,<4"}}) == ">=3.10,<4"


_VALUES = st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.lists(st.text(max_size=8), max_size=2)


@given(st.dictionaries(st.sampled_from(["name", "version", "requires-python", "dynamic"]), _VALUES) | _VALUES)
def test_whatever_stands_there_is_read_or_refused(project: Any) -> None:
    with suppress(ConfigError):
        _read({"project": project})


def _read(table: dict[str, Any]) -> None:
    project_name(table, "crate")
    project_version(table, "1.0.0")
    project_requires_python(table)
    identity_warnings(table, "1.0.0")
