from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ToolError, UsageError
from matrix.platforms import targets
from matrix.platforms.targets import UNIVERSAL2, archflags_target, host_target, parse_target, slices


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        ("x86_64-unknown-linux-gnu", ("x86_64", "linux", "gnu", "x86_64", 64)),
        ("aarch64-unknown-linux-musl", ("aarch64", "linux", "musl", "aarch64", 64)),
        ("armv7-unknown-linux-gnueabihf", ("armv7", "linux", "gnu", "armv7l", 32)),
        ("arm-unknown-linux-musleabihf", ("arm", "linux", "musl", "armv6l", 32)),
        ("powerpc64le-unknown-linux-gnu", ("powerpc64le", "linux", "gnu", "ppc64le", 64)),
        ("riscv64gc-unknown-linux-gnu", ("riscv64gc", "linux", "gnu", "riscv64", 64)),
        ("aarch64-apple-darwin", ("aarch64", "macos", "", "arm64", 64)),
        ("universal2-apple-darwin", ("universal2", "macos", "", "universal2", 64)),
        ("i686-pc-windows-msvc", ("i686", "windows", "msvc", "32", 32)),
        ("x86_64-pc-windows-gnullvm", ("x86_64", "windows", "gnullvm", "amd64", 64)),
        ("aarch64-apple-ios-sim", ("aarch64", "ios", "", "arm64_iphonesimulator", 64)),
        ("wasm32-unknown-emscripten", ("wasm32", "emscripten", "", "wasm32", 32)),
    ],
)
def test_a_triple_is_what_python_calls_it(triple: str, expected: tuple[object, ...]) -> None:
    target = parse_target(triple)
    assert target.triple == triple
    assert (target.arch, target.os, target.libc, target.machine, target.pointer_width) == expected


def test_an_unknown_triple_names_itself_its_origin_and_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        parse_target("aarch64-unknown-linux-gun", "[tool.wheelmatrix] targets[1]")
    assert caught.value.message == "unknown target 'aarch64-unknown-linux-gun' ([tool.wheelmatrix] targets[1])"
    assert caught.value.hint == "did you mean 'aarch64-unknown-linux-gnu'?"


def test_a_zig_triple_with_a_libc_version_is_told_about_levels() -> None:
    with pytest.raises(UsageError) as caught:
        parse_target("x86_64-unknown-linux-gnu.2.17")
    assert caught.value.hint is not None
    assert "--compatibility manylinux_2_17" in caught.value.hint


@given(st.text(max_size=40))
def test_any_text_is_a_target_or_our_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_target(text).triple == text


def test_universal2_is_two_binaries() -> None:
    assert [part.machine for part in slices(parse_target(UNIVERSAL2))] == ["x86_64", "arm64"]
    linux = parse_target("x86_64-unknown-linux-gnu")
    assert slices(linux) == (linux,)


@pytest.mark.parametrize(
    ("flags", "triple"),
    [
        ("", None),
        ("-arch arm64", "aarch64-apple-darwin"),
        ("-arch x86_64", "x86_64-apple-darwin"),
        ("-arch arm64  -arch x86_64", "universal2-apple-darwin"),
        ("-arch x86_64 -arch x86_64", "x86_64-apple-darwin"),
    ],
)
def test_archflags_choose_a_macs_target(flags: str, triple: str | None) -> None:
    chosen = archflags_target({"ARCHFLAGS": flags}, parse_target("x86_64-apple-darwin"))
    assert (chosen.triple if chosen else None) == triple
    assert archflags_target({"ARCHFLAGS": flags}, parse_target("x86_64-unknown-linux-gnu")) is None


@pytest.mark.parametrize("flags", ["-arch ppc", "-arch", "-arch arm64 -arch i386", "-O2"])
def test_archflags_that_cannot_be_obeyed(flags: str) -> None:
    with pytest.raises(UsageError, match="cannot be obeyed"):
        archflags_target({"ARCHFLAGS": flags}, parse_target("aarch64-apple-darwin"))


async def test_a_missing_rustc_is_said_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RUSTC", raising=False)
    with pytest.raises(ToolError) as caught:
        await host_target(tmp_path)
    assert caught.value.message == "rustc: program not found"
    assert caught.value.hint is not None
    assert "rustup" in caught.value.hint


async def test_a_failing_rustc_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "rustc"
    fake.write_text("#!/bin/sh\necho 'error: no default toolchain' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RUSTC", raising=False)
    with pytest.raises(ToolError, match="rustc -vV failed: error: no default toolchain"):
        await host_target(tmp_path)


async def test_a_host_without_wheels_asks_for_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def elsewhere(_root: Path) -> str:
        return "x86_64-unknown-haiku"

    monkeypatch.setattr(targets, "host_triple", elsewhere)
    with pytest.raises(ToolError, match="unknown target 'x86_64-unknown-haiku'"):
        await host_target(tmp_path)
