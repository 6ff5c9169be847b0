from __future__ import annotations

import pytest
from packaging.tags import mac_platforms

from matrix.errors import UsageError
from matrix.model import Compatibility
from matrix.platforms.compatibility import AUTO, LINUX, fits
from matrix.platforms.platform_tags import deployment_target, platform_tags
from matrix.platforms.pypi import pypi_rejects
from matrix.platforms.targets import known_triples, parse_target

MANY_2_17 = Compatibility(family="manylinux", version=(2, 17))
MANY_2_31 = Compatibility(family="manylinux", version=(2, 31))
MUSL_1_2 = Compatibility(family="musllinux", version=(1, 2))


def tags(triple: str, level: Compatibility | None = None, **environ: str) -> tuple[str, ...]:
    return platform_tags(parse_target(triple), level, environ)


def test_a_linux_wheel_carries_its_level_and_the_alias_in_file_name_order() -> None:
    assert tags("x86_64-unknown-linux-gnu", MANY_2_17) == ("manylinux2014_x86_64", "manylinux_2_17_x86_64")
    assert tags("aarch64-unknown-linux-gnu", MANY_2_31) == ("manylinux_2_31_aarch64",)
    assert tags("armv7-unknown-linux-musleabihf", MUSL_1_2) == ("musllinux_1_2_armv7l",)
    assert tags("loongarch64-unknown-linux-gnu", MANY_2_17) == ("manylinux_2_17_loongarch64",)


@pytest.mark.parametrize("level", [None, LINUX, AUTO])
def test_no_claim_is_plain_linux(level: Compatibility | None) -> None:
    assert tags("x86_64-unknown-linux-gnu", level) == ("linux_x86_64",)


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        ("x86_64-pc-windows-msvc", "win_amd64"),
        ("i686-pc-windows-gnu", "win32"),
        ("aarch64-pc-windows-msvc", "win_arm64"),
        ("aarch64-apple-darwin", "macosx_11_0_arm64"),
        ("x86_64-apple-darwin", "macosx_10_12_x86_64"),
        ("aarch64-apple-ios", "ios_13_0_arm64_iphoneos"),
    ],
)
def test_the_other_platforms(triple: str, expected: str) -> None:
    assert tags(triple) == (expected,)
    assert tags(triple, MANY_2_17) == (expected,), "a level means nothing there"


def test_a_universal2_wheel_names_both_architectures_too() -> None:
    expected = ("macosx_10_12_universal2", "macosx_10_12_x86_64", "macosx_11_0_arm64")
    assert tags("universal2-apple-darwin") == expected


def test_the_deployment_target_raises_the_floor_and_never_lowers_it() -> None:
    assert tags("aarch64-apple-ios", IPHONEOS_DEPLOYMENT_TARGET="14.5") == ("ios_14_5_arm64_iphoneos",)
    assert tags("aarch64-apple-darwin", MACOSX_DEPLOYMENT_TARGET="10.9") == ("macosx_11_0_arm64",)
    assert tags("x86_64-apple-darwin", MACOSX_DEPLOYMENT_TARGET="10.15") == ("macosx_10_15_x86_64",)
    assert tags("x86_64-apple-darwin", MACOSX_DEPLOYMENT_TARGET="13") == ("macosx_13_0_x86_64",)
    intel = parse_target("x86_64-apple-darwin")
    assert deployment_target(intel, {"MACOSX_DEPLOYMENT_TARGET": "12.3"}) == (12, 3)
    with pytest.raises(UsageError, match="MACOSX_DEPLOYMENT_TARGET='ten' is no version"):
        deployment_target(intel, {"MACOSX_DEPLOYMENT_TARGET": "ten"})


def test_an_installer_finds_the_macos_tag_it_looks_for() -> None:
    (tag,) = tags("aarch64-apple-darwin", MACOSX_DEPLOYMENT_TARGET="12.3")
    assert tag in set(mac_platforms((14, 5), "arm64"))


def test_python_host_platform_changes_the_tag_of_its_own_platform_only() -> None:
    forced = {"_PYTHON_HOST_PLATFORM": "macosx-12.0-arm64"}
    assert platform_tags(parse_target("aarch64-apple-darwin"), None, forced) == ("macosx_12_0_arm64",)
    assert platform_tags(parse_target("x86_64-apple-darwin"), None, forced) == ("macosx_10_12_x86_64",)
    assert platform_tags(parse_target("x86_64-unknown-linux-gnu"), None, forced) == ("linux_x86_64",)
    linux = {"_PYTHON_HOST_PLATFORM": "linux-x86_64"}
    assert platform_tags(parse_target("x86_64-unknown-linux-gnu"), MANY_2_17, linux) == ("linux_x86_64",)
    empty = {"_PYTHON_HOST_PLATFORM": ""}
    assert platform_tags(parse_target("x86_64-unknown-linux-gnu"), None, empty) == ("linux_x86_64",)


