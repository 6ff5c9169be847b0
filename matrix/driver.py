"""The driver contract: a driver says how a build becomes a command, and never runs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from matrix.driver_options import DockerOptions, XwinOptions
from matrix.model import Build, Command, Compatibility, Target
from matrix.toml_text import toml_string

__all__ = [
    "BROUGHT",
    "OUT_OF_REACH",
    "Containers",
    "DockerOptions",
    "Driver",
    "DriverSupport",
    "Host",
    "Place",
    "Step",
    "Tool",
    "Wish",
    "XwinOptions",
    "build_dir_args",
]

BROUGHT = "libraries"
"""Directory of a lane with libraries that were copied out of where the build was made."""
OUT_OF_REACH = "/nonexistent/wheelmatrix-seed"
"""A PyO3 configuration, and a Python, that cannot be read: what a build is given that must stop where it needs one."""

O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741 - the options of one driver


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A program that a driver needs, or can use.

    Attributes:
        name: Its name on PATH.
        version: Arguments that make it print its version.
        package: A Python package that carries it, and its path in there: ``("ziglang", "zig")``.
        variable: Environment variable that names another path, or empty.
        install: The command that installs it.
        needed: Whether the driver is of no use without it.
    """

    name: str
    version: tuple[str, ...] = ("--version",)
    package: tuple[str, str] | None = None
    variable: str = ""
    install: str = ""
    needed: bool = True


class Containers(msgspec.Struct, frozen=True, kw_only=True):
    """What containers can be run with on this machine.

    Attributes:
        engine: ``docker`` or ``podman``.
        program: Its path.
        fault: Why it cannot be used, or empty.
        user: ``UID:GID`` in a container whose files come back as the caller's.
        cargo_home: cargo's home directory, with the registry.
        rust: Directory of cargo and rustc, as it is mounted; empty where they would not run anywhere else.
        mounts: Directories that these two need.
    """

    engine: str
    program: str
    fault: str = ""
    user: str = "0:0"
    cargo_home: str = ""
    rust: str = ""
    mounts: tuple[str, ...] = ()


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver may know of the machine that plans.

    Attributes:
        target: The host's own target.
        tools: Paths of tools found, by name; a missing one is absent.
        glibc: The glibc that programs are linked with here, e.g. ``(2, 36)``; ``None`` where there is none.
        stds: Targets whose standard library the toolchain has; ``None`` when nobody asked.
        sysroot: Directory of the toolchain; names it among others.
        linkers: Targets for which cargo's configuration names a linker.
        options: Settings of drivers, by name.
        offline: Whether nothing may be downloaded.
        fetched: Whether every crate that the lock file names is on this machine.
        cargo_offline: Whether cargo may download nothing, as flags, its configuration or the environment say.
        containers: What containers can be run with; ``None`` when there is nothing, or nobody asked.
    """

    target: Target
    tools: Mapping[str, str] = {}
    glibc: tuple[int, int] | None = None
    stds: frozenset[str] | None = None
    sysroot: str = ""
    linkers: frozenset[str] = frozenset()
    options: Mapping[str, msgspec.Struct] = {}
    offline: bool = False
    fetched: bool = False
    cargo_offline: bool = False
    containers: Containers | None = None

    def options_of(self, name: str, kind: type[O]) -> O:
        """Return the settings of a driver, or its defaults."""
        found = self.options.get(name)
        return found if isinstance(found, kind) else kind()


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver is asked to build.

    Attributes:
        target: The platform.
        level: The level that the wheel is to have.
        image: Container image that the project names for it, or ``None``.
        asked: Whether the project names this very driver for it.
    """

    target: Target
    level: Compatibility
    image: str | None = None
    asked: bool = False


