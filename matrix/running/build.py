"""The one place where a build becomes an outcome; whatever goes wrong in it is a value afterwards."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from matrix.errors import WheelmatrixError
from matrix.events import BuildEnded, BuildStarted, Bus, CrateDone, Diagnostic, Line
from matrix.files import write_if_changed
from matrix.model import Artifact, Build, Command, Outcome
from matrix.process import Ended
from matrix.running.bench import Bench
from matrix.running.messages import (
    BuildScript,
    CompilerArtifact,
    CompilerMessage,
    RustcDiagnostic,
    package_name,
    parse_message,
)
from matrix.running.reasons import explain_failure

__all__ = ["PrepareLane", "make"]


PrepareLane = Callable[[Build, Path], Awaitable[None]]


async def make(build: Build, bench: Bench, prepare_lane: PrepareLane | None = None) -> Outcome:
    """Make one build in its lane and return how it ended; only cancellation leaves as an exception.

    Args:
        build: The build.
        bench: What every build needs.
        prepare_lane: Called with the lane held, before cargo sees it.
    """
    started = bench.bus.now
    outcome = Outcome(build=build.id, status="cancelled", reason="stopped")
    try:
        outcome = await _make(build, bench, prepare_lane)
    except WheelmatrixError as error:
        outcome = Outcome(build=build.id, status="failed", reason=error.message, hint=error.hint)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        outcome = Outcome(build=build.id, status="failed", reason=f"{where}{error.strerror or error}")
    except Exception as error:  # noqa: BLE001 - a fault of ours costs one build, not the run
        words = "".join(traceback.format_exception(error))
        outcome = Outcome(build=build.id, status="failed", reason=f"internal error: {error!r}", details=words)
    finally:
        outcome = msgspec.structs.replace(
            outcome,
            lane=build.id,
            log=f"logs/{build.id}.log",
            started=outcome.started or round(started, 3),
            ended=round(bench.bus.now, 3),
        )
        bench.bus.emit(BuildEnded(outcome=outcome))
    return outcome


async def _make(build: Build, bench: Bench, prepare_lane: PrepareLane | None) -> Outcome:
    limit = build.settings.timeout
    async with bench.hold(build) as lane:
        started = round(bench.bus.now, 3)
        if prepare_lane is not None:
            await prepare_lane(build, lane)
        config: Path | None = None
        if build.pyo3_config is not None:
            config = bench.workshop.config(build.id)
            await anyio.to_thread.run_sync(write_if_changed, config, build.pyo3_config)
        python = bench.pythons.get(build.interpreter.id) if build.interpreter is not None else None
        watch = _Watch(build, bench.bus)
        command, ended = await bench.run(
            build,
            lane,
            pyo3_config=str(config) if config is not None else None,
            python=python,
            on_start=watch.start,
            on_stdout=watch.stdout,
            on_stderr=watch.stderr,
        )
        outcome = watch.outcome(ended, limit)
        outcome = msgspec.structs.replace(outcome, argv=command.argv, started=started)
        if outcome.status != "ok":
            return outcome
        staged = await anyio.to_thread.run_sync(
            _stage, outcome.artifacts, bench.workshop.staging / build.id, bench.out_dir_crates
        )
        return msgspec.structs.replace(outcome, artifacts=staged)


def _stage(artifacts: tuple[Artifact, ...], into: Path, crates: frozenset[str]) -> tuple[Artifact, ...]:
    """Copy out of the lane what a wheel is made from: cargo's own outputs are never worked on, the lane is free again.

    Args:
        artifacts: What cargo made.
        into: Where to; emptied first.
        crates: Crates whose ``OUT_DIR`` is copied too.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    staged = []
    for artifact in artifacts:
        copy = into / Path(artifact.path).name
        shutil.copy2(artifact.path, copy)
        out_dirs = dict(artifact.out_dirs)
        for crate in crates & out_dirs.keys():
            kept = into / "out" / crate
            if not kept.exists():
                shutil.copytree(out_dirs[crate], kept, symlinks=True)
            out_dirs[crate] = str(kept)
        staged.append(msgspec.structs.replace(artifact, path=str(copy), out_dirs=out_dirs))
    return tuple(staged)


class _Watch:
    """Reads one cargo's output: counts crates, collects artifacts and errors, tells the bus."""

    def __init__(self, build: Build, bus: Bus) -> None:
        self._build = build
        self._bus = bus
        self._command = Command(argv=())
        self._compiled = 0
        self._fresh = 0
        self._errors: list[RustcDiagnostic] = []
        self._files: list[tuple[str, str]] = []
        self._linked: list[str] = []
        self._out_dirs: dict[str, str] = {}

    def start(self, command: Command, log: str) -> None:
        self._command = command
        self._bus.emit(BuildStarted(build=self._build.id, argv=command.argv, log=log))

    def stdout(self, line: str) -> str | None:
        message = parse_message(line)
        match message:
            case CompilerArtifact():
                self._artifact(message)
                return None
            case CompilerMessage():
                return self._diagnostic(message.message)
            case BuildScript():
                self._linked += map(self._command.outside, message.linked_paths)
                self._out_dirs[package_name(message.package_id)] = self._command.outside(message.out_dir)
                return None
            case None:
                return None if line.startswith('{"reason":') else line
            case _:
                return None

    def stderr(self, line: str) -> str:
        self._bus.emit(Line(build=self._build.id, text=line))
        return line

    def _artifact(self, message: CompilerArtifact) -> None:
        if message.fresh:
            self._fresh += 1
        else:
            self._compiled += 1
        name = package_name(message.package_id)
        self._bus.emit(CrateDone(build=self._build.id, crate=message.target.name, fresh=message.fresh))
        if name == self._build.crate and message.target.name.replace("-", "_") == self._build.lib_name:
            self._files += [
                (message.target.name, self._command.outside(file)) for file in message.filenames if _is_module(file)
            ]

    def _diagnostic(self, diagnostic: RustcDiagnostic) -> str | None:
        if diagnostic.level.startswith("error"):
            self._errors.append(diagnostic)
        rendered = (diagnostic.rendered or "").rstrip()
        if not rendered:
            return None
        self._bus.emit(Diagnostic(build=self._build.id, level=diagnostic.level, rendered=rendered))
        return rendered

    def outcome(self, ended: Ended, limit: float | None) -> Outcome:
        """Say how the build ended."""
        seen = Outcome(
            build=self._build.id, status="failed", compiled=self._compiled, fresh=self._fresh, exit=ended.exit
        )
        if ended.timed_out:
            return msgspec.structs.replace(
                seen,
                status="timeout",
                reason=f"timed out after {limit:g} s",
                details="\n".join(ended.tail[-10:]),
                hint="give it more time with --timeout, or timeout in [[tool.wheelmatrix.overrides]]",
            )
        if ended.exit:
            why = explain_failure(ended.exit, self._errors, ended.tail)
            return msgspec.structs.replace(seen, reason=why.line, details=why.details, hint=why.hint)
        if not self._files:
            return msgspec.structs.replace(
                seen,
                reason=f"cargo made no cdylib named {self._build.lib_name!r}",
                hint='add crate-type = ["cdylib"] to [lib] in Cargo.toml',
            )
        artifacts = tuple(
            Artifact(path=path, kind="cdylib", crate=name, linked_paths=tuple(self._linked), out_dirs=self._out_dirs)
            for name, path in self._files
        )
        return msgspec.structs.replace(seen, status="ok", artifacts=artifacts)


def _is_module(file: str) -> bool:
    return file.endswith((".so", ".dylib", ".dll", ".wasm"))
