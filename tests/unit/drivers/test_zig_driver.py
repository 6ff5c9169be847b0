from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.driving import HOST, PLACE, TARGETS, build_for, level, wish

from drivers.cargo import CargoDriver
from drivers.floors import zig_floor
from drivers.zig import ZigDriver
from matrix.driver import Wish
from matrix.model import Compatibility, Settings
from matrix.platforms import known_triples, parse_target

ZIG = ZigDriver()


def test_the_command_names_the_glibc_and_where_wrappers_lie() -> None:
    build = build_for("aarch64-unknown-linux-gnu", "zig", libc=(2, 17))
    command = ZIG.command(build, PLACE)
    assert command.argv == (
        "/usr/bin/cargo-zigbuild", "rustc", "--message-format", "json", "--manifest-path", "/p/Cargo.toml",
        "--target-dir", "/p/target/wheelmatrix/lanes/b", "--lib", "--crate-type", "cdylib",
        "--profile", "release", "--target", "aarch64-unknown-linux-gnu.2.17", "--locked",
        "--config", 'build.build-dir="/p/target/wheelmatrix/lanes/b"',
    )  # fmt: skip
    assert command.env == {
        "CARGO": "/usr/bin/cargo",
        "CARGO_BUILD_JOBS": "2",
        "CARGO_MAKEFLAGS": "-j --jobserver-fds=3,4 --jobserver-auth=3,4",
        "CARGO_ZIGBUILD_CACHE_DIR": "/cache/zigbuild",
        "CARGO_ZIGBUILD_PYTHON_PATH": "none",
        "CARGO_ZIGBUILD_ZIG_PATH": "/usr/bin/zig",
        "PYO3_BUILD_EXTENSION_MODULE": "1",
        "PYO3_CONFIG_FILE": "/p/target/wheelmatrix/lanes/b.pyo3",
    }


def test_musl_links_dynamically_and_macos_looks_symbols_up() -> None:
    musl = ZIG.command(build_for("aarch64-unknown-linux-musl", "zig"), PLACE).argv
    assert 'target.aarch64-unknown-linux-musl.rustflags=["-C", "target-feature=-crt-static"]' in musl
    assert "aarch64-unknown-linux-musl" in musl
    mac = ZIG.command(build_for("x86_64-apple-darwin", "zig"), PLACE).argv
    assert mac[-9:-4] == ("--", "-C", "link-arg=-undefined", "-C", "link-arg=dynamic_lookup")


@pytest.mark.parametrize(
    ("triple", "asked", "libc"),
    [
        ("aarch64-unknown-linux-gnu", "auto", (2, 17)),
        ("aarch64-unknown-linux-gnu", "linux", (2, 17)),
        ("aarch64-unknown-linux-gnu", "manylinux_2_28", (2, 28)),
        ("powerpc64le-unknown-linux-gnu", "auto", (2, 19)),
        ("riscv64gc-unknown-linux-gnu", "auto", (2, 31)),
        ("x86_64-unknown-linux-musl", "auto", None),
        ("aarch64-apple-darwin", "auto", None),
        ("x86_64-pc-windows-gnu", "auto", None),
    ],
)
def test_it_links_against_the_level_or_the_lowest_there_is(
    triple: str, asked: str, libc: tuple[int, int] | None
) -> None:
    support = ZIG.supports(wish(triple, asked), HOST)
    assert support.able
    assert support.explicit
    assert support.libc == libc
    assert support.mark == ("" if libc is None else f".{libc[0]}.{libc[1]}")


def test_a_level_that_zig_has_no_glibc_for_is_refused_with_the_lowest() -> None:
    support = ZIG.supports(wish("powerpc64le-unknown-linux-gnu", "manylinux_2_17"), HOST)
    assert not support.able
    assert support.reason == "zig carries no glibc older than 2.19 for powerpc64le, so not manylinux_2_17"
    assert "manylinux_2_19" in (support.hint or "")


def test_of_a_choice_the_lowest_within_reach_is_linked() -> None:
    choice = Compatibility(family="manylinux", among=((2, 17), (2, 28), (2, 34)))
    for triple, libc in (("x86_64-unknown-linux-gnu", (2, 17)), ("powerpc64le-unknown-linux-gnu", (2, 28))):
        support = ZIG.supports(Wish(target=parse_target(triple), level=choice), HOST)
        assert support.libc == libc


