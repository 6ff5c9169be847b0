"""Gathers what a run needs to know of project and machine before it can be planned; all at once where it can."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from matrix.cargo_flags import cargo_flags
from matrix.driver import Driver, Host, Place
from matrix.errors import ToolError
from matrix.machine import look_around, versions
from matrix.model import Build, Interpreter, Plan
from matrix.planning import Facts, Request, make_plan, needed_lookups
from matrix.platforms import TAG_VARIABLES
from matrix.platforms.answers import cache_directory
from matrix.platforms.cross_files import CROSS_VARIABLES, CrossFiles
from matrix.project import Project, check_profiles, find_cargo, read_project
from matrix.running.cbindgen import find_cbindgen, may_install
from matrix.running.generators import missing_generator, wanting_header
from matrix.running.lanes import Workshop, workshop_of
from matrix.running.signals import stopped_by_signals
from matrix.running.state import BuildState, read_state
from matrix.wishes import request_of, run_flags

__all__ = ["Gathered", "gather", "tag_environment", "tool_versions"]


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """A project, its plan, and what only this machine knows.

    Attributes:
        project: The project.
        host: The machine that plans.
        request: What the flags said.
        facts: What was found on this machine.
        plan: What will happen.
        workshop: Where it will happen.
        cargo: The cargo to call.
        pythons: Executable by interpreter id.
        notes: Programs that were skipped, and why.
        cache: Directory for what is prepared once a machine.
        exports: Module-definition texts of the libraries of Python that modules link, by name.
        cwd: Where the user is.
        generators: Pythons to try, in order, where one must run cffi.
        peaks: Bytes of memory that builds needed when they last compiled something, by id.
    """

    project: Project
    host: Host
    request: Request
    facts: Facts
    plan: Plan
    workshop: Workshop
    cargo: str
    pythons: Mapping[str, str] = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    cache: Path = msgspec.field(default_factory=Path)
    exports: Mapping[str, str] = msgspec.field(default_factory=dict)
    cwd: Path = msgspec.field(default_factory=Path)
    generators: tuple[str, ...] = ()
    peaks: Mapping[str, int] = msgspec.field(default_factory=dict)

    def commands(self, drivers: Sequence[Driver], options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
        """Return the command that each build would run, by build id."""
        by_name = {driver.name: driver for driver in drivers}
        flags = run_flags(self.project, options)
        return {
            build.id: by_name[build.driver].command(build, self._place(build, flags)).argv for build in self.plan.builds
        }

    @property
    def cbindgen(self) -> str | None:
        """Path of the cbindgen that is here, or ``None``."""
        return find_cbindgen(self.cache, self.host, os.environ)

    @property
    def wants_header(self) -> bool:
        """Whether a build has cffi bindings and the project has no header of its own for them."""
        return bool(wanting_header(self.plan.builds, self.project.target_dir))

    async def missing_generator(self) -> ToolError | None:
        """Return what says that a program is missing which writes the Python side of the bindings, or ``None``."""
        return await missing_generator(
            self.plan.builds,
            self.project.target_dir,
            self.generators,
            self.project.root,
            cbindgen=self.cbindgen is not None or may_install(self.host),
        )

    def _place(self, build: Build, flags: tuple[str, ...]) -> Place:
        return Place(
            host=self.host,
            root=str(self.project.root),
            sources=tuple(map(str, self.project.sources)),
            manifest=str(self.project.root / build.manifest),
            lane=str(self.workshop.lane(build.id)),
            pyo3_config=str(self.workshop.config(build.id)) if build.pyo3_config is not None else None,
            cache=str(self.cache),
            exports=self.exports,
            cargo=self.cargo,
            cargo_flags=flags,
        )


async def gather(options: argparse.Namespace, drivers: Sequence[Driver], *, surveys: bool = False) -> Gathered:
    """Read the project, ask the machine, and plan; a signal ends every process it started.

    Args:
        options: The parsed command line.
        drivers: All of them, the best first.
        surveys: Whether what cannot be built is only told, and never an error.

    Raises:
        KeyboardInterrupt: A signal came.
        UsageError: A flag cannot be obeyed.
        ConfigError: A file of the project cannot be read or obeyed.
        ToolError: A tool is missing.
    """
    async with stopped_by_signals():
        return await _gather(options, drivers, surveys=surveys)
    raise KeyboardInterrupt


async def _gather(options: argparse.Namespace, drivers: Sequence[Driver], *, surveys: bool) -> Gathered:
    cwd = Path.cwd()
    cargo = find_cargo()
    project = await read_project(options.unpacked or cwd, cargo_flags(options), bindings=options.bindings)
    host = await look_around(project, drivers, cargo, os.environ, licensed=options.accept_xwin_license)
    request = msgspec.structs.replace(request_of(options, project, os.environ, host.target), surveys=surveys)
    found = await _pythons(request, project, host)
    elsewhere = None if options.unpacked else project.build_dir  # an unpacked tree comes and goes, its lanes stay
    workshop = Workshop(workshop_of(project.root, project.target_dir, elsewhere))
    history = _history(workshop)
    facts = Facts(
        host=host,
        drivers=drivers,
        installations=[interpreter for interpreter, _ in found.all],
        named={word: interpreter for word, (interpreter, _) in found.named.items()},
        default=found.default[0] if found.default is not None else None,
        durations={name: state.seconds for name, state in history.items() if state.seconds is not None},
        environ=tag_environment(os.environ)
        | {name: os.environ[name] for name in CROSS_VARIABLES if name in os.environ},
        cross=await anyio.to_thread.run_sync(_cross_files, project, cwd),
    )
    every = [*found.named.values(), *([found.default] if found.default is not None else []), *found.all]
    pythons: dict[str, str] = {}
    for interpreter, executable in every:
        pythons.setdefault(interpreter.id, executable)
    plan = make_plan(project, request, facts)
    if not surveys:
        check_profiles(project, plan.builds, os.environ, flag=options.profile, editable=options.editable)
    return Gathered(
        project=project,
        host=host,
        request=request,
        facts=facts,
        plan=plan,
        workshop=workshop,
        cargo=cargo,
        pythons=pythons,
        notes=found.notes,
        cache=cache_directory(os.environ) or workshop.base / "cache",
        exports=await anyio.to_thread.run_sync(_exports, project, plan),
        cwd=cwd,
        peaks={name: state.peak for name, state in history.items() if state.peak is not None},
        generators=_generators([executable for _, executable in found.named.values()]),
    )


def _generators(named: Sequence[str]) -> tuple[str, ...]:
    """Return the Pythons that may have cffi: those named, our own (a front end installs it there), the current one."""
    current = [shutil.which(name) for name in ("python3", "python")]
    return tuple(dict.fromkeys(one for one in (*named, sys.executable, *current) if one))


def tag_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that change a platform tag."""
    return {name: environ[name] for name in TAG_VARIABLES if environ.get(name)}


