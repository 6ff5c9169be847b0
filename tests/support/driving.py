"""What tests of drivers share: a machine with every tool, places, wishes and builds for any target."""

from __future__ import annotations

from typing import Any

from matrix.driver import Containers, Host, Place, Wish, XwinOptions
from matrix.model import Build, Compatibility, Settings
from matrix.platforms import known_interpreter, parse_target

HOST = Host(
    target=parse_target("x86_64-unknown-linux-gnu"),
    tools={
        name: f"/usr/bin/{name}"
        for name in (
            "cargo", "rustc", "rustup", "cc", "zig", "cargo-zigbuild", "cargo-xwin", "clang", "lld-link", "llvm-lib",
            "docker",
        )
    },
    glibc=(2, 36),
    stds=frozenset({"x86_64-unknown-linux-gnu"}),
    sysroot="/toolchain",
    options={"xwin": XwinOptions(accept_license=True)},
    containers=Containers(
        engine="docker",
        program="/usr/bin/docker",
        user="1000:1000",
        cargo_home="/home/me/.cargo",
        rust="/toolchain/bin",
        mounts=("/toolchain",),
    ),
)  # fmt: skip

PLACE = Place(
    host=HOST,
    root="/p",
    manifest="/p/Cargo.toml",
    lane="/p/target/wheelmatrix/lanes/b",
    cache="/cache",
    pyo3_config="/p/target/wheelmatrix/lanes/b.pyo3",
    jobs=2,
    jobserver="-j --jobserver-fds=3,4 --jobserver-auth=3,4",
    fifo="/run/fifo",
    run="run-1",
    cargo="/usr/bin/cargo",
    cargo_flags=("--locked",),
)

TARGETS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "armv7-unknown-linux-gnueabihf",
    "i686-unknown-linux-gnu",
    "powerpc64le-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-gnu",
    "x86_64-pc-windows-msvc",
    "i686-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
)


def level(text: str) -> Compatibility:
    """``auto``, or a level as ``manylinux_2_28``."""
    family, _, version = text.partition("_")
    if not version:
        return Compatibility(family=family)  # type: ignore[arg-type]
    major, minor = version.split("_")
    return Compatibility(family=family, version=(int(major), int(minor)))  # type: ignore[arg-type]


def wish(triple: str, compatibility: str = "auto", **more: Any) -> Wish:
    """What a driver is asked."""
    return Wish(target=parse_target(triple), level=level(compatibility), **more)


def build_for(triple: str, driver: str, **more: Any) -> Build:
    """Return a build of CPython 3.12 for a target."""
    target = parse_target(triple)
    fields: dict[str, Any] = {
        "id": f"cp312-{triple}",
        "target": target,
        "explicit_target": True,
        "interpreter": known_interpreter("cpython", (3, 12), target),
        "bindings": "pyo3",
        "driver": driver,
        "settings": Settings(profile="release"),
        "cells": (f"cp312-{triple}",),
        "manifest": "Cargo.toml",
        "crate": "hello",
        "lib_name": "hello",
    }
    return Build(**{**fields, **more})
