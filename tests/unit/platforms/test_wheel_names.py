"""Wheel file names agree with what packaging reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from matrix.platforms.wheel_names import escape_name, escape_version, wheel_file_name, wheel_tags

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,12}[A-Za-z0-9])?", fullmatch=True)
VERSIONS = st.sampled_from(["1.0", "1.0.0a1", "2!3.4.post1", "1.2.dev3+local.1", "2026.9.1", "1.0rc2", "0.30.0"])


def test_name_of_a_versioned_wheel() -> None:
    tags = ["manylinux_2_17_x86_64", "manylinux2014_x86_64"]
    assert (
        wheel_file_name("rpds-py", "0.30.0", "cp312", "cp312", tags)
        == "rpds_py-0.30.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    )


def test_name_with_an_open_level() -> None:
    assert wheel_file_name("A.b", "1", "cp39", "abi3", ["*_x86_64"]) == "a_b-1-cp39-abi3-*_x86_64.whl"


@pytest.mark.parametrize(
    ("version", "escaped"),
    [("1.0.0-alpha.1", "1.0.0a1"), ("1.0.0", "1.0.0"), ("1.0+Local-1", "1.0+local.1"), ("1!2", "1!2")],
)
def test_versions_are_normalised_and_keep_their_zeros(version: str, escaped: str) -> None:
    assert escape_version(version) == escaped


@given(NAMES, VERSIONS)
def test_packaging_reads_back_what_went_in(name: str, version: str) -> None:
    file = wheel_file_name(name, version, "cp315", "abi3.abi3t", ["win_amd64"])
    read_name, read_version, build, tags = parse_wheel_filename(file)
    assert read_name == canonicalize_name(name)
    assert read_version == Version(version)
    assert build == ()
    assert tags == {Tag("cp315", "abi3", "win_amd64"), Tag("cp315", "abi3t", "win_amd64")}
    assert {str(tag) for tag in tags} == set(wheel_tags("cp315", "abi3.abi3t", ["win_amd64"]))
    assert "-" not in escape_name(name)


def test_tags_are_expanded_and_sorted() -> None:
    assert wheel_tags("cp39", "abi3", ["b", "a"]) == ("cp39-abi3-a", "cp39-abi3-b")