class DriverSupport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a driver can build what is wished for, and why (not).

    Attributes:
        able: Whether it can.
        reason: Why, or why not, in one line.
        hint: What to do about it, or ``None``.
        reluctant: Whether another driver that can is the better one.
        forbidden: Whether the user must allow it first, which then is all that is told.
        claimed: Whether the wish is for this driver alone, able or not.
        libc: Version of the C library that it will link against, where it chooses one.
        explicit: Whether cargo is told ``--target`` even for the host's own.
        mark: What tells its binaries from those of other drivers; ends the build's id.
        lacks: Names of tools that it can do without elsewhere, and that are missing for this very wish.
        image: Container image that it builds in, or ``None``.
    """

    able: bool
    reason: str
    hint: str | None = None
    reluctant: bool = False
    forbidden: bool = False
    claimed: bool = False
    libc: tuple[int, int] | None = None
    explicit: bool = False
    mark: str = ""
    lacks: tuple[str, ...] = ()
    image: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a build happens on this machine; absolute paths, known only when it runs.

    Attributes:
        host: The machine.
        root: The project's root.
        sources: Directories with everything that cargo reads of the project: the root, its workspace, crates beside it.
        manifest: Its Cargo.toml.
        lane: The cargo target directory that the build owns.
        cache: Directory for what is prepared once a machine.
        pyo3_config: The PyO3 configuration file, or ``None``.
        exports: Text of the module-definition file of each library in ``Build.import_libraries``, by its name.
        python: Executable of the interpreter, or ``None`` when it is only known from tables.
        jobs: The number of slots of the whole run.
        jobserver: Value of ``CARGO_MAKEFLAGS`` that hands on the jobserver, or ``None``.
        fifo: The jobserver's FIFO, for who cannot inherit its descriptors, or ``None``.
        run: Names this run among all.
        cargo_flags: Flags of the run that every cargo call gets (``--locked``, ``--offline``, ``-Z …``).
        cargo: The cargo to call.
        color: Whether diagnostics are rendered with ANSI colours.
    """

    host: Host
    root: str
    manifest: str
    lane: str
    sources: tuple[str, ...] = ()
    cache: str = ""
    pyo3_config: str | None = None
    exports: Mapping[str, str] = {}
    python: str | None = None
    jobs: int = 1
    jobserver: str | None = None
    fifo: str | None = None
    run: str = ""
    cargo_flags: tuple[str, ...] = ()
    cargo: str = "cargo"
    color: bool = False


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Something to do once, before builds run in parallel.

    Attributes:
        what: What it is, for people: ``zig for aarch64-unknown-linux-gnu.2.17``.
        command: What to run.
        builds: Ids of the builds that cannot be made when it fails.
        files: Files to write first, by absolute path.
        programs: The same for files that are run.
        lock: Steps of one lock never run at the same time on a machine; empty for none.
        key: Names what it leaves on this machine, so that it is done once; empty: in every run.
        leaves: File that it leaves on this machine, and is done where that is; in place of ``key``.
        scratch: Directory that it works in, removed afterwards; or empty.
        compiles: Whether it is a cargo that compiles, which shares the slots of the run.
        std: Triple whose standard library it adds, or empty.
        hint: What to do when it fails, or ``None``.
    """

    what: str
    command: Command
    builds: tuple[str, ...]
    files: dict[str, str] = {}
    programs: dict[str, str] = {}
    lock: str = ""
    key: str = ""
    leaves: str = ""
    scratch: str = ""
    compiles: bool = False
    std: str = ""
    hint: str | None = None


class Driver(Protocol):
    """Turns builds into commands. Pure: the same arguments give the same commands."""

    @property
    def name(self) -> str:
        """The word users write for it: ``cargo``."""
        ...

    @property
    def tools(self) -> tuple[Tool, ...]:
        """Programs it needs, or can use."""
        ...

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        """Say whether it can build ``wish`` on ``host``."""
        ...

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
        """Return what to do once, one after another, before these builds run in parallel."""
        ...

    def command(self, build: Build, place: Place) -> Command:
        """Return the command that makes the build's artifacts and reports them as cargo's JSON messages."""
        ...

    def host_of(self, build: Build) -> str:
        """Name what compiles and runs the build scripts and proc macros of a build: empty for this machine itself.

        Builds of one name may share them, unless ``shares_host`` says otherwise.
        """
        ...

    def shares_host(self, build: Build, host: Host) -> bool:
        """Whether cargo takes what it compiled for ``host`` in builds for other targets for a build's own too."""
        ...

    def bring(self, build: Build, place: Place, folder: str, linked: Sequence[str]) -> Command | None:
        """Return what copies the shared libraries that files need out of where they were made.

        Args:
            build: The build.
            place: Where it happened.
            folder: Directory of the files on this machine; the libraries go to ``BROUGHT`` in the lane.
            linked: Directories that the linker searched.

        Returns:
            The command, or ``None`` where libraries lie on this machine.
        """
        ...

    def stop(self, build: Build, place: Place) -> tuple[Command, ...]:
        """Return what ends a build that did not end well by itself, where killing its processes is not enough."""
        ...


def build_dir_args(directory: str) -> tuple[str, str]:
    """Return what makes cargo build in a directory; a user's ``build.build-dir`` would defeat ``--target-dir`` alone.

    A variable would do the same, but sccache takes those into its keys.
    """
    return "--config", f"build.build-dir={toml_string(directory)}"
