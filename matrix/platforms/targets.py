"""Rust target triples, and what Python calls the platforms they stand for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

from matrix.ahead import rustc_program
from matrix.errors import ToolError, UsageError, did_you_mean
from matrix.model import Command, Target
from matrix.process import capture

__all__ = ["UNIVERSAL2", "archflags_target", "host_target", "host_triple", "known_triples", "parse_target", "slices"]

UNIVERSAL2 = "universal2-apple-darwin"
"""The one target that is no Rust triple: both Apple architectures in one file."""

_LINUX = {
    # first part of the triple: (machine in the platform tag, which is what ``uname -m`` says; pointer width)
    "aarch64": ("aarch64", 64),
    "armv7": ("armv7l", 32),
    "thumbv7neon": ("armv7l", 32),
    "arm": ("armv6l", 32),
    "armv5te": ("armv5tel", 32),
    "i586": ("i686", 32),
    "i686": ("i686", 32),
    "loongarch64": ("loongarch64", 64),
    "mips": ("mips", 32),
    "mipsel": ("mips", 32),  # the kernel does not name the byte order of MIPS
    "mips64": ("mips64", 64),
    "mips64el": ("mips64", 64),
    "powerpc": ("ppc", 32),
    "powerpc64": ("ppc64", 64),
    "powerpc64le": ("ppc64le", 64),
    "riscv64gc": ("riscv64", 64),
    "s390x": ("s390x", 64),
    "sparc64": ("sparc64", 64),
    "x86_64": ("x86_64", 64),
}
_LINUX_ENVIRONMENTS = {
    # the triple's last part where it is not simply gnu and musl
    "arm": ("gnueabi", "gnueabihf", "musleabi", "musleabihf"),
    "armv5te": ("gnueabi", "musleabi"),
    "armv7": ("gnueabi", "gnueabihf", "musleabi", "musleabihf"),
    "thumbv7neon": ("gnueabihf", "musleabihf"),
    "mips64": ("gnuabi64", "muslabi64"),
    "mips64el": ("gnuabi64", "muslabi64"),
    "sparc64": ("gnu",),
}
_OTHERS = {
    # triple: (os, libc, machine, pointer width)
    "aarch64-apple-darwin": ("macos", "", "arm64", 64),
    "x86_64-apple-darwin": ("macos", "", "x86_64", 64),
    "i686-apple-darwin": ("macos", "", "i386", 32),
    UNIVERSAL2: ("macos", "", "universal2", 64),
    "aarch64-apple-ios": ("ios", "", "arm64_iphoneos", 64),
    "aarch64-apple-ios-sim": ("ios", "", "arm64_iphonesimulator", 64),
    "x86_64-apple-ios": ("ios", "", "x86_64_iphonesimulator", 64),
    "aarch64-linux-android": ("android", "", "arm64_v8a", 64),
    "armv7-linux-androideabi": ("android", "", "armeabi_v7a", 32),
    "i686-linux-android": ("android", "", "x86", 32),
    "x86_64-linux-android": ("android", "", "x86_64", 64),
    "x86_64-pc-windows-msvc": ("windows", "msvc", "amd64", 64),
    "x86_64-pc-windows-gnu": ("windows", "gnu", "amd64", 64),
    "x86_64-pc-windows-gnullvm": ("windows", "gnullvm", "amd64", 64),
    "x86_64-win7-windows-msvc": ("windows", "msvc", "amd64", 64),
    "x86_64-win7-windows-gnu": ("windows", "gnu", "amd64", 64),
    "i686-pc-windows-msvc": ("windows", "msvc", "32", 32),
    "i686-pc-windows-gnu": ("windows", "gnu", "32", 32),
    "i686-pc-windows-gnullvm": ("windows", "gnullvm", "32", 32),
    "i686-win7-windows-msvc": ("windows", "msvc", "32", 32),
    "i686-win7-windows-gnu": ("windows", "gnu", "32", 32),
    "aarch64-pc-windows-msvc": ("windows", "msvc", "arm64", 64),
    "aarch64-pc-windows-gnullvm": ("windows", "gnullvm", "arm64", 64),
    "x86_64-unknown-freebsd": ("freebsd", "", "amd64", 64),
    "aarch64-unknown-freebsd": ("freebsd", "", "arm64", 64),
    "i686-unknown-freebsd": ("freebsd", "", "i386", 32),
    "powerpc64-unknown-freebsd": ("freebsd", "", "powerpc", 64),
    "powerpc64le-unknown-freebsd": ("freebsd", "", "powerpc", 64),
    "riscv64gc-unknown-freebsd": ("freebsd", "", "riscv", 64),
    "x86_64-unknown-netbsd": ("netbsd", "", "amd64", 64),
    "aarch64-unknown-netbsd": ("netbsd", "", "evbarm", 64),
    "i686-unknown-netbsd": ("netbsd", "", "i386", 32),
    "x86_64-unknown-openbsd": ("openbsd", "", "amd64", 64),
    "aarch64-unknown-openbsd": ("openbsd", "", "arm64", 64),
    "i686-unknown-openbsd": ("openbsd", "", "i386", 32),
    "powerpc64-unknown-openbsd": ("openbsd", "", "powerpc64", 64),
    "riscv64gc-unknown-openbsd": ("openbsd", "", "riscv64", 64),
    "x86_64-unknown-dragonfly": ("dragonfly", "", "x86_64", 64),
    "wasm32-unknown-emscripten": ("emscripten", "", "wasm32", 32),
}


@cache
def known_triples() -> dict[str, Target]:
    """Return every target wheels can be made for, by triple, in a steady order."""
    return {target.triple: target for target in (*_linux(), *_others())}


def _linux() -> Iterator[Target]:
    for arch, (machine, width) in _LINUX.items():
        for environment in _LINUX_ENVIRONMENTS.get(arch, ("gnu", "musl")):
            yield Target(
                triple=f"{arch}-unknown-linux-{environment}",
                arch=arch,
                os="linux",
                libc="musl" if environment.startswith("musl") else "gnu",
                machine=machine,
                pointer_width=width,
            )


def _others() -> Iterator[Target]:
    for triple, (system, libc, machine, width) in _OTHERS.items():
        yield Target(
            triple=triple,
            arch=triple.partition("-")[0],
            os=system,
            libc=libc,
            machine=machine,
            pointer_width=width,
        )


def parse_target(triple: str, origin: str = "--target") -> Target:
    """Return what is known of a Rust target triple (or of ``universal2-apple-darwin``).

    Args:
        triple: As rustc writes it.
        origin: Where it was written, for the message: ``--target``, ``CARGO_BUILD_TARGET``,
            ``[tool.wheelmatrix] targets[1]``.

    Raises:
        UsageError: Nothing is known of it, or no Python runs there.
    """
    target = known_triples().get(triple)
    if target is not None:
        return target
    bare, dot, glibc = triple.partition(".")
    if dot and bare in known_triples():
        level = "manylinux_" + glibc.replace(".", "_")
        hint = f"write {bare!r}; the libc version is a compatibility level: --compatibility {level}"
    else:
        hint = (
            did_you_mean(triple, known_triples()) or "wheels can be made for the triples of `rustc --print target-list`"
        )
    raise UsageError(f"unknown target {triple!r} ({origin})", hint=hint)


def slices(target: Target) -> tuple[Target, ...]:
    """Return the targets whose binaries make up one wheel of ``target``: two for universal2, else itself."""
    if target.triple != UNIVERSAL2:
        return (target,)
    return (parse_target("x86_64-apple-darwin"), parse_target("aarch64-apple-darwin"))


def archflags_target(environ: Mapping[str, str], host: Target) -> Target | None:
    """Return the target that ``ARCHFLAGS`` asks for on a Mac: one architecture, or both as universal2.

    Apple's Python, cibuildwheel and others set it to choose what ``build`` compiles; elsewhere it means nothing.

    Raises:
        UsageError: It names no architecture of macOS.
    """
    words = environ.get("ARCHFLAGS", "").split()
    if host.os != "macos" or not words:
        return None
    names = {word for flag, word in pairwise(words) if flag == "-arch"}
    triples = {
        frozenset({"x86_64"}): "x86_64-apple-darwin",
        frozenset({"arm64"}): "aarch64-apple-darwin",
        frozenset({"x86_64", "arm64"}): UNIVERSAL2,
    }
    triple = triples.get(frozenset(names))
    if triple is None:
        text = environ["ARCHFLAGS"]
        raise UsageError(f"ARCHFLAGS={text!r} cannot be obeyed", hint='write "-arch arm64", "-arch x86_64" or both')
    return parse_target(triple)


async def host_target(cargo_root: Path) -> Target:
    """Return the target that the rustc of a project runs on (a ``rust-toolchain.toml`` may choose it).

    Raises:
        ToolError: There is no rustc, it fails, or no wheels can be made for its host.
    """
    triple = await host_triple(cargo_root)
    try:
        return parse_target(triple, "host: in rustc -vV")
    except UsageError as error:
        raise ToolError(error.message, hint="name a --target") from error


async def host_triple(cargo_root: Path) -> str:
    """Return the ``host:`` line of ``rustc -vV``, run in the project.

    Raises:
        ToolError: There is no rustc, or it fails.
    """
    try:
        said = await capture(Command(argv=(rustc_program(os.environ), "-vV")), root=cargo_root)
    except ToolError as error:
        raise ToolError(error.message, hint="install Rust: https://rustup.rs") from error
    for line in said.stdout.splitlines():
        key, _, value = line.partition(": ")
        if key == "host" and said.exit == 0:
            return value.strip()
    words = said.stderr.strip().splitlines()
    raise ToolError(f"rustc -vV failed: {words[-1] if words else f'exit code {said.exit}'}")
