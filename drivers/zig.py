"""The zig driver: cargo-zigbuild links with ``zig cc``, for Linux of any libc, macOS and windows-gnu."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import msgspec

from drivers.floors import zig_floor
from drivers.hostcc import host_compiler_steps, zig_environment
from drivers.import_libraries import library_steps
from drivers.local import LocalDriver
from drivers.own_target import cargo_environment, own_target_steps, takes_linker
from drivers.rustc import are_missing, fetch_steps, rustc_command, std_steps
from matrix.driver import DriverSupport, Host, Place, Step, Tool, Wish
from matrix.model import Build, Command, Settings, Target

__all__ = ["ZigDriver"]

EXTRA = "pip install 'wheelmatrix[zig]'"
_ARCHITECTURES = frozenset({
    "aarch64", "arm", "armv7", "i686", "loongarch64", "powerpc64le", "riscv64gc", "s390x", "x86_64",
})  # fmt: skip
_WARM = """\
[package]
name = "warm"
version = "0.0.0"
edition = "2021"

[lib]
path = "lib.rs"
crate-type = ["cdylib"]

[workspace]
"""
_WARM_SOURCE = """\
#[no_mangle]
pub extern "C" fn warm() -> usize {
    std::env::args().count()
}
"""


class ZigDriver(LocalDriver):
    """``cargo-zigbuild rustc``: the glibc version of the level is always passed, as the default depends on zig's."""

    @property
    def name(self) -> str:
        """``zig``."""
        return "zig"

    @property
    def tools(self) -> tuple[Tool, ...]:
        """It needs zig and cargo-zigbuild; both come with an extra."""
        return (
            Tool(
                name="zig",
                version=("version",),
                package=("ziglang", "zig"),
                variable="CARGO_ZIGBUILD_ZIG_PATH",
                install=EXTRA,
            ),
            Tool(name="cargo-zigbuild", install=EXTRA),
        )

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        """Say whether zig links for the target, down to the level that is wished for."""
        target = wish.target
        if not _knows(target):
            return DriverSupport(able=False, reason=f"zig does not link Python modules for {target.triple}")
        missing = [tool.name for tool in self.tools if tool.name not in host.tools]
        if missing:
            return DriverSupport(able=False, reason=f"zig could, but {are_missing(missing)}", hint=EXTRA)
        if target.libc != "gnu" or target.os != "linux":
            return DriverSupport(able=True, reason="zig links for it", explicit=True)
        floor = zig_floor(target)
        versions = wish.level.versions or (floor,)
        reachable = [version for version in versions if version >= floor]
        if not reachable:
            lowest = f"manylinux_{floor[0]}_{floor[1]}"
            return DriverSupport(
                able=False,
                reason=f"zig carries no glibc older than {_dotted(floor)} for {target.arch}, so not {wish.level}",
                hint=f"ask for {lowest}, or for no level: a wheel gets the best one that it meets",
            )
        libc = min(reachable)
        return DriverSupport(
            able=True,
            reason=f"zig links for it, against glibc {_dotted(libc)}",
            libc=libc,
            explicit=True,
            mark=f".{_dotted(libc)}",
        )

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
        """Add missing standard libraries, fetch every crate, and link something tiny for every target once.

        That first link fills zig's cache and writes cargo-zigbuild's wrappers, which clash when builds do it at once
        (cargo-zigbuild #318, ziglang/zig#13160).
        """
        steps = (*std_steps(builds, place), *fetch_steps(builds, place), *library_steps(builds, place))
        programs = (*host_compiler_steps(builds, place), *own_target_steps(builds, place))
        return (*steps, *programs, *self._warm_steps(builds, place))

    def command(self, build: Build, place: Place) -> Command:
        """Return ``cargo-zigbuild rustc`` for the build's library."""
        return rustc_command(
            (place.host.tools.get("cargo-zigbuild", "cargo-zigbuild"),),
            build,
            place,
            target=_target(build),
            env={**cargo_environment(build, place), **zig_environment(place)},
        )

    def shares_host(self, build: Build, host: Host) -> bool:
        """Not where it is the target and cargo-zigbuild's settings for that case have to stay."""
        return build.target.triple != host.target.triple or takes_linker(build, host)

    def _warm_steps(self, builds: Sequence[Build], place: Place) -> Iterator[Step]:
        first: dict[tuple[str, str | None], list[Build]] = {}
        for build in builds:
            first.setdefault((_target(build), build.settings.env.get("MACOSX_DEPLOYMENT_TARGET")), []).append(build)
        folder = PurePath(place.cache, "warm")
        tiny = msgspec.structs.replace(
            place, manifest=str(folder / "Cargo.toml"), lane=str(folder / "target"), pyo3_config=None, cargo_flags=()
        )
        for (target, deployment), own in first.items():
            env: dict[str, str | None] = {"MACOSX_DEPLOYMENT_TARGET": deployment} if deployment else {}
            build = msgspec.structs.replace(own[0], settings=Settings(env=env), bins=())
            tools = [f"{name}={place.host.tools.get(name)}" for name in ("zig", "cargo-zigbuild")]
            text = " ".join([*tools, place.host.sysroot, deployment or ""])
            command = self.command(build, tiny)
            at = command.argv.index("--message-format")  # people read it when it fails
            yield Step(
                what=f"zig for {target}",
                command=msgspec.structs.replace(command, argv=(*command.argv[:at], *command.argv[at + 2 :])),
                builds=tuple(one.id for one in own),
                files={str(folder / "Cargo.toml"): _WARM, str(folder / "lib.rs"): _WARM_SOURCE},
                lock="zig",
                key=f"zig-{target}-{hashlib.sha256(text.encode()).hexdigest()[:12]}",
            )


def _knows(target: Target) -> bool:
    if target.os == "linux":
        return target.arch in _ARCHITECTURES
    if target.os == "macos":
        return target.arch in {"aarch64", "x86_64"}
    return target.os == "windows" and target.libc == "gnu" and "-pc-" in target.triple


def _target(build: Build) -> str:
    return build.target.triple if build.libc is None else f"{build.target.triple}.{_dotted(build.libc)}"


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
