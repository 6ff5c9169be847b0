"""The native driver: cargo itself, linking with what the host has."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.hostcc import host_compiler, host_compiler_steps
from drivers.import_libraries import LIBRARY_TOOLS, library_steps
from drivers.local import LocalDriver
from drivers.rustc import fetch_steps, rustc_command, std_steps
from matrix.driver import DriverSupport, Host, Place, Step, Tool, Wish
from matrix.model import Build, Command, Compatibility, Target

__all__ = ["CargoDriver"]

_MINGW = {
    # linkers of rustc's own choice (rustc --print target-spec-json)
    "x86_64-pc-windows-gnu": "x86_64-w64-mingw32-gcc",
    "i686-pc-windows-gnu": "i686-w64-mingw32-gcc",
}
_MINGW_PACKAGE = "apt-get install mingw-w64"


class CargoDriver(LocalDriver):
    """Plain ``cargo rustc``."""

    @property
    def name(self) -> str:
        """``cargo``."""
        return "cargo"

    @property
    def tools(self) -> tuple[Tool, ...]:
        """It needs cargo and rustc; the linker is the platform's, mingw-w64's for Windows."""
        rust = "curl https://sh.rustup.rs -sSf | sh"
        return (
            Tool(name="cargo", install=rust),
            Tool(name="rustc", version=("-vV",), install=rust),
            Tool(name="rustup", install=rust, needed=False),
            Tool(name="cc", install="apt-get install gcc", needed=False),
            *(Tool(name=name, install=_MINGW_PACKAGE, needed=False) for name in _MINGW.values()),
            *LIBRARY_TOOLS,
        )

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        """Say whether the wish is for the host itself, or for a target that a linker of this machine serves."""
        if wish.target.triple == host.target.triple and wish.target.triple not in host.linkers:
            return _native(wish, host)
        reason = _linker(wish, host)
        if reason is not None:
            return DriverSupport(able=True, reason=reason)
        return DriverSupport(
            able=False,
            reason=f"cargo alone builds only for {host.target.triple} here",
            hint="run it on a machine of that platform, or leave the target out",
        )

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
        """Add missing standard libraries, fetch every crate, and make what modules for Windows link."""
        others = [build for build in builds if build.target.triple != place.host.target.triple]
        lacking = host_compiler_steps(others, place) if others else ()
        return (*std_steps(builds, place), *fetch_steps(builds, place), *library_steps(builds, place), *lacking)

    def command(self, build: Build, place: Place) -> Command:
        """Return ``cargo rustc`` for the build's library."""
        own = build.target.triple == place.host.target.triple
        return rustc_command((place.cargo,), build, place, env={} if own else host_compiler(place, build.target))


def _native(wish: Wish, host: Host) -> DriverSupport:
    """The host's own target; another driver is better where it lacks a linker, or its glibc is too new."""
    own = "the host's own target"
    if host.target.os == "linux" and host.tools and "cc" not in host.tools:
        reason = f"{own}, though no C compiler (cc) is here to link with"
        return DriverSupport(able=True, reason=reason, reluctant=not wish.asked, lacks=("cc",))
    if host.glibc is not None and _below(wish.level, wish.target, host.glibc):
        version = ".".join(map(str, host.glibc))
        reason = f"{own}, though it links with this machine's glibc {version}, newer than {wish.level}"
        return DriverSupport(able=True, reason=reason, reluctant=not wish.asked)
    return DriverSupport(able=True, reason=own)


def _linker(wish: Wish, host: Host) -> str | None:
    """Say what links for a target that is not the host's own, or ``None``."""
    target, own = wish.target, host.target
    rules = (
        (target.triple in host.linkers, "cargo's configuration names a linker for it"),
        (target.os == own.os == "macos", "macOS links for both architectures"),
        (target.os == own.os == "windows" and target.libc == own.libc == "msvc", "MSVC links for every architecture"),
        (_MINGW.get(target.triple) in host.tools, "mingw-w64 is here"),
        (wish.asked, "its linker is left to cargo's configuration"),
    )
    return next((reason for holds, reason in rules if holds), None)


def _below(level: Compatibility, target: Target, glibc: tuple[int, int]) -> bool:
    versions = level.versions
    return target.libc == "gnu" and bool(versions) and max(versions) < glibc
