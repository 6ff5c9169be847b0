from __future__ import annotations

import msgspec
import pytest
from support.driving import HOST, PLACE, build_for, wish

from drivers.xwin import XwinDriver

XWIN = XwinDriver()
MSVC = "x86_64-pc-windows-msvc"


def test_the_command_names_its_own_architecture_alone() -> None:
    command = XWIN.command(build_for("i686-pc-windows-msvc", "xwin"), PLACE)
    assert command.argv == (
        "/usr/bin/cargo-xwin", "rustc", "--message-format", "json", "--manifest-path", "/p/Cargo.toml",
        "--target-dir", "/p/target/wheelmatrix/lanes/b", "--lib", "--crate-type", "cdylib",
        "--profile", "release", "--target", "i686-pc-windows-msvc", "--locked",
        "--config", 'build.build-dir="/p/target/wheelmatrix/lanes/b"',
    )  # fmt: skip
    assert command.env["XWIN_ARCH"] == "x86"
    assert command.env["XWIN_ACCEPT_LICENSE"] == "1"


@pytest.mark.parametrize("triple", [MSVC, "aarch64-pc-windows-msvc", "i686-pc-windows-msvc"])
def test_it_builds_for_msvc(triple: str) -> None:
    assert XWIN.supports(wish(triple), HOST).able


@pytest.mark.parametrize("triple", ["x86_64-pc-windows-gnu", "x86_64-unknown-linux-gnu", "x86_64-win7-windows-msvc"])
def test_and_for_nothing_else(triple: str) -> None:
    assert not XWIN.supports(wish(triple), HOST).able


def test_without_consent_it_names_the_licence_and_is_an_error() -> None:
    support = XWIN.supports(wish(MSVC), msgspec.structs.replace(HOST, options={}))
    assert support.forbidden
    assert not support.able
    assert "2086102" in support.reason
    for way in ("accept-license = true", "--accept-xwin-license", "WHEELMATRIX_ACCEPT_XWIN_LICENSE=1"):
        assert way in (support.hint or "")


def test_missing_tools_come_before_the_licence() -> None:
    host = msgspec.structs.replace(HOST, options={}, tools={"cargo-xwin": "/usr/bin/cargo-xwin"})
    support = XWIN.supports(wish(MSVC), host)
    assert not support.forbidden
    assert support.reason == "cargo-xwin could, but clang and lld-link are missing"
    assert support.hint == "apt-get install clang; apt-get install lld"


def test_the_cache_is_filled_once_for_all_architectures() -> None:
    builds = [build_for(triple, "xwin", id=triple) for triple in (MSVC, "aarch64-pc-windows-msvc")]
    steps = [step for step in XWIN.prepare(builds, PLACE) if step.lock == "xwin"]
    assert steps[0].command.argv == ("/usr/bin/cargo-xwin", "cache", "xwin")
    assert steps[0].command.env["XWIN_ARCH"] == "aarch64,x86_64"
    assert set(steps[0].builds) == {MSVC, "aarch64-pc-windows-msvc"}
    assert [step.builds for step in steps[1:]] == [("aarch64-pc-windows-msvc",), (MSVC,)]