@given(triple=st.sampled_from(sorted(known_triples())), minor=st.integers(17, 45), named=st.booleans())
def test_what_it_links_never_needs_more_than_was_asked(triple: str, minor: int, *, named: bool) -> None:
    asked = level(f"manylinux_2_{minor}") if named else level("auto")
    target = parse_target(triple)
    support = ZIG.supports(Wish(target=target, level=asked), HOST)
    if support.libc is not None:
        assert support.libc >= zig_floor(target)
        assert not named or support.libc == (2, minor)
    if support.able and target.os == "linux" and target.libc == "gnu":
        assert support.libc is not None


@pytest.mark.parametrize("triple", ["x86_64-pc-windows-msvc", "sparc64-unknown-linux-gnu", "aarch64-linux-android"])
def test_what_zig_cannot_link_is_refused(triple: str) -> None:
    assert not ZIG.supports(wish(triple), HOST).able


def test_a_missing_half_is_named() -> None:
    host = msgspec.structs.replace(HOST, tools={"zig": "/usr/bin/zig"})
    support = ZIG.supports(wish(TARGETS[1]), host)
    assert support.reason == "zig could, but cargo-zigbuild is missing"
    assert support.hint == "pip install 'wheelmatrix[zig]'"


def test_every_target_is_warmed_once_a_machine() -> None:
    gnu, mac = "aarch64-unknown-linux-gnu", "aarch64-apple-darwin"
    builds = [
        build_for(gnu, "zig", id="a", libc=(2, 17)),
        build_for(gnu, "zig", id="b", libc=(2, 17)),
        build_for(gnu, "zig", id="c", libc=(2, 28)),
        build_for(mac, "zig", id="d", settings=Settings(env={"MACOSX_DEPLOYMENT_TARGET": "11.0"})),
        build_for(mac, "zig", id="e", settings=Settings(env={"MACOSX_DEPLOYMENT_TARGET": "12.0"})),
    ]
    steps = [step for step in ZIG.prepare(builds, PLACE) if step.lock == "zig"]
    assert [(step.what, step.builds) for step in steps] == [
        (f"zig for {gnu}.2.17", ("a", "b")),
        (f"zig for {gnu}.2.28", ("c",)),
        (f"zig for {mac}", ("d",)),
        (f"zig for {mac}", ("e",)),
    ]
    assert len({step.key for step in steps}) == len(steps)
    assert all(step.command.env["CARGO_ZIGBUILD_CACHE_DIR"] == "/cache/zigbuild" for step in steps)
    assert "/cache/warm/Cargo.toml" in steps[0].command.argv
    assert not {"--locked", "--message-format"} & set(steps[0].command.argv)
    other = msgspec.structs.replace(PLACE, host=msgspec.structs.replace(HOST, sysroot="/other"))
    again = [step for step in ZIG.prepare(builds, other) if step.lock == "zig"]
    assert not {step.key for step in steps} & {step.key for step in again}, "another toolchain is warmed again"


def test_something_tiny_is_linked_for_programs_too() -> None:
    build = msgspec.structs.replace(build_for("x86_64-unknown-linux-musl", "zig"), bins=("tool",))
    steps = ZigDriver().prepare([build], PLACE)
    assert "--bin" not in steps[-1].command.argv


def test_what_runs_here_is_shared_with_every_target_whose_linker_the_last_rustc_can_be_told() -> None:
    """For what is left cargo-zigbuild keeps settings that cargo hashes into everything."""
    arm, own = build_for("aarch64-unknown-linux-gnu", "zig"), build_for(HOST.target.triple, "zig")
    one, two = (msgspec.structs.replace(own, bins=bins) for bins in (("tool",), ("tool", "other")))
    assert [ZIG.shares_host(build, HOST) for build in (arm, own, one, two)] == [True, True, True, False]
    configured = msgspec.structs.replace(HOST, linkers=frozenset({HOST.target.triple}))
    assert [ZIG.shares_host(build, configured) for build in (arm, own)] == [True, False]
    mac = msgspec.structs.replace(HOST, target=parse_target("aarch64-apple-darwin"))
    assert not ZIG.shares_host(build_for("aarch64-apple-darwin", "zig"), mac)
    assert CargoDriver().shares_host(build_for(HOST.target.triple, "cargo"), HOST)
