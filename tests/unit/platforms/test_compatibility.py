from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import UsageError
from matrix.model import Compatibility
from matrix.platforms.compatibility import AUTO, LINUX, PYPI, fits, misfit, parse_compatibility, rust_floor
from matrix.platforms.targets import parse_target

GNU = parse_target("x86_64-unknown-linux-gnu")
MUSL = parse_target("x86_64-unknown-linux-musl")
RISCV = parse_target("riscv64gc-unknown-linux-gnu")
MACOS = parse_target("aarch64-apple-darwin")


def level(family: str, major: int, minor: int) -> Compatibility:
    wish = parse_compatibility(f"{family}_{major}_{minor}")
    assert wish != PYPI
    return wish


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("manylinux_2_17", "manylinux_2_17"),
        ("manylinux2014", "manylinux_2_17"),
        ("2014", "manylinux_2_17"),
        ("2_28", "manylinux_2_28"),
        ("ManyLinux_2_28", "manylinux_2_28"),
        ("manylinux_2_19", "manylinux_2_19"),
        ("manylinux_3_0", "manylinux_3_0"),
        ("musllinux_1_2", "musllinux_1_2"),
        ("musllinux_1_1", "musllinux_1_1"),
        ("auto", "auto"),
        ("off", "linux"),
        ("linux", "linux"),
        ("pypi", "pypi"),
    ],
)
def test_a_level_is_read_however_it_is_written(text: str, expected: str) -> None:
    assert str(parse_compatibility(text)) == expected


@pytest.mark.parametrize("text", ["1", "manylinux1", "2010", "manylinux2010", "2_5", "manylinux_2_12", "2_16"])
def test_a_level_below_what_rust_reaches_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_compatibility(text, "[tool.wheelmatrix] compatibility[0]")
    expected = f"[tool.wheelmatrix] compatibility[0]: {text!r} is out of reach: Rust since 1.64 needs glibc 2.17"
    assert caught.value.message == expected
    assert caught.value.hint == "manylinux_2_17 (manylinux2014) is the lowest level"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("manylinux_2014", "did you mean 'manylinux2014'?"),
        ("musllinux", "did you mean 'musllinux_1_2'?"),
        ("1_2", "did you mean 'musllinux_1_2'?"),
        ("none", None),
        ("", None),
        ("manylinux2_28", "did you mean 'manylinux_2_28'?"),
        ("manylinux2015", "did you mean 'manylinux2014'?"),
        ("musllinux_0_9", "did you mean 'musllinux_1_2'?"),
        ("2014,2_28", None),
        ("manylinux_2_9999", "did you mean 'manylinux_2_28'?"),
        ("musllinux_1_100", "did you mean 'musllinux_1_2'?"),
        ("٢_٢٨", None),
    ],
)
def test_what_is_no_level_is_refused_with_a_hint(text: str, hint: str | None) -> None:
    with pytest.raises(UsageError) as caught:
        parse_compatibility(text)
    assert caught.value.message == f"unknown compatibility level {text!r} (--compatibility)"
    assert caught.value.hint == hint if hint else (caught.value.hint or "").startswith("write")


@given(st.text(max_size=30) | st.from_regex(r"(many|musl)?linux_?\d*_?\d*", fullmatch=True))
def test_any_text_is_a_level_or_our_error(text: str) -> None:
    with suppress(UsageError):
        wish = parse_compatibility(text)
        assert parse_compatibility(str(wish)) == wish


@given(st.integers(2, 9), st.integers(0, 99))
def test_every_pep_600_level_from_2_17_up_is_valid(major: int, minor: int) -> None:
    if (major, minor) >= (2, 17):
        assert level("manylinux", major, minor).version == (major, minor)


def test_a_level_fits_the_targets_of_its_libc() -> None:
    assert fits(level("manylinux", 2, 17), GNU)
    assert not fits(level("manylinux", 2, 17), MUSL)
    assert not fits(level("musllinux", 1, 2), GNU)
    assert fits(level("musllinux", 1, 2), MUSL)
    assert misfit(level("manylinux", 2, 17), MUSL) == "manylinux_2_17 means glibc, x86_64-unknown-linux-musl does not"
    assert misfit(LINUX, MACOS) == "linux means Linux, aarch64-apple-darwin does not"
    assert all(fits(AUTO, target) for target in (GNU, MUSL, RISCV, MACOS))
    assert fits(LINUX, GNU)
    assert fits(LINUX, MUSL)


def test_a_level_below_an_architectures_floor_does_not_fit_it() -> None:
    assert rust_floor(RISCV) == (2, 31)
    reason = misfit(level("manylinux", 2, 17), RISCV)
    assert reason == "manylinux_2_17 is out of reach: Rust for riscv64 needs glibc 2.31"
    assert fits(level("manylinux", 2, 31), RISCV)
    assert not fits(level("manylinux", 2, 35), parse_target("loongarch64-unknown-linux-gnu"))
