"""The driver contract: a driver says how a build becomes a command, and never runs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from matrix.model import Build, Command, Target

__all__ = ["Driver", "DriverSupport", "Host", "Place"]


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver may know of the machine that plans.

    Attributes:
        target: The host's own target.
        tools: Paths of tools found, by name; a missing one is absent.
    """

    target: Target
    tools: Mapping[str, str] = {}


class DriverSupport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a driver can build for a target, and why (not)."""

    able: bool
    reason: str
    hint: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a build happens on this machine; absolute paths, known only when it runs.

    Attributes:
        root: The project's root.
        manifest: Its Cargo.toml.
        lane: The cargo target directory that the build owns.
        pyo3_config: The PyO3 configuration file, or ``None``.
        python: Executable of the interpreter, or ``None`` when it is only known from tables.
        jobs: The number of slots of the whole run.
        jobserver: Value of ``CARGO_MAKEFLAGS`` that hands on the jobserver, or ``None``.
        cargo_flags: Flags of the run that every cargo call gets (``--locked``, ``--offline``, ``-Z …``).
        cargo: The cargo to call.
        color: Whether diagnostics are rendered with ANSI colours.
    """

    root: str
    manifest: str
    lane: str
    pyo3_config: str | None = None
    python: str | None = None
    jobs: int = 1
    jobserver: str | None = None
    cargo_flags: tuple[str, ...] = ()
    cargo: str = "cargo"
    color: bool = False


class Driver(Protocol):
    """Turns builds into commands. Pure: the same arguments give the same commands."""

    @property
    def name(self) -> str:
        """The word users write for it: ``cargo``."""
        ...

    @property
    def tools(self) -> tuple[str, ...]:
        """Programs it needs on PATH."""
        ...

    def supports(self, target: Target, host: Host) -> DriverSupport:
        """Say whether it can build for ``target`` on ``host``."""
        ...

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Command, ...]:
        """Return commands to run once, one after another, before these builds run in parallel."""
        ...

    def command(self, build: Build, place: Place) -> Command:
        """Return the command that makes the build's artifacts and reports them as cargo's JSON messages."""
        ...
