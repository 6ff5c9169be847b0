"""Tables for people: interpreters, audits, plans; as text, so that they can be printed anywhere and tested whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from matrix.model import Finding, Interpreter, Verdict
from matrix.reporting.closing import hint_lines
from matrix.reporting.formats import count, listing
from matrix.reporting.plan_table import render_plan
from matrix.reporting.spoken import note_lines
from matrix.reporting.text import UNICODE, Line, Span, Style, Symbols, clean_line, line, paint

__all__ = [
    "AuditRow",
    "InterpreterRow",
    "columns",
    "render_audits",
    "render_interpreters",
    "render_plan",
]

_GRAVITY = {"error": 0, "warning": 1, "note": 2}
_NAMES = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


class InterpreterRow(msgspec.Struct, frozen=True, kw_only=True):
    """An interpreter to list.

    Attributes:
        interpreter: What it is.
        executable: Its program; empty when it is only known from tables.
        source: Where it was found: ``PATH``, ``pyenv``, …
    """

    interpreter: Interpreter
    executable: str = ""
    source: str = ""


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel and what the audit says of it.

    Attributes:
        file: The wheel's name.
        claims: Platform tags that its name claims.
        verdict: What was found.
    """

    file: str
    claims: tuple[str, ...] = ()
    verdict: Verdict


def render_interpreters(rows: Sequence[InterpreterRow], *, notes: Sequence[str] = (), color: bool = False) -> str:
    """Return the list of interpreters with the notes on those skipped, ending in a line feed."""
    found = any(row.executable for row in rows)
    head = f"{count(len(rows), 'Python')} {'found' if found else 'known from tables'}"
    cells = []
    for row in rows:
        python = row.interpreter
        version = python.full_version or ".".join(map(str, python.version))
        free = " free-threaded" if python.free_threaded else " debug" if "d" in python.abi_flags else ""
        name = f"{_NAMES[python.implementation]} {version}{free}"
        platform = python.platform or python.ext_suffix
        cells.append((python.id, name, platform, row.source, clean_line(row.executable)))
    lines: list[Line] = [line(Span(head, "bold")), *([()] if rows else [])]
    lines += [line("  ", Span(first, "accent"), rest) for first, rest in columns(cells)]
    lines += [()] if notes else []
    for note in notes:
        lines += note_lines("note", note)
    return _text(lines, color=color)


def render_audits(rows: Sequence[AuditRow], *, symbols: Symbols = UNICODE, color: bool = False) -> str:
    """Return what the audit found in each wheel, ending in a line feed."""
    lines: list[Line] = []
    for row in rows:
        verdict = row.verdict
        lines += [()] if lines else []
        lines.append(line(Span(clean_line(row.file), "bold")))
        if verdict.overall_tag:
            lines.append(line("  meets    ", Span(verdict.overall_tag, "good")))
        if row.claims:
            lines.append(line(f"  claims   {clean_line(', '.join(row.claims))}"))
        if verdict.sym_tag != verdict.overall_tag:
            lines.append(line(f"  symbols  {verdict.sym_tag}"))
        needs = [f"{clean_line(name)}{_newest(verdict.symbols.get(name, ()))}" for name in verdict.libraries]
        lines += [line(f"  needs    {part}") for part in needs[:1]] + [line(f"           {part}") for part in needs[1:]]
        if verdict.external:
            lines.append(line("  outside  ", Span(clean_line(listing(verdict.external, most=8)), "warn")))
        if verdict.isa:
            lines.append(line(f"  cpu      {clean_line(verdict.isa)}"))
        lines += [one for same in _alike(verdict.findings) for one in _finding(same, symbols)]
    return _text(lines, color=color)


def columns(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[tuple[str, str]]:
    """Align rows in columns; return each one's first cell, padded, and the rest of the line.

    Args:
        rows: Cells; every row has the same number.
        right: Indices of columns aligned to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligned = []
    for row in rows:
        padded = [
            f"{cell:>{width}}" if index in right else f"{cell:<{width}}"
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        aligned.append((padded[0], "".join(f"  {cell}" for cell in padded[1:]).rstrip()))
    return aligned


def _alike(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Join the findings that differ in their file alone, the gravest first."""
    found: dict[Finding, list[Finding]] = {}
    for finding in sorted(findings, key=lambda finding: _GRAVITY[finding.severity]):
        found.setdefault(msgspec.structs.replace(finding, file=""), []).append(finding)
    return list(found.values())


def _finding(same: Sequence[Finding], symbols: Symbols) -> list[Line]:
    """Return the lines of a finding that one file has, or several."""
    finding = same[0]
    styles: dict[str, Style] = {"error": "bad", "warning": "warn", "note": "accent"}
    where = f"{clean_line(finding.file)}{_more(len(same) - 1)}: " if finding.file else ""
    sign = f"{symbols.failed} " if finding.severity == "error" else ""
    head = line(
        "  ", Span(f"{sign}{finding.severity}:", styles[finding.severity]), f" {where}{clean_line(finding.message)}"
    )
    tail = Span(f" [{finding.code}]", "dim")
    return [(*head, tail), *hint_lines(finding.hint, indent="    ")]


def _more(number: int) -> str:
    return f" and {count(number, 'file')} more" if number else ""


def _newest(versions: Sequence[str]) -> str:
    """Return the newest version of each family of symbols: `` (GLIBC_2.34, GCC_3.0)``."""
    newest: dict[str, tuple[tuple[int, ...], str]] = {}
    for version in versions:
        family, _, number = version.rpartition("_")
        key = tuple(int(part) for part in number.split(".") if part.isdigit())
        newest[family] = max(newest.get(family, ((), version)), (key, version))
    names = [clean_line(name) for _, name in newest.values()]
    return f" ({', '.join(names)})" if names else ""


def _text(lines: Iterable[Line], *, color: bool) -> str:
    return "".join(f"{paint(one, color=color)}\n" for one in lines)
