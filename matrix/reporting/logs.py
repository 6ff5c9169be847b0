"""The event log through structlog: few, complete events, each bound to its build; for people or one JSON object a line.

structlog is configured here and nowhere else, as a logger of this module's own: nothing global changes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, Literal, TypeAlias

import msgspec

from matrix.events import (
    AuditEnded,
    AuditStarted,
    BuildEnded,
    BuildStarted,
    BuildWaiting,
    CellEnded,
    Diagnostic,
    Event,
    Note,
    PrepareEnded,
    PrepareStarted,
    RunEnded,
    RunStarted,
)
from matrix.masking import mask_argv, mask_urls
from matrix.model import LeftOut
from matrix.reporting.state import RunState
from matrix.reporting.text import clean_line, strip

__all__ = ["EventLog", "Level", "LogFormat", "Record", "make_log", "record_of"]

LogFormat: TypeAlias = Literal["console", "json"]
Level: TypeAlias = Literal["info", "warning", "error"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the log: its name, its level, and what belongs to it."""

    event: str
    level: Level = "info"
    fields: dict[str, Any] = {}


class EventLog:
    """A view that logs what began and what ended.

    Args:
        write: Takes a finished line, without its line feed.
        log_format: ``console`` or ``json``.
        color: Whether console lines are coloured.
        quiet: Only errors.
    """

    def __init__(
        self, write: Callable[[str], None], log_format: LogFormat, *, color: bool = False, quiet: bool = False
    ) -> None:
        self._log = make_log(write, log_format, color=color)
        self._quiet = quiet
        self._state = RunState()
        self._seen: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Nothing to begin: the log speaks when something happens."""

    def hear(self, event: Event) -> None:
        """Log one event, when it is one of those that are logged."""
        self._state.apply(event)
        if isinstance(event, Diagnostic):
            key = (event.level, strip(event.rendered))
            if key in self._seen or event.level == "failure-note":
                return
            self._seen.add(key)
        record = record_of(event, self._state)
        if record is None:
            return
        self._write(record, event.at)
        if isinstance(event, RunStarted):
            for left in self._state.missing:
                self._write(_lost(left), event.at)

    def _write(self, record: Record, at: float) -> None:
        if self._quiet and record.level != "error":
            return
        fields = {name: value for name, value in record.fields.items() if value not in (None, "", (), [])}
        getattr(self._log.bind(at=at), record.level)(record.event, **fields)

    def stop(self) -> None:
        """Nothing to end."""


def record_of(event: Event, state: RunState) -> Record | None:  # noqa: PLR0911 - a line for each kind of event
    """Return what the log says of an event, or ``None``; ``state`` has followed it already."""
    match event:
        case RunStarted():
            return _run_started(event)
        case PrepareStarted() | PrepareEnded():
            word = "started" if isinstance(event, PrepareStarted) else "ended"
            return Record(event=f"prepare {word}", fields={"what": event.what})
        case BuildWaiting() | BuildStarted() | AuditStarted() | AuditEnded():
            return _build_follows(event)
        case BuildEnded():
            return _build_ended(event)
        case Diagnostic() | Note():
            return _said(event)
        case CellEnded():
            return _cell_ended(event)
        case RunEnded():
            return _run_ended(event, state)
        case _:
            return None


def _run_started(event: RunStarted) -> Record:
    plan = event.plan
    lost = sum(one.missing for one in plan.left_out)
    counts = {"cells": len(plan.cells), "builds": len(plan.builds), "left_out": len(plan.left_out) - lost}
    counts |= {"failed": lost} if lost else {}
    names = {"project": plan.project, "version": plan.version, "bindings": plan.bindings}
    return Record(event="run started", fields={**names, **counts, "jobs": event.jobs, "out": event.out})


def _build_follows(event: BuildWaiting | BuildStarted | AuditStarted | AuditEnded) -> Record:
    fields: dict[str, Any] = {"build": event.build}
    match event:
        case BuildWaiting():
            return Record(event="build waiting", fields={**fields, "reason": event.reason})
        case BuildStarted():
            fields |= {"argv": list(mask_argv(event.argv)), "log": event.log}
            return Record(event="build started", fields=fields)
        case AuditStarted():
            return Record(event="audit started", fields={**fields, "cells": list(event.cells)})
        case AuditEnded():
            verdict = event.verdict
            found = [f"{one.severity}: {one.code}: {one.message}" for one in verdict.findings]
            fields |= {"cells": list(event.cells), "tag": verdict.overall_tag, "findings": found}
            return Record(event="audit ended", fields=fields)


def _said(event: Diagnostic | Note) -> Record:
    level: Level = "info"
    if event.level.startswith("error"):
        level = "error"
    elif event.level == "warning":
        level = "warning"
    text = mask_urls(strip(event.rendered if isinstance(event, Diagnostic) else event.text)).strip()
    fields = {"build": event.build, "text": text}
    if isinstance(event, Note):
        return Record(event="note", level=level, fields={**fields, "hint": event.hint and mask_urls(event.hint)})
    return Record(event="diagnostic", level=level, fields={**fields, "kind": event.level})


def _build_ended(event: BuildEnded) -> Record:
    outcome = event.outcome
    fields = {
        "build": outcome.build,
        "status": outcome.status,
        "seconds": round(max(outcome.ended - outcome.started, 0.0), 3),
        "compiled": outcome.compiled,
        "fresh": outcome.fresh,
        "exit": outcome.exit,
        "reason": mask_urls(strip(outcome.reason)),
        "details": mask_urls(strip(outcome.details)),
        "hint": outcome.hint and mask_urls(outcome.hint),
    }
    level: Level = "error" if outcome.status in {"failed", "timeout"} else "info"
    return Record(event="build ended", level=level, fields=fields)


def _cell_ended(event: CellEnded) -> Record:
    wheel = event.wheel
    fields = {
        "build": event.build,
        "cell": event.cell,
        "status": event.status,
        "wheel": wheel.file if wheel is not None else None,
        "size": wheel.size if wheel is not None else None,
        "sha256": wheel.sha256 if wheel is not None else None,
        "reason": mask_urls(strip(event.reason)),
        "hint": event.hint and mask_urls(event.hint),
    }
    return Record(event="cell ended", level="error" if event.status == "failed" else "info", fields=fields)


def _lost(left: LeftOut) -> Record:
    """Return the entry of a cell that this machine cannot build."""
    reason, hint = mask_urls(strip(left.reason)), left.hint and mask_urls(left.hint)
    return Record(
        event="cell ended",
        level="error",
        fields={"cell": left.id, "status": "failed", "reason": reason, "hint": hint},
    )


def _run_ended(event: RunEnded, state: RunState) -> Record:
    counts: dict[str, Any] = dict.fromkeys(("built", "reused", "failed", "skipped", "cancelled"), 0)
    for row in state.cells.values():
        counts[row.status or "cancelled"] += 1
    counts["failed"] += len(state.missing)
    counts["skipped"] += len(state.plan.left_out) - len(state.missing)
    fields = {**counts, "seconds": round(state.at, 3), "interrupted": event.interrupted, "foreign": list(event.foreign)}
    return Record(event="run ended", level="error" if counts["failed"] else "info", fields=fields)


class _Lines:
    """What structlog writes its finished lines to."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def _take(self, message: str) -> None:
        self._write(message)

    info = warning = error = _take


def make_log(write: Callable[[str], None], log_format: LogFormat, *, color: bool = False) -> Any:
    """Return a structlog logger that hands finished lines to ``write``.

    JSON lines carry ``event``, ``level``, ``at`` (seconds since the run began) and ``timestamp`` (UTC, ISO 8601).
    """
    import structlog  # noqa: PLC0415 - only runs that keep a log need it

    def stamp(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
        entry["timestamp"] = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return entry

    def encode(_logger: Any, _method: str, entry: dict[str, Any]) -> str:
        order = ("timestamp", "at", "level", "event", "build", "cell")
        first = {name: entry.pop(name) for name in order if name in entry}
        return msgspec.json.encode({**first, **entry}).decode()

    def on_one_line(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
        return {name: clean_line(value) if isinstance(value, str) else value for name, value in entry.items()}

    def clock(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
        entry["timestamp"] = f"{entry.pop('at'):8.3f}"
        return entry

    console = structlog.dev.ConsoleRenderer(colors=color, pad_event_to=16)
    last = [stamp, encode] if log_format == "json" else [on_one_line, clock, console]
    return structlog.wrap_logger(
        _Lines(write),
        processors=[structlog.processors.add_log_level, *last],
        wrapper_class=structlog.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )
