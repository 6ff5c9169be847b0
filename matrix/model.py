"""The nouns: plain frozen values that every part of the program hands on.

All of them serialise with msgspec. What is planned names no path of this machine, so that a build can run in another
process, in a container or on another machine: paths are relative to the project's root and written with ``/``. Only an
outcome, which tells what happened on one machine, names that machine's files and command.
"""

from __future__ import annotations

import msgspec

from matrix.axes import AbiKind, Compatibility, Implementation, Interpreter, StableAbi, Target
from matrix.results import (
    Artifact,
    Bundled,
    CellStatus,
    Finding,
    Outcome,
    OutcomeStatus,
    Sdist,
    Severity,
    Verdict,
    Wheel,
)

__all__ = [
    "AbiKind",
    "Artifact",
    "Build",
    "Bundled",
    "Cell",
    "CellStatus",
    "Command",
    "Compatibility",
    "Finding",
    "Implementation",
    "Interpreter",
    "LeftOut",
    "Outcome",
    "OutcomeStatus",
    "Plan",
    "Sdist",
    "Settings",
    "Severity",
    "StableAbi",
    "Target",
    "Verdict",
    "Wheel",
]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How one build is to be made; what overrides and matrix rows can change.

    Attributes:
        features: Cargo features, sorted.
        all_features: ``--all-features``.
        no_default_features: ``--no-default-features``.
        profile: Cargo profile name, ``dev`` and ``release`` included.
        cargo_args: More arguments to cargo, in order.
        rustc_args: Arguments after ``--``, in order.
        env: Environment variables set for the build; ``None`` unsets one.
        driver: Driver asked for by name, or ``auto``.
        image: Container image asked for, or ``None``.
        timeout: Seconds a build may take, or ``None``.
        strip: Whether symbols are stripped from the binary.
        pgo: Whether it is made with a profile, which an instrumented build is trained for first.
    """

    features: tuple[str, ...] = ()
    all_features: bool = False
    no_default_features: bool = False
    profile: str = "dev"
    cargo_args: tuple[str, ...] = ()
    rustc_args: tuple[str, ...] = ()
    env: dict[str, str | None] = {}
    driver: str = "auto"
    image: str | None = None
    timeout: float | None = None
    strip: bool = False
    pgo: bool = False

    @property
    def feature_args(self) -> tuple[str, ...]:
        """What chooses the features, as arguments of cargo."""
        argv = (*("--all-features",) * self.all_features, *("--no-default-features",) * self.no_default_features)
        return (*argv, "--features", ",".join(self.features)) if self.features else argv


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted wheel: interpreter × target × compatibility, with its settings.

    Attributes:
        id: Unique in a plan: ``cp312-x86_64-unknown-linux-gnu``, with ``-manylinux_2_28`` when several
            levels are asked for this target and ``-NAME`` for a named variant.
        interpreter: The Python it is for; ``None`` when any will do (bin).
        target: The platform it is for.
        compatibility: The level wished for.
        pypi: Whether the tag must be one that PyPI accepts.
        named: Whether the user named the interpreter or the target, so that leaving it out is an error.
        build: Id of the build that makes its binary.
        joined: Ids of further builds, whose binaries are joined with that one's into one file (universal2).
        python_tag: Python part of the wheel's tag: ``cp312``, ``cp39``, ``py3``.
        abi_tag: ABI part: ``cp312``, ``abi3``, ``none``.
        file: Expected wheel file name; with ``*`` as platform when the audit chooses the level.
        why: Why this driver was chosen, for ``plan --explain``.
    """

    id: str
    interpreter: Interpreter | None
    target: Target
    compatibility: Compatibility
    pypi: bool = False
    named: bool = False
    build: str
    joined: tuple[str, ...] = ()
    python_tag: str
    abi_tag: str
    file: str
    why: str = ""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that is not built, with the reason: ``pp311`` on ``…-musl`` (``exclude[0]``).

    Attributes:
        id: Id that the cell would have.
        reason: Why, in one line.
        interpreter: Id of its Python, e.g. ``pp311``.
        target: Its triple.
        hint: What to do about it, or ``None``.
        missing: Whether this machine lacks what builds it: it counts as failed, where others were merely not meant.
    """

    id: str
    reason: str
    interpreter: str = ""
    target: str = ""
    hint: str | None = None
    missing: bool = False


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One compile; several cells share it when the binary is the same.

    Attributes:
        id: Unique in a plan and in a target directory; names lane and log:
            ``cp312-x86_64-unknown-linux-gnu``, ``abi3-cp39-x86_64-unknown-linux-gnu``.
        target: The platform compiled for.
        explicit_target: Whether cargo is told ``--target`` (the user named one, or it is not the host).
        libc: Version of the C library that the driver links against; ``None`` where it takes what is there.
        interpreter: The Python compiled against; ``None`` for none.
        stable_abi: The stable ABI compiled for, or ``None``.
        bindings: ``pyo3``, ``pyo3-ffi``, …
        driver: Name of the driver.
        settings: How it is made.
        cells: Ids of the cells it serves, alone or joined with other builds, in plan order.
        pyo3_config: Text of the PyO3 configuration file, or ``None`` when none is needed.
        import_libraries: Libraries of Python that are linked and must be made first (Windows): ``python312``.
        manifest: Cargo.toml of the crate, relative to the project's root, e.g. ``rust/Cargo.toml``.
        crate: Cargo package name.
        lib_name: Name of the cdylib target.
        bindgen: Package of the workspace whose program ``uniffi-bindgen`` writes the Python side; empty for none.
        bins: Names of the programs that are built in place of a library, in order; empty for a library.
        expected: Seconds it is expected to take (the last report knows), or ``None``.
        units: Crates and build scripts that cargo compiles for it, about; 0 when unknown.
    """

    id: str
    target: Target
    explicit_target: bool = False
    libc: tuple[int, int] | None = None
    interpreter: Interpreter | None
    stable_abi: StableAbi | None = None
    bindings: str
    driver: str
    settings: Settings
    cells: tuple[str, ...]
    pyo3_config: str | None = None
    import_libraries: tuple[str, ...] = ()
    manifest: str
    crate: str
    lib_name: str
    bindgen: str = ""
    bins: tuple[str, ...] = ()
    expected: float | None = None
    units: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What will happen: the builds in starting order, the cells they serve, and what is left out.

    Attributes:
        project: Distribution name.
        version: Its PEP 440 version.
        bindings: Bindings and their locked version for people: ``pyo3 0.30.1``.
        cells: Every wanted wheel.
        builds: In the order they are started.
        left_out: Cells not built, each with its reason.
        warnings: What the user should know before compiling.
    """

    project: str
    version: str
    bindings: str
    cells: tuple[Cell, ...]
    builds: tuple[Build, ...]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A process to start; described by drivers, started by ``process.py`` alone.

    Attributes:
        argv: Program and arguments.
        env: Variables set on top of the caller's environment; ``None`` unsets one.
        cwd: Directory to start in; relative to the project's root.
        paths: Directories by the names that the process has for them, with where they lie: those of a container.
    """

    argv: tuple[str, ...]
    env: dict[str, str | None] = {}
    cwd: str = "."
    paths: dict[str, str] = {}

    def outside(self, path: str) -> str:
        """Return where a path that the process speaks of lies; ``native=/lane/x`` is one too.

        >>> Command(argv=("docker",), paths={"/lane": "/p/target/lane"}).outside("native=/lane/x")
        'native=/p/target/lane/x'
        """
        kind, sign, name = path.partition("=")
        if not kind.isalpha():
            kind, sign, name = "", "", path
        for inside, outside in self.paths.items():
            if name == inside or name.startswith(f"{inside}/"):
                return f"{kind}{sign}{outside}{name[len(inside) :]}"
        return path
