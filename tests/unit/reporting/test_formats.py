from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.model import Wheel
from matrix.reporting.formats import clock, count, duration, listing, platform_level, platform_levels, size

seconds = st.floats(min_value=0, max_value=360_000)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KB"), (325_120, "318 KB"), (1_048_575, "1.0 MB"), (5_500_000, "5.2 MB")],
)
def test_size(value: int, words: str) -> None:
    assert size(value) == words


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_is_short_and_near_the_truth(value: int) -> None:
    words = size(value)
    number, unit = words.split(" ")
    factor = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}[unit]
    assert float(number) < 1024 or unit in {"B", "TB"}
    assert abs(float(number) * factor - value) <= factor * 0.51
    assert len(words) <= len("1023.9 MB")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0.0s"),
        (0.44, "0.4s"),
        (59.94, "59.9s"),
        (59.96, "1m00s"),
        (362.1, "6m02s"),
        (3599.6, "1h00m"),
        (-3, "0.0s"),
    ],
)
def test_duration(value: float, words: str) -> None:
    assert duration(value) == words


@given(seconds)
def test_a_duration_says_what_it_means(value: float) -> None:
    words = duration(value)
    found = re.fullmatch(r"(?:(\d+)h(\d\d)m|(\d+)m(\d\d)s|(\d+\.\d)s)", words)
    assert found is not None, words
    hours, minutes, alone, rest, short = found.groups()
    said = float(short) if short else int(alone) * 60 + int(rest) if alone else int(hours) * 3600 + int(minutes) * 60
    assert abs(said - value) <= (60 if hours else 0.51)
    assert minutes is None or int(minutes) < 60
    assert rest is None or int(rest) < 60


@given(seconds)
def test_a_clock_counts_whole_seconds(value: float) -> None:
    parts = [int(part) for part in clock(value).split(":")]
    total = 0
    for part in parts:
        total = total * 60 + part
    assert total == int(value)
    assert all(part < 60 for part in parts[1:])


def test_counts_and_listings() -> None:
    assert count(1, "wheel") == "1 wheel"
    assert count(0, "wheel") == "0 wheels"
    assert listing(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert listing(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d (2 more)"


@pytest.mark.parametrize(
    ("tag", "level"),
    [
        ("manylinux_2_34_x86_64", "manylinux_2_34"),
        ("musllinux_1_2_aarch64", "musllinux_1_2"),
        ("macosx_10_12_universal2", "macosx_10_12"),
        ("android_21_arm64_v8a", "android_21"),
        ("win32", "win32"),
        ("linux_x86_64", "linux_x86_64"),
    ],
)
def test_platform_level(tag: str, level: str) -> None:
    assert platform_level(tag) == level


def test_older_aliases_are_not_shown() -> None:
    tags = ("cp312-cp312-manylinux2014_x86_64", "cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-musllinux_1_1_x86_64")
    assert platform_levels(Wheel(file="x.whl", tags=tags, size=1, sha256="")) == "manylinux_2_17 + musllinux_1_1"
    only = ("py3-none-manylinux2014_x86_64",)
    assert platform_levels(Wheel(file="x.whl", tags=only, size=1, sha256="")) == "manylinux2014_x86_64"