class _Found(msgspec.Struct):
    """Pythons of this machine, each with its executable."""

    all: list[tuple[Interpreter, str]] = msgspec.field(default_factory=list)
    named: dict[str, tuple[Interpreter, str]] = msgspec.field(default_factory=dict)
    default: tuple[Interpreter, str] | None = None
    notes: tuple[str, ...] = ()


async def _pythons(request: Request, project: Project, host: Host) -> _Found:
    """Ask this machine for the Pythons that the plan needs, all at the same time."""
    from matrix.platforms.discover import default_interpreter, find_installations, find_named  # noqa: PLC0415

    lookups = needed_lookups(request, project.options, host.target, any_python=project.bindings.any_python)
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


def _cross_files(project: Project, cwd: Path) -> dict[str, CrossFiles]:
    """Look into the directories of foreign Pythons that the environment or a row of the matrix names."""
    variable, rows = CROSS_VARIABLES[0], (*project.options.include, *project.options.overrides)
    named = {row.env[variable]: project.root for row in rows if row.env and row.env.get(variable)}
    if os.environ.get(variable):
        named[os.environ[variable]] = cwd
    if not named:
        return {}
    from matrix.platforms.cross_search import find_cross_files  # noqa: PLC0415 - few projects name any

    return {text: find_cross_files(base / text) for text, base in named.items()}


def _exports(project: Project, plan: Plan) -> dict[str, str]:
    """Return what the libraries of Python export that the plan's builds link, read from the locked pyo3-ffi."""
    names = sorted({name for build in plan.builds for name in build.import_libraries})
    source = project.bindings.source
    if not names or source is None:
        return {}
    from matrix.project.python_symbols import definition, read_symbols  # noqa: PLC0415 - only older PyO3 needs it

    symbols = read_symbols(source)
    return {name: definition(f"{name}.dll", symbols) for name in names}


def _history(workshop: Workshop) -> dict[str, BuildState]:
    """Return what is remembered of builds, by id."""
    directory = workshop.base / "state"
    if not directory.is_dir():
        return {}
    return {path.stem: read_state(path) for path in directory.glob("*.json")}


async def tool_versions(gathered: Gathered, drivers: Sequence[Driver]) -> dict[str, str]:
    """Return the versions of the tools that the plan's drivers use, for the report."""
    used = {build.driver for build in gathered.plan.builds}
    tools = [tool for driver in drivers if driver.name in {*used, "cargo"} for tool in driver.tools if tool.needed]
    return await versions(tools, gathered.host.tools, gathered.project.root)
