"""The table of a run as lines: one for each build while it runs, one for each wheel when it is over; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from matrix.reporting.formats import clock, count, duration, platform_levels, size
from matrix.reporting.progress import fraction_done, pieces_of, seconds_left
from matrix.reporting.state import BuildRow, CellRow, RunState
from matrix.reporting.text import Line, Span, Style, Symbols, clean_line, line

__all__ = ["bar_line", "build_line", "cell_line", "folded_rows", "frame", "header_line"]

_SPINS = 8  # spinner steps a second


def header_line(state: RunState, symbols: Symbols) -> Line:
    """Return the first line: ``rpds-py 0.30.0 · pyo3 0.30.1 · 4 wheels in 4 builds · cargo · -j 2``."""
    plan = state.plan
    drivers = list(dict.fromkeys(build.driver for build in plan.builds))
    wheels = f"{count(len(state.wheels), 'wheel')} in {count(len(plan.builds), 'build')}"
    lost = f"{len(state.missing)} cannot be built here" if state.missing else ""
    rest = [plan.bindings, wheels, lost, ", ".join(drivers), f"-j {state.jobs}"]
    name = Span(clean_line(f"{plan.project} {plan.version}"), "bold")
    return line(name, *(f" {symbols.dot} {clean_line(part)}" for part in rest if part))


def build_line(row: BuildRow, state: RunState, symbols: Symbols, now: float) -> Line:
    """Return the line of a build while the run goes on."""
    sign, style = _sign(row, symbols, now)
    spent = duration(row.seconds(now)) if row.started is not None else ""
    return (*_front(sign, style, row.label, row.build.target.triple, state), Span(f"{spent:>8}   "), *_news(row, state))


def cell_line(row: CellRow, state: RunState, symbols: Symbols) -> Line:
    """Return the line of a wanted wheel when all is over: ``✓ cp310  …  12.4s   manylinux_2_34   318 KB``."""
    build = state.builds.get(row.cell.build)
    spent = duration(build.seconds(state.at)) if build is not None and build.started is not None else ""
    sign, style = _CELL_SIGNS.get(row.status or "cancelled", ("skipped", "dim"))
    front = _front(getattr(symbols, sign), style, row.label, row.cell.target.triple, state)
    end = row.end
    if end is None or end.wheel is None:
        words = clean_line(end.reason) if end is not None and end.reason else ""
        return (
            *front,
            Span(f"{spent:>8}   "),
            Span(row.status or "cancelled", "dim"),
            Span(f"  {words}" * bool(words)),
        )
    level = f"{platform_levels(end.wheel):<{state.widths.level}}"
    tail = [Span("   unchanged", "dim")] if row.status == "reused" else []
    return (*front, Span(f"{spent:>8}   {level}   {size(end.wheel.size):>{state.widths.size}}"), *tail)


def frame(state: RunState, symbols: Symbols, *, now: float, width: int, height: int) -> list[Line]:
    """Return the whole live board, never higher than ``height`` lines; ``width`` shapes the progress bar."""
    room = max(height - 4, 1)
    rows = folded_rows(list(state.builds.values()), room)
    shown = {row.build.id for row in rows}
    lines = [header_line(state, symbols), (), *(build_line(row, state, symbols, now) for row in rows)]
    hidden = [row for row in state.builds.values() if row.build.id not in shown]
    if hidden:
        lines.append(line(Span(f"  {symbols.ellipsis} {_folded(hidden)}", "dim")))
    if state.preparing:
        lines.append(line(Span(f"  {_spin(symbols, now)} ", "accent"), clean_line(state.preparing)))
    lines.append(bar_line(state, symbols, now=now, width=width))
    return lines[-height:] if len(lines) > height else lines


def folded_rows(rows: Sequence[BuildRow], room: int) -> list[BuildRow]:
    """Choose the rows for ``room`` lines: all, or those in work, then failures, then the newest, then the next ones.

    One line is left for what is folded. The chosen stay in plan order, so that rows do not jump about.
    """
    if len(rows) <= room:
        return list(rows)
    by_rank = sorted(rows, key=_rank)
    chosen = {row.build.id for row in by_rank[: max(room - 1, 0)]}
    return [row for row in rows if row.build.id in chosen]


def bar_line(state: RunState, symbols: Symbols, *, now: float, width: int) -> Line:
    """Return the bar: ``━━━━━───  2 of 4 · slots 2/2 · 0:26, about 0:11 left``."""
    pieces = pieces_of(state, now)
    ended = sum(row.end is not None for row in state.wheels)
    left = seconds_left(pieces, state.jobs)
    about = f", about {clock(left)} left" if left is not None and left >= 1 else ""
    parts = [f"{ended} of {len(state.wheels)}", f"slots {state.held}/{state.jobs}", f"{clock(now)}{about}"]
    words = f" {symbols.dot} ".join(parts)
    length = max(min(width - len(words) - 5, 34), 0)
    full = round(length * fraction_done(pieces))
    bar = Span("  "), Span(symbols.bar * full, "good"), Span(symbols.rest * (length - full), "dim")
    return (*bar, Span(f"  {words}" if length else words))


_CELL_SIGNS: dict[str, tuple[str, Style]] = {
    "built": ("ok", "good"),
    "reused": ("ok", "good"),
    "failed": ("failed", "bad"),
    "skipped": ("skipped", "dim"),
    "cancelled": ("skipped", "dim"),
}


def _front(sign: str, style: Style, label: str, triple: str, state: RunState) -> Line:
    return line(
        "  ",
        Span(sign, style),
        " ",
        Span(f"{label:<{state.widths.label}}", "bold"),
        f"  {triple:<{state.widths.triple}}",
    )


def _sign(row: BuildRow, symbols: Symbols, now: float) -> tuple[str, Style]:
    match row.state:
        case "waiting" | "blocked":
            return symbols.waiting, "dim"
        case "running" | "auditing":
            return _spin(symbols, now), "accent"
        case "done":
            return symbols.ok, "good"
        case "failed":
            return symbols.failed, "bad"
        case "cancelled":
            return symbols.skipped, "dim"


def _spin(symbols: Symbols, now: float) -> str:
    return symbols.spinner[int(now * _SPINS) % len(symbols.spinner)]


def _news(row: BuildRow, state: RunState) -> Line:
    match row.state:
        case "running":
            total = state.expected_crates(row)
            crates = f"{row.crates}/{total}" if total >= row.crates and total else str(row.crates or "")
            return line(f"{crates} {clean_line(row.crate)}".strip())
        case "auditing":
            return line("audit and archive")
        case "blocked":
            return line(Span(clean_line(row.reason), "warn"))
        case "failed":
            return line(Span(clean_line(row.reason) or "failed", "bad"))
        case "done":
            return line(_wheels_of(row, state))
        case "waiting" | "cancelled":
            return line(Span("" if row.state == "waiting" else "cancelled", "dim"))


def _wheels_of(row: BuildRow, state: RunState) -> str:
    ends = [state.cells[name].end for name in row.build.cells if name in state.cells]
    wheels = {end.wheel.file: end.wheel for end in ends if end is not None and end.wheel is not None}.values()
    if not wheels:
        return ""
    levels = ", ".join(dict.fromkeys(platform_levels(wheel) for wheel in wheels))
    more = f"   {count(len(wheels), 'wheel')}" if len(wheels) > 1 else ""
    same = "   unchanged" if all(end is not None and end.status == "reused" for end in ends) else ""
    total = size(sum(wheel.size for wheel in wheels))
    return f"{levels:<{state.widths.level}}   {total:>{state.widths.size}}{more}{same}"


def _rank(row: BuildRow) -> tuple[int, float]:
    match row.state:
        case "running" | "auditing" | "blocked":
            return (0, 0.0)
        case "failed":
            return (1, -(row.ended or 0.0))
        case "waiting":
            return (3, 0.0)
        case "done" | "cancelled":
            return (2, -(row.ended or 0.0))


def _folded(rows: Sequence[BuildRow]) -> str:
    words = {"auditing": "running", "blocked": "waiting"}
    tally = Counter(words.get(row.state, row.state) for row in rows)
    known = [
        f"{tally[word]} more {word}" for word in ("running", "failed", "done", "cancelled", "waiting") if tally[word]
    ]
    return ", ".join(known)
