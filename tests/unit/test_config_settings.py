from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.config_settings import flags_of, has_flag
from matrix.errors import UsageError


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        (None, []),
        ({}, []),
        ({"build-args": "--locked -F 'a b'"}, ["--locked", "-F", "a b"]),
        ({"build-args": ["--locked", "-F", "a b"]}, ["--locked", "-F", "a b"]),
        ({"maturin.build-args": "--zig"}, ["--zig"]),
        ({"features": "a,b", "locked": "true"}, ["--features=a,b", "--locked"]),
        ({"locked": True, "offline": "", "frozen": "false"}, ["--locked", "--offline"]),
        ({"--profile": "dist"}, ["--profile=dist"]),
        ({"target": ["x", "y"]}, ["--target=x", "--target=y"]),
        ({"build-args": "--locked", "profile": "dev"}, ["--locked", "--profile=dev"]),
    ],
)
def test_settings_are_flags(settings: dict[str, Any] | None, flags: list[str]) -> None:
    assert flags_of(settings, {}) == (flags, [])


def test_keys_of_other_back_ends_are_handed_back() -> None:
    assert flags_of({"editable_mode": "compat", "--global-option": "x"}, {}) == (
        [],
        ["editable_mode", "--global-option"],
    )


def test_the_environment_stands_in_for_build_args_alone() -> None:
    environ = {"MATURIN_PEP517_ARGS": "--locked", "WHEELMATRIX_PEP517_ARGS": "--zig"}
    assert flags_of({"profile": "dev"}, environ)[0] == ["--zig", "--profile=dev"]
    assert flags_of({}, environ | {"WHEELMATRIX_PEP517_ARGS": ""})[0] == ["--locked"]
    assert flags_of({"build-args": ""}, environ)[0] == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"build-args": 1}, "build-args is neither a string nor a list of strings"),
        ({"locked": "perhaps"}, "config setting locked is 'perhaps'"),
        ({"profile": 3}, "config setting profile is neither a string nor a list of strings"),
        ({"features": {"a": 1}}, "config setting features is neither a string nor a list of strings"),
    ],
)
def test_values_of_no_use_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        flags_of(settings, {})


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12) | st.lists(st.text(max_size=5), max_size=3)))
def test_any_settings_are_flags_or_our_error(settings: dict[str, Any]) -> None:
    try:
        flags, unused = flags_of(settings, {})
    except UsageError:
        return
    assert set(unused) <= set(settings)
    assert all(isinstance(flag, str) for flag in flags)


def test_a_flag_is_seen_in_each_of_its_forms() -> None:
    assert has_flag(["-i3.12"], "-i", "--interpreter")
    assert has_flag(["--interpreter=3.12"], "-i", "--interpreter")
    assert has_flag(["-i", "3.12"], "-i", "--interpreter")
    assert not has_flag(["--ignore-rust-version"], "-i", "--interpreter")
