"""The nouns of what came of a build: artifacts, outcomes, verdicts and wheels; handed on by ``matrix.model``."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "Artifact",
    "Bundled",
    "CellStatus",
    "Finding",
    "Outcome",
    "OutcomeStatus",
    "Sdist",
    "Severity",
    "Verdict",
    "Wheel",
]

CellStatus: TypeAlias = Literal["built", "reused", "failed", "skipped", "cancelled"]
OutcomeStatus: TypeAlias = Literal["ok", "failed", "timeout", "cancelled"]
Severity: TypeAlias = Literal["error", "warning", "note"]


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """What cargo made: a file of one kind, with what it was linked from.

    Attributes:
        path: The file, as cargo names it.
        kind: ``cdylib``, ``bin``, ``generated`` for a file that was made from a cdylib, ``companion`` for one that
            the linker made beside it (debug info, an import library), or ``stub`` for a type stub of it.
        crate: Cargo target name; of what is neither cdylib nor bin its place beside the library or program.
        linked_paths: Directories build scripts told the linker to search.
        out_dirs: ``OUT_DIR`` by package name.
        linked_by: Package whose build script asked for a library, by the library's ``-l`` name: ``pq``.
    """

    path: str
    kind: Literal["cdylib", "bin", "generated", "companion", "stub"]
    crate: str
    linked_paths: tuple[str, ...] = ()
    out_dirs: dict[str, str] = {}
    linked_by: dict[str, str] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a build ended; a failure is a value here, never an exception.

    Attributes:
        build: Id of the build.
        status: ``ok``, ``failed``, ``timeout`` or ``cancelled``.
        reason: Why it did not succeed, in one line; empty when it did.
        details: The tool's own words, at most a screen.
        hint: What to do about it, or ``None``.
        artifacts: What cargo made.
        compiled: Crates compiled.
        fresh: Crates that were fresh.
        exit: Exit code of the process (negative: signal), or ``None`` when it never ended by itself.
        argv: The command that ran.
        lane: The lane's directory name.
        log: The log file, relative to the directory that holds lanes and logs.
        started: Seconds since the run began.
        ended: Seconds since the run began.
        peak: Most memory that its processes held at once, in bytes; ``None`` where nobody could see it.
        lane_size: Bytes of its lane on disk, files shared with its seed included; ``None`` when it was not measured.
    """

    build: str
    status: OutcomeStatus
    reason: str = ""
    details: str = ""
    hint: str | None = None
    artifacts: tuple[Artifact, ...] = ()
    compiled: int = 0
    fresh: int = 0
    exit: int | None = None
    argv: tuple[str, ...] = ()
    lane: str = ""
    log: str = ""
    started: float = 0.0
    ended: float = 0.0
    peak: int | None = None
    lane_size: int | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the audit has to say.

    Attributes:
        code: Stable identifier in kebab-case, e.g. ``external-library``.
        severity: ``error``, ``warning`` or ``note``.
        file: Member of the wheel it is about.
        message: One line.
        hint: What to do about it, or ``None``.
    """

    code: str
    severity: Severity
    file: str
    message: str
    hint: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit found in the binaries of one wheel.

    Attributes:
        overall_tag: The best platform tag truly met, e.g. ``manylinux_2_17_x86_64`` or ``linux_x86_64``,
            ``macosx_11_0_arm64``, ``win_amd64``; empty when the binaries share no platform.
        sym_tag: The best one by symbol versions alone; on macOS and Windows the same.
        libraries: Every needed library by its SONAME, its install name or the name of the DLL, sorted.
        external: Needed libraries that the best policy does not allow, or that neither macOS or Windows, nor Python,
            nor the wheel has, sorted.
        symbols: Versioned symbols needed, by library: ``{"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.34"]}``.
        isa: Instruction-set level a binary asks for, e.g. ``x86-64-v3``, or ``None``.
        links_libpython: Whether a binary needs libpython; never on Windows, where all do.
        findings: What there is to say.
    """

    overall_tag: str
    sym_tag: str
    libraries: tuple[str, ...] = ()
    external: tuple[str, ...] = ()
    symbols: dict[str, tuple[str, ...]] = {}
    isa: str | None = None
    links_libpython: bool = False
    findings: tuple[Finding, ...] = ()


class Bundled(msgspec.Struct, frozen=True, kw_only=True):
    """A library that a wheel brings along.

    Attributes:
        file: Its member in the wheel: ``hello.libs/libz-0123abcd.so.1.2.13``.
        library: The name it was needed by: ``libz.so.1``.
        source: The file it was copied from, on the machine that built.
        sha256: Hexadecimal digest of that file.
    """

    file: str
    library: str
    source: str
    sha256: str


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """A finished archive in the out directory.

    Attributes:
        file: Its name.
        tags: Every expanded tag, sorted: ``("cp312-cp312-manylinux_2_17_x86_64",)``.
        size: Bytes.
        sha256: Hexadecimal digest.
    """

    file: str
    tags: tuple[str, ...]
    size: int
    sha256: str


class Sdist(msgspec.Struct, frozen=True, kw_only=True):
    """A finished source distribution in the out directory.

    Attributes:
        file: Its name.
        size: Bytes.
        sha256: Hexadecimal digest.
    """

    file: str
    size: int
    sha256: str
