"""What commands list, as rows of tables: Pythons of this machine or known for a target, and wheels that were judged."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from matrix.model import Verdict
from matrix.platforms.discover import find_installations
from matrix.platforms.tables import absence, known_interpreter, released_versions
from matrix.platforms.targets import parse_target
from matrix.reporting.tables import AuditRow, InterpreterRow

if TYPE_CHECKING:
    from matrix.auditing.outcome import WheelAudit

__all__ = ["audit_rows", "described", "found_rows", "known_rows", "list_interpreters"]


async def found_rows() -> tuple[list[InterpreterRow], tuple[str, ...]]:
    """Return a row for every Python of this machine, and what is to be said of others."""
    found = await find_installations()
    rows = [
        InterpreterRow(interpreter=one.interpreter, executable=str(one.executable), source=one.source)
        for one in found.installations
    ]
    return rows, (*found.notes, *found.unsupported)


def known_rows(triple: str) -> list[InterpreterRow]:
    """Return a row for every released Python that a target has.

    Raises:
        UsageError: There is no such target.
    """
    target = parse_target(triple, "--target")
    return [
        InterpreterRow(interpreter=known_interpreter(one.implementation, one.version, target, threaded=one.threaded))
        for one in released_versions()
        if absence(one, target) is None
    ]


def described(row: InterpreterRow) -> dict[str, Any]:
    """Return a row as JSON has it."""
    where = {"id": row.interpreter.id, "executable": row.executable or None, "source": row.source or None}
    fields: dict[str, Any] = msgspec.to_builtins(row.interpreter)
    return where | fields


def audit_rows(audits: Iterable[WheelAudit]) -> list[AuditRow]:
    """Return a row for each wheel that was judged."""
    return [
        AuditRow(
            file=one.file,
            claims=tuple(sorted({tag.rpartition("-")[2] for tag in one.tags})),
            verdict=Verdict(
                overall_tag=one.overall_tag,
                sym_tag=one.sym_tag,
                libraries=one.needed_libs,
                external=_outside(one),
                symbols=one.versioned_symbols,
                findings=one.findings,
            ),
        )
        for one in audits
    ]


def list_interpreters(options: argparse.Namespace) -> int:
    """Print the Pythons found here, or those known from tables for a target.

    Args:
        options: The parsed command line: ``target``, ``json`` and ``color`` count.
    """
    from matrix.reporting.tables import render_interpreters  # noqa: PLC0415
    from matrix.reporting.text import wants_color  # noqa: PLC0415

    rows, notes = (known_rows(options.target), ()) if options.target is not None else anyio.run(found_rows)
    if options.json:
        listed = list(map(described, rows))
        sys.stdout.write(json.dumps({"version": 1, "interpreters": listed, "notes": list(notes)}, indent=2) + "\n")
    else:
        sys.stdout.write(render_interpreters(rows, notes=notes, color=wants_color(options.color, sys.stdout)))
    return 0


def _outside(audit: WheelAudit) -> tuple[str, ...]:
    """Return the libraries that nothing is sure to bring; a level that is met allows those that wider ones do not."""
    met = audit.overall_tag.startswith(("manylinux", "musllinux"))
    return () if met else tuple(audit.external_libs)
