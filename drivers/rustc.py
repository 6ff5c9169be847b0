"""What every driver says to cargo: ``cargo rustc`` for one build, and what is done once before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.import_libraries import library_args
from matrix.driver import Place, Step, build_dir_args
from matrix.model import Build, Command, Target

__all__ = ["are_missing", "fetch_step", "fetch_steps", "rustc_command", "std_steps"]


def are_missing(names: Sequence[str]) -> str:
    """Say that tools are missing: ``zig and cargo-zigbuild are missing``."""
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing"


def rustc_command(
    program: Sequence[str],
    build: Build,
    place: Place,
    *,
    target: str | None = None,
    env: Mapping[str, str | None] | None = None,
) -> Command:
    """Return the command that compiles the build's library or programs in its lane and reports JSON messages.

    Args:
        program: What stands before ``rustc``: ``("cargo",)``.
        build: The build.
        place: Where it happens.
        target: What ``--target`` says; by default the build's triple where cargo is told one.
        env: More variables; the build's own ones win.
    """
    settings = build.settings
    argv = [
        *program,
        "rustc",
        "--message-format",
        "json-diagnostic-rendered-ansi" if place.color else "json",
        "--manifest-path",
        place.manifest,
        "--target-dir",
        place.lane,
        *_products(build),
        "--profile",
        settings.profile,
        *settings.feature_args,
    ]
    if target is not None or build.explicit_target:
        argv += ["--target", target or build.target.triple]
    argv += [*place.cargo_flags, *settings.cargo_args, *([] if build.bins else _musl(build.target))]
    argv += build_dir_args(place.lane)
    rustc = [*settings.rustc_args, *_link_args(build), *library_args(build, place)]
    if rustc:
        argv += ["--", *rustc]
    return Command(argv=tuple(argv), env={**_environment(build, place), **(env or {}), **build.settings.env})


def fetch_step(builds: Sequence[Build], place: Place) -> Step:
    """Resolve the lock file and download every crate once, before builds do it at the same time."""
    triples = sorted({build.target.triple for build in builds})
    flags = tuple(flag for triple in triples for flag in ("--target", triple))
    argv = (place.cargo, "fetch", "--manifest-path", place.manifest, *flags, *_shared(place.cargo_flags))
    return Step(what="cargo fetch", command=Command(argv=argv), builds=tuple(build.id for build in builds))


def fetch_steps(builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
    """Return the step that fetches every crate, or none when all of them are here already.

    ``-Z build-std`` needs crates that no lock file of the project names.
    """
    if place.host.fetched and not any(_builds_std(build, place) for build in builds):
        return ()
    return (fetch_step(builds, place),)


def std_steps(builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
    """Add the standard libraries that the toolchain lacks, one target after another.

    rustup's own downloads clash when two run at once. Without rustup or network nothing can be added: cargo will say
    what is missing.
    """
    stds, rustup = place.host.stds, place.host.tools.get("rustup")
    if stds is None or rustup is None or place.host.offline:
        return ()
    wanted: dict[str, list[str]] = {}
    for build in builds:
        if build.target.triple not in stds and not _builds_std(build, place):
            wanted.setdefault(build.target.triple, []).append(build.id)
    return tuple(
        Step(
            what=f"rustup target add {triple}",
            command=Command(argv=(rustup, "target", "add", triple)),
            builds=tuple(ids),
            lock="rustup",
            std=triple,
            hint=f"this toolchain has no standard library for {triple}: rustup target add {triple}",
        )
        for triple, ids in wanted.items()
    )


def _builds_std(build: Build, place: Place) -> bool:
    return any("build-std" in word for word in (*build.settings.cargo_args, *place.cargo_flags))


def _products(build: Build) -> list[str]:
    if build.bins:
        return [word for name in build.bins for word in ("--bin", name)]
    return ["--lib", "--crate-type", "cdylib"]


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
    if build.target.os == "macos" and not build.bins:  # Python's symbols are found when the module is loaded
        args += ["-C", "link-arg=-undefined", "-C", "link-arg=dynamic_lookup"]
        # linkers would write the path of this machine into it
        args += ["-C", f"link-arg=-Wl,-install_name,@rpath/{build.lib_name}{_suffix(build)}"]
        # room for the names of libraries that wheels bring along
        args += ["-C", "link-arg=-Wl,-headerpad_max_install_names"]
    return args


def _suffix(build: Build) -> str:
    if build.stable_abi is not None:
        return f".{build.stable_abi.kind}.so"
    return build.interpreter.ext_suffix if build.interpreter is not None else ".so"


def _environment(build: Build, place: Place) -> dict[str, str | None]:
    env: dict[str, str | None] = {
        # build scripts see it as NUM_JOBS; without it that is every core
        "CARGO_BUILD_JOBS": str(place.jobs),
    }
    if not build.bins:  # pyo3 0.26 and newer: an extension module does not link libpython, a program does
        env["PYO3_BUILD_EXTENSION_MODULE"] = "1"
    if not build.explicit_target:
        env["CARGO_BUILD_TARGET"] = None  # the plan says this machine, whatever the environment says
    if place.jobserver is not None:
        env["CARGO_MAKEFLAGS"] = place.jobserver
    if place.pyo3_config is not None:
        env["PYO3_CONFIG_FILE"] = place.pyo3_config
    if place.python is not None:
        env["PYO3_PYTHON"] = place.python
        env["PYTHON_SYS_EXECUTABLE"] = place.python
    return env
