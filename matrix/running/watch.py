"""Reads one cargo's output: what it made, what it said, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

import msgspec

from matrix.events import BuildStarted, Bus, CrateDone, Diagnostic, Line
from matrix.model import Artifact, Build, Command, Outcome
from matrix.process import Ended
from matrix.running.companions import Companion, companions_of
from matrix.running.messages import (
    BuildScript,
    CompilerArtifact,
    CompilerMessage,
    RustcDiagnostic,
    package_name,
    parse_message,
)
from matrix.running.reasons import explain_failure

__all__ = ["Watch"]


# rustc asks Apple's xcrun for an SDK when it links (rustc_codegen_ssa, "xcrun_*"); elsewhere the linker brings its own
_SDK_SEARCH = re.compile(r"(?:to find|while finding) \w+\.sdk\b")


class Watch:
    """Reads one cargo's output: counts crates, collects artifacts and errors, tells the bus.

    Args:
        build: What cargo makes.
        bus: Hears it.
        companions: Files beside the module that are wanted.
        on_apple: Whether this machine is Apple's: elsewhere warnings of a missing SDK stay in the log, meaning nothing.
    """

    def __init__(
        self, build: Build, bus: Bus, companions: Collection[Companion] = (), *, on_apple: bool = False
    ) -> None:
        self._on_apple = on_apple
        self._build = build
        self._wanted = companions
        self._companions: list[str] = []
        self._bus = bus
        self._command = Command(argv=())
        self._compiled = 0
        self._fresh = 0
        self._errors: list[RustcDiagnostic] = []
        self._files: list[tuple[str, str]] = []
        self._linked: list[str] = []
        self._out_dirs: dict[str, str] = {}
        self._linked_by: dict[str, str] = {}
        self._units: set[tuple[str, str, tuple[str, ...]]] = set()
        self._again = False

    def start(self, command: Command, log: str) -> None:
        """Hear of the command before it starts; of a second one for the same build only what is new counts."""
        self._again, self._command = bool(self._command.argv), command
        if self._again:
            return
        self._bus.emit(BuildStarted(build=self._build.id, argv=command.argv, log=log))

    def stdout(self, line: str) -> str | None:
        """Read a line; return what of it belongs into the log."""
        message = parse_message(line)
        match message:
            case CompilerArtifact():
                self._artifact(message)
                return None
            case CompilerMessage():
                return self._diagnostic(message.message)
            case BuildScript():
                self._linked += map(self._command.outside, message.linked_paths)
                names = (library.partition("=")[2] or library for library in message.linked_libs)
                self._linked_by |= dict.fromkeys(names, package_name(message.package_id))
                self._out_dirs[package_name(message.package_id)] = self._command.outside(message.out_dir)
                return None
            case None:
                return None if line.startswith('{"reason":') else line
            case _:
                return None

    def stderr(self, line: str) -> str:
        """Read a line and return it."""
        self._bus.emit(Line(build=self._build.id, text=line))
        return line

    def _artifact(self, message: CompilerArtifact) -> None:
        unit = (message.package_id, message.target.name, message.target.kind)
        if not message.fresh:
            self._compiled += 1
        elif not self._again or unit not in self._units:
            self._fresh += 1
        self._units.add(unit)
        name = package_name(message.package_id)
        self._bus.emit(CrateDone(build=self._build.id, crate=message.target.name, fresh=message.fresh, package=name))
        if name != self._build.crate:
            return
        if self._build.bins:
            if message.target.name in self._build.bins and message.executable is not None and _is_program(message):
                self._files.append((message.target.name, self._command.outside(message.executable)))
                self._beside(message)
        elif message.target.name.replace("-", "_") == self._build.lib_name:
            self._files += [
                (message.target.name, self._command.outside(file)) for file in message.filenames if _is_module(file)
            ]
            self._beside(message)

    def _beside(self, message: CompilerArtifact) -> None:
        self._companions += map(self._command.outside, companions_of(message.filenames, self._wanted))

    def _diagnostic(self, diagnostic: RustcDiagnostic) -> str | None:
        if diagnostic.level.startswith("error"):
            self._errors.append(diagnostic)
        rendered = (diagnostic.rendered or "").rstrip()
        if not rendered:
            return None
        if self._on_apple or diagnostic.level != "warning" or not _SDK_SEARCH.search(diagnostic.message):
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
        lacking = [name for name in self._build.bins if name not in dict(self._files)]
        if lacking:
            reason = f"cargo made no program named {lacking[0]!r}"
            return msgspec.structs.replace(seen, reason=reason, hint="see its [[bin]] in Cargo.toml")
        if not self._files:
            return msgspec.structs.replace(
                seen,
                reason=f"cargo made no cdylib named {self._build.lib_name!r}",
                hint='add crate-type = ["cdylib"] to [lib] in Cargo.toml',
            )
        kind: Literal["bin", "cdylib"] = "bin" if self._build.bins else "cdylib"
        artifacts = tuple(
            Artifact(
                path=path,
                kind=kind,
                crate=name,
                linked_paths=tuple(self._linked),
                out_dirs=self._out_dirs,
                linked_by=self._linked_by,
            )
            for name, path in self._files
        )
        beside = tuple(Artifact(path=path, kind="companion", crate="") for path in dict.fromkeys(self._companions))
        return msgspec.structs.replace(seen, status="ok", artifacts=(*artifacts, *beside))


def _is_module(file: str) -> bool:
    return file.endswith((".so", ".dylib", ".dll", ".wasm"))


def _is_program(message: CompilerArtifact) -> bool:
    return "bin" in message.target.kind
