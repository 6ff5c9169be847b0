"""Telling people and programs what a run does: the live board, plain lines, the event log, the report, the tables.

Everything here only listens: a listener takes an event, changes what it remembers and returns at once; writing to
the terminal happens on a thread of its own, so that a slow one never holds up a build.
"""

from __future__ import annotations

from matrix.reporting.collector import ReportCollector
from matrix.reporting.document import (
    Report,
    compile_seconds,
    encode_report,
    read_report,
    write_report,
)
from matrix.reporting.tables import (
    AuditRow,
    InterpreterRow,
    render_audits,
    render_interpreters,
    render_plan,
)
from matrix.reporting.terminal import Reporter, make_listener

__all__ = [
    "AuditRow",
    "InterpreterRow",
    "Report",
    "ReportCollector",
    "Reporter",
    "compile_seconds",
    "encode_report",
    "make_listener",
    "read_report",
    "render_audits",
    "render_interpreters",
    "render_plan",
    "write_report",
]
