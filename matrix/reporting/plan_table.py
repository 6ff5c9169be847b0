"""The plan as people see it: targets down, interpreters across, and below it what shares what, files, reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from matrix.model import Build, Cell, Plan
from matrix.reporting.closing import failure_block, left_out_lines, lost
from matrix.reporting.formats import count, duration, listing, platform_level
from matrix.reporting.spoken import note_lines
from matrix.reporting.state import label_of
from matrix.reporting.text import UNICODE, Line, Span, Symbols, clean_line, line, paint

__all__ = ["render_plan"]

_FEW_FILES = 40  # more expected files than this are shown only when asked for


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the grid: a target, its drivers, a mark for every column, its levels."""

    triple: str
    drivers: str
    marks: tuple[str, ...]
    levels: str


def render_plan(
    plan: Plan,
    *,
    symbols: Symbols = UNICODE,
    color: bool = False,
    files: bool | None = None,
    explain: bool = False,
) -> str:
    """Return the plan as a table, ending in a line feed.

    Args:
        plan: What would happen.
        symbols: What the stream can write.
        color: Whether to colour.
        files: Show every expected file name; ``None``: when they are few.
        explain: Say for every cell which driver builds it and why.
    """
    wheels = {(cell.build, cell.file): cell for cell in plan.cells}
    missing = sum(one.missing for one in plan.left_out)
    parts = [plan.bindings, f"{count(len(wheels), 'wheel')} from {count(len(plan.builds), 'build')}"]
    parts += [f"{missing} cannot be built here"] if missing else []
    name = Span(clean_line(f"{plan.project} {plan.version}"), "bold")
    lines: list[Line] = [line(name, *(f" {symbols.dot} {clean_line(part)}" for part in parts if part)), ()]
    lines += _grid(plan, symbols)
    triples = list(dict.fromkeys(cell.target.triple for cell in plan.cells))
    below = left_out_lines(plan.left_out, triples, symbols, most=None)
    below += _sharing(plan)
    below += _order(plan)
    lines += [(), *(_indented(one) for one in below)] if below else []
    failed = [failure_block(one, symbols, color=color) for one in lost(plan.left_out)]
    lines += [(), *(part for block in failed for part in block)] if failed else []
    if files or (files is None and len(wheels) <= _FEW_FILES):
        lines += [(), *_files(plan)]
    if explain:
        lines += [(), *_reasons(plan)]
    for text in plan.warnings:
        lines += [(), *note_lines("warning", text)]
    return "".join(f"{paint(one, color=color)}\n" for one in lines)


def _grid(plan: Plan, symbols: Symbols) -> list[Line]:
    missing = [(one.id, one.target) for one in plan.left_out if one.missing]
    every = [*((cell.id, cell.target.triple) for cell in plan.cells), *missing]
    columns = list(dict.fromkeys(_column(name, triple) for name, triple in every))
    rows = _rows(plan, columns, symbols)
    if not rows:
        return []
    triples = max(len("target"), *(len(row.triple) for row in rows))
    drivers = max(len("driver"), *(len(row.drivers) for row in rows))
    widths = [max(len(column), 3) for column in columns]
    head = "  ".join(f"{column:^{width}}" for column, width in zip(columns, widths, strict=True))
    lines = [line(Span(f"  {'target':<{triples}}  {'driver':<{drivers}}  {head}".rstrip(), "dim"))]
    for row in rows:
        marks = "  ".join(f"{mark:^{width}}" for mark, width in zip(row.marks, widths, strict=True))
        lines.append(line(f"  {row.triple:<{triples}}  {row.drivers:<{drivers}}  {marks}  {row.levels}".rstrip()))
    return lines


def _rows(plan: Plan, columns: Sequence[str], symbols: Symbols) -> list[_Row]:
    builds = {build.id: build for build in plan.builds}
    targets: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        targets.setdefault(cell.target.triple, []).append(cell)
    for one in plan.left_out:
        if one.missing:
            targets.setdefault(one.target, [])
    rows = []
    for triple, cells in targets.items():
        out = {_column(one.id, triple): one.missing for one in plan.left_out if f"-{triple}" in one.id}
        tally = Counter(_column(cell.id, triple) for cell in cells)
        signs = {name: symbols.failed if missing else symbols.left_out for name, missing in out.items()}
        marks = tuple(_mark(tally[column], signs.get(column, ""), symbols) for column in columns)
        drivers = dict.fromkeys(builds[cell.build].driver for cell in cells if cell.build in builds)
        levels = dict.fromkeys(_level(cell) for cell in cells)
        rows.append(_Row(triple=triple, drivers=" + ".join(drivers), marks=marks, levels=", ".join(levels)))
    return rows


def _column(name: str, triple: str) -> str:
    return label_of(name, triple).split(" ")[0]


def _mark(number: int, sign: str, symbols: Symbols) -> str:
    """Return what stands for the cells of a column: how many are built, or the sign of those that are not."""
    if number > 1:
        return str(number)
    return symbols.present if number else sign


def _level(cell: Cell) -> str:
    index = " for PyPI" if cell.pypi else ""
    if cell.compatibility.family != "auto":
        return f"{cell.compatibility}{index}"
    platform = cell.file.removesuffix(".whl").rsplit("-", 1)[-1]
    if "*" in platform:
        return f"the best level met{index}"
    return " + ".join(dict.fromkeys(platform_level(one) for one in platform.split("."))) + index


def _sharing(plan: Plan) -> list[Line]:
    """Return a line for every binary that serves several cells."""
    lines = []
    served = _served(plan)
    for build in plan.builds:
        cells = served[build.id]
        if len(cells) < 2:
            continue
        names = listing((label_of(cell.id, build.target.triple) for cell in cells), most=12)
        wheels = len({cell.file for cell in cells})
        kind = "one wheel" if wheels == 1 else f"{wheels} wheels of one binary"
        label = label_of(build.id, build.target.triple)
        lines.append(line(f"{label} on {build.target.triple}: {kind} for {clean_line(names)}"))
    return lines


def _served(plan: Plan) -> dict[str, list[Cell]]:
    served: dict[str, list[Cell]] = {build.id: [] for build in plan.builds}
    for cell in plan.cells:
        served.setdefault(cell.build, []).append(cell)
    return served


def _order(plan: Plan) -> list[Line]:
    if len(plan.builds) < 2:
        return []
    first = plan.builds[0]
    known = [build.expected for build in plan.builds if build.expected is not None]
    longest = f", longest expected {duration(max(known))}" if known else ""
    label = label_of(first.id, first.target.triple)
    return [line(f"order: {first.target.triple} {clean_line(label)} first{longest}")]


def _files(plan: Plan) -> list[Line]:
    """Return the expected files in the order their builds start."""
    ids = max((len(cell.id) for cell in plan.cells), default=0)
    lines = []
    served = _served(plan)
    for build in plan.builds:
        told: set[str] = set()
        for cell in served[build.id]:
            lines.append(line(f"  {cell.id:<{ids}}  ", "same wheel" if cell.file in told else clean_line(cell.file)))
            told.add(cell.file)
    return lines


def _reasons(plan: Plan) -> Iterable[Line]:
    builds: dict[str, Build] = {build.id: build for build in plan.builds}
    ids = max((len(cell.id) for cell in plan.cells), default=0)
    for cell in plan.cells:
        driver = builds[cell.build].driver if cell.build in builds else ""
        yield line(f"  {cell.id:<{ids}}  ", clean_line(f"{driver}: {cell.why}" if cell.why else driver))


def _indented(pieces: Line) -> Line:
    return (Span("  "), *pieces)
