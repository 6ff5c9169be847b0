"""A machine without a C compiler: what runs on it is linked by zig, whoever links what is built."""

from __future__ import annotations

import msgspec
import pytest
from support.driving import HOST, PLACE, TARGETS, build_for, wish

from drivers import ALL
from drivers.hostcc import host_compiler, host_compiler_steps
from matrix.driver import Host, Place
from matrix.platforms import known_triples, parse_target

GNU, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def without(*tools: str, triple: str = GNU) -> Place:
    kept = {name: path for name, path in HOST.tools.items() if name not in tools}
    host = msgspec.structs.replace(HOST, tools=kept, target=parse_target(triple))
    return msgspec.structs.replace(PLACE, host=host)


def test_the_program_hands_everything_to_zig() -> None:
    (step,) = host_compiler_steps([build_for(ARM, "zig")], without("cc"))
    ((path, text),) = step.programs.items()
    assert path.startswith("/cache/host/cc-")
    assert text == (
        "#!/bin/sh\n"
        "CARGO_ZIGBUILD_CACHE_DIR=/cache/zigbuild CARGO_ZIGBUILD_ZIG_PATH=/usr/bin/zig"
        ' CARGO_ZIGBUILD_PYTHON_PATH=none exec /usr/bin/cargo-zigbuild zig cc -- -target x86_64-linux-gnu.2.17 "$@"\n'
    )
    assert step.command.argv == (path, "/cache/host/tiny.c", "-o", "/cache/host/tiny")
    assert step.builds == (f"cp312-{ARM}",)
    assert host_compiler(without("cc"), parse_target(ARM)) == {
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER": path,
        "HOST_CC": path,
    }
    assert host_compiler(without("cc"), parse_target(GNU)) == {
        "CARGO_UNSTABLE_HOST_CONFIG": "true",
        "CARGO_HOST_LINKER": path,
    }


@pytest.mark.parametrize("gone", [(), ("cc", "zig"), ("cc", "cargo-zigbuild")])
def test_with_a_compiler_or_without_zig_nothing_changes(gone: tuple[str, ...]) -> None:
    assert host_compiler_steps([build_for(ARM, "zig")], without(*gone)) == ()
    assert host_compiler(without(*gone), parse_target(ARM)) == {}


def test_a_linker_that_the_user_named_stays() -> None:
    place = without("cc")
    host = msgspec.structs.replace(place.host, linkers=frozenset({GNU}))
    assert host_compiler(msgspec.structs.replace(place, host=host), parse_target(ARM)) == {}


@pytest.mark.parametrize(
    ("triple", "zig"),
    [
        ("armv7-unknown-linux-gnueabihf", "arm-linux-gnueabihf.2.17"),
        ("aarch64-unknown-linux-musl", "aarch64-linux-musl"),
        ("riscv64gc-unknown-linux-gnu", "riscv64-linux-gnu.2.31"),
        ("i686-unknown-linux-gnu", "x86-linux-gnu.2.17"),
    ],
)
def test_other_machines(triple: str, zig: str) -> None:
    (step,) = host_compiler_steps([build_for(ARM, "zig")], without("cc", triple=triple))
    (text,) = step.programs.values()
    assert f" -target {zig} " in text


@pytest.mark.parametrize("driver", ALL, ids=lambda driver: driver.name)
@pytest.mark.parametrize("triple", TARGETS)
def test_every_driver_that_needs_zig_for_it_prepares_it(driver: object, triple: str) -> None:
    place = without("cc")
    (found,) = [one for one in ALL if one is driver]
    build = build_for(triple, found.name)
    if not found.supports(wish(triple), place.host).able:
        return
    written = {path: text for step in found.prepare([build], place) for path, text in step.programs.items()}
    env = found.command(build, place).env
    named = {value for name, value in env.items() if name.endswith("LINKER")}
    cargo = env.get("CARGO") or ""
    if cargo in written:  # a program that names the linker itself
        named |= {cargo, *(path for path in written if f"_LINKER={path}\n" in written[cargo])}
    assert named == set(written)
    assert bool(named) == (found.name != "cargo" or triple != GNU)


def test_machines_that_are_no_linux_are_left_alone() -> None:
    for target in known_triples().values():
        place = msgspec.structs.replace(PLACE, host=Host(target=target, tools={"zig": "z", "cargo-zigbuild": "c"}))
        assert bool(host_compiler(place, parse_target(ARM))) == (target.os == "linux")