def test_a_platform_with_releases_asks_for_one() -> None:
    assert tags("x86_64-unknown-freebsd", FREEBSD_VERSION="14.0-RELEASE") == ("freebsd_14_0_release_amd64",)
    with pytest.raises(UsageError) as caught:
        tags("x86_64-unknown-openbsd")
    assert caught.value.hint == "set OPENBSD_VERSION"
    emscripten = tags("wasm32-unknown-emscripten", PYEMSCRIPTEN_PLATFORM_VERSION="2025_0")
    assert emscripten == ("pyemscripten_2025_0_wasm32",)
    with pytest.raises(UsageError, match="PYEMSCRIPTEN_PLATFORM_VERSION is not set"):
        tags("wasm32-unknown-emscripten")
    with pytest.raises(UsageError, match="PYEMSCRIPTEN_PLATFORM_VERSION='new' cannot be part of a tag"):
        tags("wasm32-unknown-emscripten", PYEMSCRIPTEN_PLATFORM_VERSION="new")
    assert tags("wasm32-unknown-emscripten", PYODIDE_ABI_VERSION="2024_0") == ("pyemscripten_2024_0_wasm32",)
    assert tags("x86_64-linux-android", ANDROID_API_LEVEL="21") == ("android_21_x86_64",)
    with pytest.raises(UsageError) as caught:
        tags("aarch64-linux-android")
    assert caught.value.message == "aarch64-linux-android: ANDROID_API_LEVEL is not set"
    assert caught.value.hint == "e.g. 24, the level of its linker"


@pytest.mark.parametrize(
    "tag",
    [
        "manylinux2014_x86_64", "manylinux_2_17_armv7l", "manylinux_2_31_riscv64", "manylinux_2_28_ppc64",
        "musllinux_1_2_s390x", "linux_armv6l", "linux_armv7l", "win32", "win_amd64", "win_arm64", "any",
        "macosx_10_12_x86_64", "macosx_11_0_arm64", "macosx_26_0_universal2", "ios_13_0_arm64_iphoneos",
        "android_21_arm64_v8a", "pyemscripten_2025_0_wasm32",
    ],
)  # fmt: skip
def test_pypi_takes(tag: str) -> None:
    assert pypi_rejects(tag) is None


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("linux_x86_64", "it says nothing of the libc a wheel needs"),
        ("manylinux_2_36_loongarch64", "it takes no manylinux wheels for loongarch64"),
        ("manylinux2014_riscv64", "it takes no manylinux2014 wheels for riscv64"),
        ("manylinux2010_aarch64", "it takes no manylinux2010 wheels for aarch64"),
        ("musllinux_1_2_ppc64", "it takes no musllinux wheels for ppc64"),
        ("macosx_16_0_arm64", "it knows no macOS 16"),
        ("macosx_11_3_arm64", "from macOS 11 on the minor version in a tag must be 0"),
        ("macosx_11_0_riscv", "it takes no macosx wheels for riscv"),
        ("freebsd_14_0_release_amd64", "it knows no such platform"),
        ("android_21_mips", "it knows no such platform"),
        ("", "it knows no such platform"),
    ],
)
def test_pypi_refuses_with_the_reason(tag: str, reason: str) -> None:
    assert pypi_rejects(tag) == f"PyPI refuses {tag}: {reason}"


def test_every_target_has_a_tag_and_every_macos_windows_mobile_one_suits_pypi() -> None:
    environ = {
        "PYEMSCRIPTEN_PLATFORM_VERSION": "2025_0",
        "ANDROID_API_LEVEL": "24",
        **{f"{name}_VERSION": "7" for name in ("FREEBSD", "NETBSD", "OPENBSD", "DRAGONFLY")},
    }
    for target in known_triples().values():
        made = platform_tags(target, MANY_2_31 if fits(MANY_2_31, target) else None, environ)
        assert list(made) == sorted(set(made))
        if target.os in {"windows", "ios", "android", "emscripten"}:
            assert not any(map(pypi_rejects, made)), made
