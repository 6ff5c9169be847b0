from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from support.driving import HOST, level, wish

from drivers.cargo import CargoDriver
from matrix.driver import Host, Place
from matrix.model import Build, Interpreter, Settings, StableAbi, Target
from matrix.platforms import parse_target

BuildFactory = Callable[..., Build]

PLACE = Place(
    host=HOST,
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
        "--profile", "release", "--locked", "--config", 'build.build-dir="/p/target/wheelmatrix/lanes/b"',
    )  # fmt: skip
    assert command.env == {
        "CARGO_BUILD_JOBS": "2",
        "CARGO_BUILD_TARGET": None,
        "CARGO_MAKEFLAGS": "-j --jobserver-fds=3,4 --jobserver-auth=3,4",
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "PYO3_CONFIG_FILE": "/p/target/wheelmatrix/lanes/b.pyo3",
        "PYO3_PYTHON": "/usr/bin/python3.12",
        "PYTHON_SYS_EXECUTABLE": "/usr/bin/python3.12",
    }


def test_programs_are_built_in_place_of_the_library(make_build: BuildFactory) -> None:
    build = make_build(bins=("one", "two"), target=parse_target("x86_64-unknown-linux-musl"))
    command = CargoDriver().command(build, PLACE)
    assert command.argv[8:15] == ("--bin", "one", "--bin", "two", "--profile", "release", "--locked")
    assert command.argv[15:] == ("--config", 'build.build-dir="/p/target/wheelmatrix/lanes/b"'), "static on musl"
    assert "PYO3_BUILD_EXTENSION_MODULE" not in command.env, "a program links libpython"
    mac = CargoDriver().command(msgspec.structs.replace(build, target=parse_target("aarch64-apple-darwin")), PLACE)
    assert "link-arg=-undefined" not in mac.argv


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
        "--target", linux.triple, "--locked", "--config", "x=1",
        "--config", 'build.build-dir="/p/target/wheelmatrix/lanes/b"', "--", "-C", "debuginfo=0", "-C", "strip=symbols",
    )  # fmt: skip
    assert command.env["CC"] == "clang"
    assert command.env["PYO3_PYTHON"] is None
    assert "CARGO_BUILD_TARGET" not in command.env


def test_macos_finds_python_s_symbols_at_load_time(make_build: BuildFactory) -> None:
    apple = Target(
        triple="aarch64-apple-darwin", arch="aarch64", os="macos", libc="", machine="arm64", pointer_width=64
    )
    argv = CargoDriver().command(make_build(target=apple), PLACE).argv
    assert argv[-9:-4] == ("--", "-C", "link-arg=-undefined", "-C", "link-arg=dynamic_lookup")


@pytest.mark.parametrize(
    ("stable", "file"),
    [
        (None, "hello.cpython-312-darwin.so"),
        (StableAbi(kind="abi3", version=(3, 9)), "hello.abi3.so"),
        (StableAbi(kind="abi3t", version=(3, 15)), "hello.abi3t.so"),
    ],
)
def test_a_macos_module_is_not_named_after_a_path_of_this_machine(
    make_build: BuildFactory, cp312: Interpreter, stable: StableAbi | None, file: str
) -> None:
    apple = Target(
        triple="aarch64-apple-darwin", arch="aarch64", os="macos", libc="", machine="arm64", pointer_width=64
    )
    python = msgspec.structs.replace(cp312, ext_suffix=".cpython-312-darwin.so")
    argv = CargoDriver().command(make_build(target=apple, interpreter=python, stable_abi=stable), PLACE).argv
    assert argv[-4:-2] == ("-C", f"link-arg=-Wl,-install_name,@rpath/{file}")
    assert argv[-1] == "link-arg=-Wl,-headerpad_max_install_names"


def test_musl_links_dynamically(make_build: BuildFactory) -> None:
    musl = Target(
        triple="x86_64-unknown-linux-musl", arch="x86_64", os="linux", libc="musl", machine="x86_64", pointer_width=64
    )
    argv = CargoDriver().command(make_build(target=musl), PLACE).argv
    assert 'target.x86_64-unknown-linux-musl.rustflags=["-C", "target-feature=-crt-static"]' in argv


