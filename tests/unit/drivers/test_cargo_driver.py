from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from drivers import ALL
from drivers.cargo import CargoDriver
from matrix.driver import Host, Place
from matrix.model import Build, Settings, Target

BuildFactory = Callable[..., Build]

PLACE = Place(
    root="/p",
    manifest="/p/Cargo.toml",
    lane="/p/target/wheelmatrix/lanes/b",
    pyo3_config="/p/target/wheelmatrix/lanes/b.pyo3",
    python="/usr/bin/python3.12",
    jobs=2,
    jobserver="-j --jobserver-fds=3,4 --jobserver-auth=3,4",
    cargo_flags=("--locked",),
)


def test_the_plain_command(make_build: BuildFactory) -> None:
    command = CargoDriver().command(make_build(), PLACE)
    assert command.argv == (
        "cargo", "rustc", "--message-format", "json", "--manifest-path", "/p/Cargo.toml",
        "--target-dir", "/p/target/wheelmatrix/lanes/b", "--lib", "--crate-type", "cdylib",
        "--profile", "release", "--locked",
    )  # fmt: skip
    assert command.env == {
        "CARGO_BUILD_BUILD_DIR": "/p/target/wheelmatrix/lanes/b",
        "CARGO_BUILD_JOBS": "2",
        "CARGO_BUILD_TARGET": None,
        "CARGO_MAKEFLAGS": "-j --jobserver-fds=3,4 --jobserver-auth=3,4",
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "PYO3_CONFIG_FILE": "/p/target/wheelmatrix/lanes/b.pyo3",
        "PYO3_PYTHON": "/usr/bin/python3.12",
        "PYTHON_SYS_EXECUTABLE": "/usr/bin/python3.12",
    }


def test_every_setting_reaches_cargo(make_build: BuildFactory, linux: Target) -> None:
    settings = Settings(
        features=("a", "b/c"),
        all_features=True,
        no_default_features=True,
        profile="dev",
        cargo_args=("--config", "x=1"),
        rustc_args=("-C", "debuginfo=0"),
        env={"CC": "clang", "PYO3_PYTHON": None},
        strip=True,
    )
    build = make_build(settings=settings, explicit_target=True)
    place = msgspec.structs.replace(PLACE, color=True)
    command = CargoDriver().command(build, place)
    assert command.argv[2:4] == ("--message-format", "json-diagnostic-rendered-ansi")
    assert command.argv[11:] == (
        "--profile", "dev", "--all-features", "--no-default-features", "--features", "a,b/c",
        "--target", linux.triple, "--locked", "--config", "x=1", "--", "-C", "debuginfo=0", "-C", "strip=symbols",
    )  # fmt: skip
    assert command.env["CC"] == "clang"
    assert command.env["PYO3_PYTHON"] is None
    assert "CARGO_BUILD_TARGET" not in command.env


def test_macos_finds_python_s_symbols_at_load_time(make_build: BuildFactory) -> None:
    apple = Target(
        triple="aarch64-apple-darwin", arch="aarch64", os="macos", libc="", machine="arm64", pointer_width=64
    )
    argv = CargoDriver().command(make_build(target=apple), PLACE).argv
    assert argv[-5:] == ("--", "-C", "link-arg=-undefined", "-C", "link-arg=dynamic_lookup")


def test_musl_links_dynamically(make_build: BuildFactory) -> None:
    musl = Target(
        triple="x86_64-unknown-linux-musl", arch="x86_64", os="linux", libc="musl", machine="x86_64", pointer_width=64
    )
    argv = CargoDriver().command(make_build(target=musl), PLACE).argv
    assert 'target.x86_64-unknown-linux-musl.rustflags=["-C", "target-feature=-crt-static"]' in argv


def test_prepare_fetches_once_for_all_targets(make_build: BuildFactory) -> None:
    place = msgspec.structs.replace(PLACE, cargo_flags=("--locked", "--config", "a=1", "--ignore-rust-version", "-v"))
    commands = CargoDriver().prepare([make_build("one"), make_build("two")], place)
    assert [command.argv for command in commands] == [
        (
            "cargo", "fetch", "--manifest-path", "/p/Cargo.toml", "--target", "x86_64-unknown-linux-gnu",
            "--locked", "--config", "a=1",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("triple", "os", "libc", "able"),
    [
        ("x86_64-unknown-linux-gnu", "linux", "gnu", True),
        ("aarch64-unknown-linux-gnu", "linux", "gnu", False),
        ("x86_64-unknown-linux-musl", "linux", "musl", False),
        ("x86_64-pc-windows-msvc", "windows", "msvc", False),
    ],
)
def test_on_linux_it_builds_for_the_host_alone(linux: Target, triple: str, os: str, libc: str, *, able: bool) -> None:
    target = Target(triple=triple, arch="x", os=os, libc=libc, machine="x", pointer_width=64)
    support = CargoDriver().supports(target, Host(target=linux))
    assert support.able is able
    assert support.reason
    assert able or support.hint


def test_every_driver_is_pure_and_named_once(make_build: BuildFactory) -> None:
    names = [driver.name for driver in ALL]
    assert len(set(names)) == len(names)
    for driver in ALL:
        assert driver.command(make_build(), PLACE) == driver.command(make_build(), PLACE)
        assert driver.prepare([make_build()], PLACE) == driver.prepare([make_build()], PLACE)
        assert driver.tools
