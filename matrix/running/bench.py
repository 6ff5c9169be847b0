"""What every build of a run needs, and how a driver's command is run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path

import anyio
import msgspec

from matrix.driver import Driver, Host, Place
from matrix.errors import ToolError
from matrix.events import BuildWaiting, Bus
from matrix.model import Build, Command, Outcome
from matrix.process import Ended, LineFilter, capture, run
from matrix.project.rustup import RealCargo
from matrix.running.companions import Companion
from matrix.running.lanes import Workshop
from matrix.running.meter import Meter
from matrix.running.pool import Pool

__all__ = ["Bench", "Training", "without_foreign_jobserver"]

STOP_TIMEOUT = 30.0  # seconds for what a driver runs to end a build elsewhere


class Training(msgspec.Struct, frozen=True):
    """How builds with a profile are trained.

    Attributes:
        command: Text for the shell that uses the module.
        needed: Requirements that are installed first.
        profdata: The ``llvm-profdata`` to call.
        pack: Writes a wheel of what a build made into a directory, and returns its path; called in a thread.
    """

    command: str
    needed: tuple[str, ...]
    profdata: str
    pack: Callable[[Build, Outcome, Path], Path]


class Bench(msgspec.Struct, frozen=True):
    """What every build of a run needs; the only value here that knows this machine.

    Attributes:
        root: The project's root.
        sources: Directories with everything that cargo reads of the project.
        workshop: Lanes, logs and staging.
        target_dir: cargo's target directory.
        drivers: By name.
        pool: The slots.
        bus: Hears what happens.
        pythons: Executable by interpreter id, for those that can run here.
        host: The machine.
        cache: Directory for what is prepared once a machine.
        cargo: The cargo to call.
        real_cargo: What builds call in its place, or ``None``.
        cargo_flags: Flags of the run that every cargo call gets.
        color: Whether diagnostics are rendered with colours.
        exports: Module-definition texts of the libraries of Python that modules link, by name.
        out_dir_crates: Crates whose ``OUT_DIR`` wheels take files from.
        generators: Pythons to try, in order, where one must run cffi.
        brings: Whether libraries are brought along, and are copied out of where a build was made.
        companions: What wheels get of the files that the linker makes beside a module.
        stubs: Name of the module that gets type stubs read from its binary; empty for none.
        meter: Sees how much memory builds need.
        training: How builds with a profile are trained, or ``None``.
        failed: Cells that a build has failed: another one that they need fails them no more.
    """

    root: Path
    workshop: Workshop
    drivers: Mapping[str, Driver]
    pool: Pool
    bus: Bus
    host: Host
    cache: Path
    pythons: Mapping[str, str] = msgspec.field(default_factory=dict)
    cargo: str = "cargo"
    real_cargo: RealCargo | None = None
    cargo_flags: tuple[str, ...] = ()
    color: bool = False
    exports: Mapping[str, str] = msgspec.field(default_factory=dict)
    out_dir_crates: frozenset[str] = frozenset()
    generators: tuple[str, ...] = ()
    brings: bool = False
    failed: set[str] = msgspec.field(default_factory=set)
    sources: tuple[str, ...] = ()
    meter: Meter = msgspec.field(default_factory=Meter)
    companions: frozenset[Companion] = frozenset()
    stubs: str = ""
    training: Training | None = None
    target_dir: Path = msgspec.field(default_factory=Path)

    def hold(self, build: Build) -> AbstractAsyncContextManager[Path]:
        """Hold the lane of a build, telling when another run has it."""

        def waiting() -> None:
            self.bus.emit(BuildWaiting(build=build.id, reason="its lane is held by another run"))

        return self.workshop.held(build.id, waiting)

    async def run(
        self,
        build: Build,
        lane: Path,
        *,
        pyo3_config: str | None,
        python: str | None,
        on_start: Callable[[Command, str], None] | None = None,
        on_stdout: LineFilter | None = None,
        on_stderr: LineFilter | None = None,
    ) -> tuple[Command, Ended]:
        """Run a build's command in its lane; what its driver left running elsewhere ends with it.

        Args:
            build: The build.
            lane: Its lane, held by the caller.
            pyo3_config: The PyO3 configuration file, or ``None``.
            python: The interpreter, or ``None``.
            on_start: Called with the command and the path of the log before it starts.
            on_stdout: See ``matrix.process.run``.
            on_stderr: The same for stderr.

        Raises:
            ToolError: The program is missing or may not be run.
        """
        driver, log, real = self.drivers[build.driver], self.workshop.log(build.id), self._real_cargo(build)
        with self.pool.handoff() as handoff, self.meter.watching() as seen:
            place = msgspec.structs.replace(
                self.place(build, lane),
                pyo3_config=pyo3_config,
                python=python,
                jobserver=handoff.makeflags,
                fifo=handoff.fifo,
                cargo=real.program if real is not None else self.cargo,
            )
            command = without_foreign_jobserver(driver.command(build, place))
            if real is not None:
                command = msgspec.structs.replace(command, env={**real.env, **command.env})
            if on_start is not None:
                on_start(command, str(log))
            well = False
            try:
                ended = await run(
                    command,
                    root=self.root,
                    on_stdout=on_stdout,
                    on_stderr=on_stderr,
                    log=log,
                    timeout=build.settings.timeout,
                    pass_fds=handoff.pass_fds,
                    on_pid=seen.started,
                )
                well = ended.exit == 0 and not ended.timed_out
            finally:
                if not well:
                    with anyio.CancelScope(shield=True):
                        await self._end(driver.stop(build, place))
        # what runs in a container is no process of ours
        return command, ended if self.elsewhere([build]) else msgspec.structs.replace(ended, peak=seen.peak)

    def elsewhere(self, builds: Iterable[Build]) -> bool:
        """Whether any of these builds runs where the system does not count it as ours: in a container."""
        return any(self.drivers[build.driver].host_of(build) for build in builds)

    def _real_cargo(self, build: Build) -> RealCargo | None:
        real = self.real_cargo
        return real if real is not None and real.serves(build.settings.env) and not self.elsewhere([build]) else None

    async def _end(self, commands: Sequence[Command]) -> None:
        for command in commands:
            with suppress(ToolError):
                await capture(command, root=self.root, timeout=STOP_TIMEOUT)

    def place(self, build: Build, lane: Path) -> Place:
        """Return where a build happens, before it has a slot."""
        return Place(
            host=self.host,
            root=str(self.root),
            sources=self.sources,
            manifest=str(self.root / build.manifest),
            lane=str(lane),
            cache=str(self.cache),
            exports=self.exports,
            jobs=self.pool.total,
            run=self.workshop.run,
            cargo=self.cargo,
            cargo_flags=self.cargo_flags,
            color=self.color,
        )


def without_foreign_jobserver(command: Command) -> Command:
    """Unset an outer make's jobserver: its descriptors are not open in our children."""
    foreign = {name: None for name in ("MAKEFLAGS", "MFLAGS") if "--jobserver" in os.environ.get(name, "")}
    return msgspec.structs.replace(command, env={**foreign, **command.env}) if foreign else command
