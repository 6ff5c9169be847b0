"""Gathers what a run needs to know of project and machine before it can be planned; all at once where it can."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from matrix.driver import Driver, Host, Place
from matrix.errors import ToolError
from matrix.model import Build, Command, Interpreter, Plan
from matrix.planning import Facts, Request, make_plan, needed_lookups
from matrix.platforms import TAG_VARIABLES, host_target
from matrix.process import capture
from matrix.project import Project, find_cargo, read_project
from matrix.running.lanes import Workshop
from matrix.running.signals import stopped_by_signals
from matrix.running.state import read_state
from matrix.wishes import cargo_flags, request_of, run_flags

__all__ = ["Gathered", "gather", "tag_environment", "tool_versions"]


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """A project, its plan, and what only this machine knows.

    Attributes:
        project: The project.
        host: The machine that plans.
        plan: What will happen.
        workshop: Where it will happen.
        cargo: The cargo to call.
        pythons: Executable by interpreter id.
        notes: Programs that were skipped, and why.
        cwd: Where the user is.
    """

    project: Project
    host: Host
    plan: Plan
    workshop: Workshop
    cargo: str
    pythons: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cwd: Path = field(default_factory=Path)

    def commands(self, drivers: Sequence[Driver], options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
        """Return the command that each build would run, by build id."""
        by_name = {driver.name: driver for driver in drivers}
        flags = run_flags(self.project, options)
        return {
            build.id: by_name[build.driver].command(build, self._place(build, flags)).argv for build in self.plan.builds
        }

    def _place(self, build: Build, flags: tuple[str, ...]) -> Place:
        return Place(
            root=str(self.project.root),
            manifest=str(self.project.root / build.manifest),
            lane=str(self.workshop.lane(build.id)),
            pyo3_config=str(self.workshop.config(build.id)) if build.pyo3_config is not None else None,
            cargo=self.cargo,
            cargo_flags=flags,
        )


async def gather(options: argparse.Namespace, drivers: Sequence[Driver]) -> Gathered:
    """Read the project, ask the machine, and plan; a signal ends every process it started.

    Raises:
        KeyboardInterrupt: A signal came.
        UsageError: A flag cannot be obeyed.
        ConfigError: A file of the project cannot be read or obeyed.
        ToolError: A tool is missing.
    """
    async with stopped_by_signals():
        return await _gather(options, drivers)
    raise KeyboardInterrupt


async def _gather(options: argparse.Namespace, drivers: Sequence[Driver]) -> Gathered:
    cwd = Path.cwd()
    cargo = find_cargo()
    project = await read_project(cwd, cargo_flags(options), bindings=options.bindings)
    host = Host(target=await host_target(project.root), tools={"cargo": cargo})
    request = request_of(options, project, os.environ, host.target)
    found = await _pythons(request, project, host)
    workshop = Workshop(project.target_dir / "wheelmatrix")
    facts = Facts(
        host=host,
        drivers=drivers,
        installations=[interpreter for interpreter, _ in found.all],
        named={word: interpreter for word, (interpreter, _) in found.named.items()},
        default=found.default[0] if found.default is not None else None,
        durations=_durations(workshop),
        environ=tag_environment(os.environ),
    )
    every = [*found.named.values(), *([found.default] if found.default is not None else []), *found.all]
    pythons: dict[str, str] = {}
    for interpreter, executable in every:
        pythons.setdefault(interpreter.id, executable)
    return Gathered(
        project=project,
        host=host,
        plan=make_plan(project, request, facts),
        workshop=workshop,
        cargo=cargo,
        pythons=pythons,
        notes=found.notes,
        cwd=cwd,
    )


def tag_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that change a platform tag."""
    return {name: environ[name] for name in TAG_VARIABLES if environ.get(name)}


@dataclass
class _Found:
    """Pythons of this machine, each with its executable."""

    all: list[tuple[Interpreter, str]] = field(default_factory=list)
    named: dict[str, tuple[Interpreter, str]] = field(default_factory=dict)
    default: tuple[Interpreter, str] | None = None
    notes: tuple[str, ...] = ()


async def _pythons(request: Request, project: Project, host: Host) -> _Found:
    """Ask this machine for the Pythons that the plan needs, all at the same time."""
    from matrix.platforms.discover import default_interpreter, find_installations, find_named  # noqa: PLC0415

    lookups = needed_lookups(request, project.options, host.target)
    found = _Found()

    async def discover() -> None:
        said = await find_installations()
        found.all = [(one.interpreter, str(one.executable)) for one in said.installations]
        found.notes = said.notes

    async def name(word: str, origin: str) -> None:
        one = await find_named(word, origin=origin)
        found.named[word] = (one.interpreter, str(one.executable))

    async def current() -> None:
        one = await default_interpreter()
        found.default = (one.interpreter, str(one.executable))

    async with anyio.create_task_group() as group:
        if lookups.discover:
            group.start_soon(discover)
        if lookups.default:
            group.start_soon(current)
        for word, origin in lookups.words.items():
            group.start_soon(name, word, origin)
    return found


def _durations(workshop: Workshop) -> dict[str, float]:
    """Return how long builds took the last time they compiled."""
    directory = workshop.base / "state"
    if not directory.is_dir():
        return {}
    states = {path.stem: read_state(path) for path in directory.glob("*.json")}
    return {name: state.seconds for name, state in states.items() if state.seconds is not None}


async def tool_versions(gathered: Gathered) -> dict[str, str]:
    """Return the versions of cargo and rustc for the report."""
    versions: dict[str, str] = {}

    async def ask(name: str, program: str) -> None:
        try:
            said = await capture(Command(argv=(program, "--version")), root=gathered.project.root)
        except ToolError:
            return
        words = said.stdout.split()
        if said.exit == 0 and len(words) > 1:
            versions[name] = words[1]

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "cargo", gathered.cargo)
        group.start_soon(ask, "rustc", os.environ.get("RUSTC", "rustc"))
    return dict(sorted(versions.items()))
