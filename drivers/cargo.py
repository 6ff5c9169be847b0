"""The native driver: cargo itself, for the host's own platform."""

from __future__ import annotations

from collections.abc import Sequence

from matrix.driver import DriverSupport, Host, Place
from matrix.model import Build, Command, Settings, Target

__all__ = ["CargoDriver"]


class CargoDriver:
    """Plain ``cargo rustc``, linking with what the host has."""

    @property
    def name(self) -> str:
        """``cargo``."""
        return "cargo"

    @property
    def tools(self) -> tuple[str, ...]:
        """It needs cargo and rustc; the linker is the platform's."""
        return ("cargo", "rustc")

    def supports(self, target: Target, host: Host) -> DriverSupport:
        """Say whether ``target`` is the host itself, or a sibling that its own linker serves."""
        if target.triple == host.target.triple:
            return DriverSupport(able=True, reason="the host's own target")
        if target.os == host.target.os == "macos":
            return DriverSupport(able=True, reason="macOS links for both architectures")
        if target.os == host.target.os == "windows" and target.libc == host.target.libc == "msvc":
            return DriverSupport(able=True, reason="MSVC links for every architecture")
        return DriverSupport(
            able=False,
            reason=f"cargo alone builds only for {host.target.triple} here",
            hint="run it on a machine of that platform, or leave the target out",
        )

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Command, ...]:
        """Resolve the lock file and download every crate once, before builds do it at the same time."""
        triples = sorted({build.target.triple for build in builds})
        flags = tuple(flag for triple in triples for flag in ("--target", triple))
        manifest = ("--manifest-path", place.manifest)
        return (Command(argv=(place.cargo, "fetch", *manifest, *flags, *_shared(place.cargo_flags))),)

    def command(self, build: Build, place: Place) -> Command:
        """Return ``cargo rustc`` for the build's library, in its lane, reporting JSON messages."""
        settings = build.settings
        argv = [
            place.cargo,
            "rustc",
            "--message-format",
            "json-diagnostic-rendered-ansi" if place.color else "json",
            "--manifest-path",
            place.manifest,
            "--target-dir",
            place.lane,
            "--lib",
            "--crate-type",
            "cdylib",
            *_selection(settings),
        ]
        if build.explicit_target:
            argv += ["--target", build.target.triple]
        argv += [*place.cargo_flags, *settings.cargo_args, *_musl(build.target)]
        rustc = [*settings.rustc_args, *_link_args(build)]
        if rustc:
            argv += ["--", *rustc]
        return Command(argv=tuple(argv), env=_environment(build, place))


def _selection(settings: Settings) -> list[str]:
    argv = ["--profile", settings.profile]
    if settings.all_features:
        argv.append("--all-features")
    if settings.no_default_features:
        argv.append("--no-default-features")
    if settings.features:
        argv += ["--features", ",".join(settings.features)]
    return argv


def _shared(flags: Sequence[str]) -> list[str]:
    """Keep what ``cargo fetch`` knows of the flags of a build."""
    kept = []
    rest = iter(flags)
    for flag in rest:
        if flag in {"--locked", "--offline", "--frozen"}:
            kept.append(flag)
        elif flag in {"--config", "-Z"}:
            kept += [flag, next(rest)]
    return kept


def _musl(target: Target) -> list[str]:
    """An extension module is a shared library, which musl's static default cannot be (PEP 656)."""
    if target.libc != "musl":
        return []
    return ["--config", f'target.{target.triple}.rustflags=["-C", "target-feature=-crt-static"]']


def _link_args(build: Build) -> list[str]:
    args = []
    if build.settings.strip:
        args += ["-C", "strip=symbols"]
    if build.target.os == "macos":  # Python's symbols are found when the module is loaded
        args += ["-C", "link-arg=-undefined", "-C", "link-arg=dynamic_lookup"]
    return args


def _environment(build: Build, place: Place) -> dict[str, str | None]:
    env: dict[str, str | None] = {
        # a user's build.build-dir would defeat --target-dir alone
        "CARGO_BUILD_BUILD_DIR": place.lane,
        # build scripts see it as NUM_JOBS; without it that is every core
        "CARGO_BUILD_JOBS": str(place.jobs),
        # pyo3 0.26 and newer: an extension module does not link libpython
        "PYO3_BUILD_EXTENSION_MODULE": "1",
    }
    if not build.explicit_target:
        env["CARGO_BUILD_TARGET"] = None  # the plan says this machine, whatever the environment says
    if place.jobserver is not None:
        env["CARGO_MAKEFLAGS"] = place.jobserver
    if place.pyo3_config is not None:
        env["PYO3_CONFIG_FILE"] = place.pyo3_config
    if place.python is not None:
        env["PYO3_PYTHON"] = place.python
        env["PYTHON_SYS_EXECUTABLE"] = place.python
    env.update(build.settings.env)
    return env