def test_prepare_fetches_once_for_all_targets(make_build: BuildFactory) -> None:
    place = msgspec.structs.replace(PLACE, cargo_flags=("--locked", "--config", "a=1", "--ignore-rust-version", "-v"))
    steps = CargoDriver().prepare([make_build("one"), make_build("two")], place)
    assert [step.command.argv for step in steps] == [
        (
            "cargo", "fetch", "--manifest-path", "/p/Cargo.toml", "--target", "x86_64-unknown-linux-gnu",
            "--locked", "--config", "a=1",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("triple", "able"),
    [
        ("x86_64-unknown-linux-gnu", True),
        ("aarch64-unknown-linux-gnu", False),
        ("x86_64-unknown-linux-musl", False),
        ("x86_64-pc-windows-msvc", False),
        ("x86_64-pc-windows-gnu", False),
    ],
)
def test_on_linux_it_builds_for_the_host_alone(triple: str, *, able: bool) -> None:
    support = CargoDriver().supports(wish(triple), HOST)
    assert support.able is able
    assert support.reason
    assert able or support.hint
    assert CargoDriver().supports(wish(triple, asked=True), HOST).able, "who names it has set a linker"


def test_a_configured_linker_and_mingw_serve_other_targets() -> None:
    host = msgspec.structs.replace(
        HOST,
        linkers=frozenset({"aarch64-unknown-linux-gnu"}),
        tools={**HOST.tools, "x86_64-w64-mingw32-gcc": "/usr/bin/x86_64-w64-mingw32-gcc"},
    )
    assert CargoDriver().supports(wish("aarch64-unknown-linux-gnu"), host).able
    assert CargoDriver().supports(wish("x86_64-pc-windows-gnu"), host).able
    assert not CargoDriver().supports(wish("i686-pc-windows-gnu"), host).able


@pytest.mark.parametrize(
    ("host", "triple"),
    [
        ("aarch64-apple-darwin", "x86_64-apple-darwin"),
        ("x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"),
        ("x86_64-pc-windows-msvc", "i686-pc-windows-msvc"),
    ],
)
def test_macos_and_windows_link_for_their_siblings(host: str, triple: str) -> None:
    assert CargoDriver().supports(wish(triple), Host(target=wish(host).target)).able


@pytest.mark.parametrize(
    ("asked", "reluctant"),
    [("auto", False), ("linux", False), ("manylinux_2_36", False), ("manylinux_2_35", True), ("manylinux_2_17", True)],
)
def test_a_level_below_the_glibc_here_is_better_left_to_others(asked: str, *, reluctant: bool) -> None:
    support = CargoDriver().supports(wish("x86_64-unknown-linux-gnu", asked), HOST)
    assert (support.able, support.reluctant) == (True, reluctant)
    named = CargoDriver().supports(wish("x86_64-unknown-linux-gnu", asked, asked=True), HOST)
    assert not named.reluctant


def test_a_choice_of_levels_is_fine_when_the_glibc_here_meets_one() -> None:
    choice = msgspec.structs.replace(level("manylinux_2_17"), version=None, among=((2, 17), (2, 36)))
    asked = msgspec.structs.replace(wish("x86_64-unknown-linux-gnu"), level=choice)
    assert not CargoDriver().supports(asked, HOST).reluctant


def test_without_a_c_compiler_others_may_link() -> None:
    host = msgspec.structs.replace(HOST, tools={"cargo": "/usr/bin/cargo"})
    support = CargoDriver().supports(wish("x86_64-unknown-linux-gnu"), host)
    assert support.able
    assert support.reluctant
    assert "cc" in support.reason


@pytest.mark.parametrize(("argument", "steps"), [("-v", []), ("-Zbuild-std", ["cargo fetch"])])
def test_crates_that_are_here_are_not_fetched(make_build: BuildFactory, argument: str, steps: list[str]) -> None:
    place = msgspec.structs.replace(PLACE, host=msgspec.structs.replace(HOST, fetched=True))
    build = make_build("one", settings=Settings(cargo_args=(argument,)))
    assert [step.what for step in CargoDriver().prepare([build], place)] == steps


def test_missing_standard_libraries_are_added_one_by_one(make_build: BuildFactory) -> None:
    musl = wish("x86_64-unknown-linux-musl").target
    builds = [make_build("one"), make_build("two", target=musl), make_build("three", target=musl)]
    first, *_ = CargoDriver().prepare(builds, PLACE)
    assert first.command.argv == ("/usr/bin/rustup", "target", "add", "x86_64-unknown-linux-musl")
    assert first.builds == ("two", "three")
    assert first.lock == "rustup"
    own = make_build("two", target=musl, settings=Settings(cargo_args=("-Zbuild-std",)))
    for given, host in (([own], HOST), (builds, msgspec.structs.replace(HOST, offline=True))):
        steps = CargoDriver().prepare(given, msgspec.structs.replace(PLACE, host=host))
        assert [step.what for step in steps] == ["cargo fetch"]
