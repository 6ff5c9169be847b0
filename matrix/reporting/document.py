"""The report of a run: a public interface, versioned, with a JSON Schema made from these types."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from matrix.errors import ToolError, disk_hint
from matrix.files import write_atomically
from matrix.model import Bundled, CellStatus, OutcomeStatus, Sdist, Verdict, Wheel
from matrix.schemas import document_text

__all__ = [
    "Absent",
    "BuildRecord",
    "CellRecord",
    "CrateSpan",
    "Crates",
    "Machine",
    "ProjectRecord",
    "Remark",
    "Report",
    "SlotSpan",
    "Summary",
    "compile_seconds",
    "encode_report",
    "read_report",
    "write_report",
]

_Seconds = Annotated[float, Meta(ge=0)]
_Count = Annotated[int, Meta(ge=0)]
_Share = Annotated[float, Meta(ge=0, le=1)]


class ProjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The project whose wheels these are."""

    name: Annotated[str, Meta(description="Distribution name.")]
    version: Annotated[str, Meta(description="PEP 440 version.")]
    bindings: Annotated[str, Meta(description="Bindings and their locked version: `pyo3 0.30.1`.")] = ""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that ran it."""

    os: Annotated[str, Meta(description="`linux`, `darwin`, `windows`, …")]
    arch: Annotated[str, Meta(description="As the system names it: `x86_64`, `arm64`, …")]
    cpus: Annotated[int, Meta(ge=1, description="CPUs this process may use.")]
    python: Annotated[str, Meta(description="Version of the Python that ran wheelmatrix.")]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """How many cells ended how, and how long the run took."""

    built: _Count = 0
    reused: Annotated[int, Meta(ge=0, description="Everything was fresh; the wheel is the one of the last report.")] = 0
    failed: _Count = 0
    skipped: _Count = 0
    cancelled: Annotated[int, Meta(ge=0, description="Not ended when the run was.")] = 0
    seconds: _Seconds = 0.0


class CellRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted wheel and what became of it."""

    id: str
    status: CellStatus
    reason: Annotated[str, Meta(description="Why there is no wheel; empty when there is one.")] = ""
    details: Annotated[str, Meta(description="The tool's own words, without colours.")] = ""
    hint: str | None = None
    interpreter: Annotated[str | None, Meta(description="Interpreter id; null when any will do.")] = None
    target: Annotated[str, Meta(description="Rust target triple.")] = ""
    compatibility: Annotated[str, Meta(description="The level wished for; `auto` for the best one met.")] = ""
    file: Annotated[str, Meta(description="Expected file name; `*` where the audit chooses the level.")] = ""
    wheel: Wheel | None = None
    audit: Annotated[Verdict | None, Meta(description="What the audit found; null when there was none.")] = None
    bundled: Annotated[tuple[Bundled, ...], Meta(description="Libraries that the wheel brings along.")] = ()
    build: Annotated[str, Meta(description="Id of the build that makes its binary.")] = ""
    joined: Annotated[
        tuple[str, ...], Meta(description="Ids of further builds joined with it into one file (universal2).")
    ] = ()
    log: Annotated[
        str,
        Meta(description="Log of that build (of the one that failed it), relative to the directory of lanes and logs."),
    ] = ""


class Crates(msgspec.Struct, frozen=True, kw_only=True):
    """Units that cargo compiled, and those it found fresh."""

    compiled: _Count = 0
    fresh: _Count = 0


class BuildRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One compile."""

    id: str
    driver: str
    target: str
    status: OutcomeStatus
    reason: str = ""
    command: Annotated[tuple[str, ...], Meta(description="What ran, secrets hidden; empty when nothing did.")] = ()
    lane: Annotated[str, Meta(description="Name of its cargo target directory.")] = ""
    log: Annotated[str, Meta(description="Relative to the directory of lanes and logs.")] = ""
    started: Annotated[float | None, Meta(description="Seconds since the run began; null: never started.")] = None
    ended: Annotated[float | None, Meta(description="Seconds since the run began; null: never started.")] = None
    crates: Crates = Crates()
    exit: Annotated[int | None, Meta(description="Exit code (negative: signal); null: none of its own.")] = None
    cells: Annotated[tuple[str, ...], Meta(description="Ids of the cells it serves.")] = ()
    compile_seconds: Annotated[
        float | None, Meta(description="Seconds of the last run that compiled anything, this one or an earlier one.")
    ] = None
    peak_memory: Annotated[
        _Count | None,
        Meta(
            description="Bytes: most that its processes held at once, of the last run that compiled anything; null:"
            " nobody could see it.",
        ),
    ] = None
    lane_size: Annotated[
        _Count | None,
        Meta(
            description="Bytes of its cargo target directory on disk, files shared with a seed included; null: never"
            " measured.",
        ),
    ] = None


class CrateSpan(msgspec.Struct, frozen=True, kw_only=True):
    """When cargo worked on one package; seconds since the run began."""

    name: str
    started: Annotated[float | None, Meta(description="When cargo said so; null: it did not.")] = None
    ended: Annotated[float | None, Meta(description="When its last artifact was done; null: it was not.")] = None


class SlotSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Who held a slot, from when to when; seconds since the run began."""

    build: Annotated[str, Meta(description="Id of the build, or of the seed that some share (`seed-…`).")]
    slot: Annotated[int, Meta(ge=0, description="Counted from 0.")]
    started: _Seconds
    ended: _Seconds
    crates: Annotated[tuple[CrateSpan, ...], Meta(description="What was compiled meanwhile; nothing fresh.")] = ()


class Absent(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel that was expected and is not there."""

    cell: str
    file: str


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A warning or a note of the run."""

    level: Literal["warning", "note"]
    text: str
    hint: str | None = None
    build: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of wheelmatrix did; written by every run, failed and interrupted ones too."""

    version: Annotated[Literal[1], Meta(description="Of this format; a change that breaks readers raises it.")]
    wheelmatrix: Annotated[str, Meta(description="Version of wheelmatrix.")]
    project: ProjectRecord
    machine: Machine
    tools: Annotated[dict[str, str], Meta(description="Versions of the tools used: cargo, rustc, …")] = {}
    argv: Annotated[tuple[str, ...], Meta(description="The command line, secrets hidden.")] = ()
    started: Annotated[str, Meta(description="When the run began, UTC, ISO 8601.")]
    jobs: Annotated[int, Meta(ge=1, description="Slots of the run.")]
    out: Annotated[str, Meta(description="The out directory.")] = ""
    interrupted: Annotated[bool, Meta(description="Whether it ended before its end.")]
    summary: Summary
    sdist: Annotated[
        Sdist | None,
        Meta(description="The source distribution that the wheels were built from; null without `--sdist`."),
    ] = None
    cells: tuple[CellRecord, ...] = ()
    builds: tuple[BuildRecord, ...] = ()
    timeline: Annotated[tuple[SlotSpan, ...], Meta(description="The slots over time, in order of start.")] = ()
    utilisation: Annotated[
        _Share | None,
        Meta(
            description="Share of the slots' time that was used: CPU time of all child processes where the system"
            " tells, else the time that slots were held; null: nothing ran.",
        ),
    ] = None
    absent: Annotated[tuple[Absent, ...], Meta(description="Wheels expected and not there.")] = ()
    foreign: Annotated[
        tuple[str, ...], Meta(description="Wheels in the out directory that this run did not make.")
    ] = ()
    notes: tuple[Remark, ...] = ()


def encode_report(report: Report) -> bytes:
    """Return the report as JSON, indented, with a line feed at the end."""
    return document_text(report).encode()


def write_report(path: Path, report: Report) -> None:
    """Write the report, whole or not at all.

    Raises:
        ToolError: The file cannot be written.
    """
    try:
        write_atomically(path, encode_report(report))
    except OSError as error:
        raise ToolError(
            f"{path}: the report cannot be written: {error.strerror or error}",
            hint=disk_hint(error) or "choose another place with --report",
        ) from error


def read_report(path: Path) -> Report | None:
    """Return the report in a file, or ``None`` when it is missing, damaged or of another version."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, ValueError, RecursionError):
        return None


def compile_seconds(report: Report | None) -> dict[str, float]:
    """Return what each build took when it last compiled anything, in seconds, by build id."""
    builds = report.builds if report is not None else ()
    return {build.id: build.compile_seconds for build in builds if build.compile_seconds is not None}
