"""The xwin driver: cargo-xwin links for windows-msvc with lld and Microsoft's libraries, which it downloads."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.hostcc import host_compiler, host_compiler_steps
from drivers.import_libraries import LIBRARY_TOOLS, library_steps
from drivers.local import LocalDriver
from drivers.rustc import are_missing, fetch_steps, rustc_command, std_steps
from matrix.driver import DriverSupport, Host, Place, Step, Tool, Wish, XwinOptions
from matrix.model import Build, Command

__all__ = ["XwinDriver"]

EXTRA = "pip install 'wheelmatrix[xwin]'"
_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "aarch64", "i686": "x86"}  # as XWIN_ARCH names them
_CONSENT = (
    "read https://go.microsoft.com/fwlink/?LinkId=2086102, then say so once: accept-license = true below"
    " [tool.wheelmatrix.xwin], --accept-xwin-license, or WHEELMATRIX_ACCEPT_XWIN_LICENSE=1"
)


class XwinDriver(LocalDriver):
    """``cargo-xwin rustc``."""

    @property
    def name(self) -> str:
        """``xwin``."""
        return "xwin"

    @property
    def tools(self) -> tuple[Tool, ...]:
        """It needs cargo-xwin, and clang and lld of LLVM."""
        return (
            Tool(name="cargo-xwin", install=EXTRA),
            Tool(name="clang", install="apt-get install clang"),
            Tool(name="lld-link", install="apt-get install lld"),
            Tool(name="llvm-lib", version=(), install="apt-get install llvm", needed=False),
            *LIBRARY_TOOLS,
        )

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        """Say whether cargo-xwin can link for the target, and whether Microsoft's licence was accepted."""
        target = wish.target
        if target.libc != "msvc" or target.arch not in _ARCHITECTURES or "-pc-" not in target.triple:
            return DriverSupport(able=False, reason=f"cargo-xwin does not link for {target.triple}")
        missing = [tool for tool in self.tools if tool.needed and tool.name not in host.tools]
        if missing:
            words = are_missing([tool.name for tool in missing])
            hint = "; ".join(dict.fromkeys(tool.install for tool in missing))
            return DriverSupport(able=False, reason=f"cargo-xwin could, but {words}", hint=hint)
        if not host.options_of("xwin", XwinOptions).accept_license:
            return DriverSupport(
                able=False,
                reason=(
                    f"{target.triple} needs the Windows SDK and CRT, whose licence (Microsoft, fwlink 2086102)"
                    " was not accepted"
                ),
                hint=_CONSENT,
                forbidden=True,
            )
        return DriverSupport(able=True, reason="cargo-xwin links for it", explicit=True)

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
        """Add missing standard libraries, fetch every crate, and fill the cache for all architectures at once.

        cargo-xwin locks nothing, and a second one that starts meanwhile removes the first one's files.
        """
        arches = sorted({_ARCHITECTURES[build.target.arch] for build in builds})
        program = place.host.tools.get("cargo-xwin", "cargo-xwin")
        env: dict[str, str | None] = {"XWIN_ACCEPT_LICENSE": "1", "XWIN_ARCH": ",".join(arches)}
        ids = tuple(build.id for build in builds)
        steps = [*std_steps(builds, place), *fetch_steps(builds, place)]
        steps += [*library_steps(builds, place), *host_compiler_steps(builds, place)]
        steps.append(
            Step(
                what=f"cargo-xwin cache ({', '.join(arches)})",
                command=Command(argv=(program, "cache", "xwin"), env=env),
                builds=ids,
                lock="xwin",
                hint="cargo-xwin downloads the Windows SDK once; XWIN_CACHE_DIR names a directory that has it",
            )
        )
        for triple in sorted({build.target.triple for build in builds}):  # writes its links and toolchain files
            argv = (program, "env", "--target", triple)
            own = tuple(build.id for build in builds if build.target.triple == triple)
            step = Step(what=f"cargo-xwin for {triple}", command=Command(argv=argv, env=env), builds=own, lock="xwin")
            steps.append(step)
        return tuple(steps)

    def command(self, build: Build, place: Place) -> Command:
        """Return ``cargo-xwin rustc`` for the build's library."""
        return rustc_command(
            (place.host.tools.get("cargo-xwin", "cargo-xwin"),),
            build,
            place,
            target=build.target.triple,
            env={
                "CARGO": place.cargo,
                "XWIN_ACCEPT_LICENSE": "1",
                "XWIN_ARCH": _ARCHITECTURES[build.target.arch],
                **host_compiler(place, build.target),
            },
        )
