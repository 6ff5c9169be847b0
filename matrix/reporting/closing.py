"""What a run ends with: the table of wheels, failures in the tools' own words, and one line that sums it up; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from matrix.model import LeftOut
from matrix.reporting.formats import count, duration, listing
from matrix.reporting.rows import cell_line, header_line
from matrix.reporting.state import CellRow, RunState, label_of
from matrix.reporting.text import Line, Span, Symbols, clean, clean_line, line

__all__ = [
    "Failure",
    "closing",
    "closing_notes",
    "failure_block",
    "failure_of",
    "failures",
    "hint_lines",
    "left_out_lines",
    "lost",
    "summary_line",
    "wheel_table",
]

_INDENT = " " * 8
_MOST_LEFT_OUT = 6

Told = Callable[[str, str, int], bool]
CountLines = Callable[[str], "int | None"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Cells that failed for one and the same reason.

    Attributes:
        cells: ``(label, triple)`` of each, in plan order.
        build: The first one's build.
        reason: One line.
        details: The tool's own words, perhaps with colours.
        hint: What to do about it, or ``None``.
        log: The first one's log; empty when the compile went well and its log says nothing of the failure.
    """

    cells: tuple[tuple[str, str], ...]
    build: str
    reason: str
    details: str
    hint: str | None
    log: str


def failures(state: RunState) -> list[Failure]:
    """Return what failed, cells with the same reason, words and hint together, in plan order; then what never began."""
    groups: dict[tuple[str, str, str | None], Failure] = {}
    for row in state.with_status("failed"):
        found = failure_of(row, state)
        key = (row.end.reason if row.end is not None else "", found.details, found.hint)
        known = groups.get(key)
        groups[key] = found if known is None else msgspec.structs.replace(known, cells=known.cells + found.cells)
    return [*groups.values(), *lost(state.plan.left_out)]


def lost(left_out: Sequence[LeftOut]) -> list[Failure]:
    """Return what this machine cannot build, cells of one reason together; it failed before anything began."""
    groups: dict[tuple[str, str | None], list[tuple[str, str]]] = {}
    for one in left_out:
        if one.missing:
            groups.setdefault((one.reason, one.hint), []).append((label_of(one.id, one.target), one.target))
    return [
        Failure(cells=tuple(cells), build="", reason=f"not built: {reason}", details="", hint=hint, log="")
        for (reason, hint), cells in groups.items()
    ]


def failure_of(row: CellRow, state: RunState) -> Failure:
    """Say why one cell failed; a compile's own failure says when."""
    name = row.end.build if row.end is not None else row.cell.build
    build = state.builds.get(name)
    reason = row.end.reason if row.end is not None else ""
    compiled = build is not None and build.outcome is not None and build.outcome.status == "ok"
    if build is not None and build.outcome is not None and build.outcome.status == "failed":
        reason = f"failed after {duration(build.seconds(state.at))}: {reason}"
    return Failure(
        cells=((row.label, row.cell.target.triple),),
        build=name,
        reason=reason or "failed",
        details=row.end.details if row.end is not None else "",
        hint=row.end.hint if row.end is not None else None,
        log=build.log if build is not None and not compiled else "",
    )


def failure_block(failure: Failure, symbols: Symbols, *, color: bool, lines_in: CountLines | None = None) -> list[Line]:
    """Return one failure as people see it: the cell, the tool's words, where the rest stands, the hint.

    Args:
        failure: What failed.
        symbols: What the stream can write.
        color: Keep the colours of the tool's words.
        lines_in: Counts the lines of a log, to say how many more there are; ``None`` when it cannot be read.
    """
    (label, triple), *others = failure.cells
    block = [
        line("  ", Span(symbols.failed, "bad"), " ", Span(label, "bold"), f"  {triple}   ", clean_line(failure.reason))
    ]
    if others:
        block.append(line(f"    and for the same reason {_places(others)}"))
    details = clean(failure.details, colors=color).strip("\n").splitlines()
    block += [(), *(line(Span(_INDENT + text, "ansi")) for text in details)] if details else []
    if failure.log:
        known = lines_in(failure.log) if lines_in is not None else None
        more = max(known - len(details), 0) if known is not None else None
        words = f"{symbols.ellipsis} {count(more, 'line')} in " if more and details else "log: "
        if more != 0 or not details:
            block.append(line(Span(f"{_INDENT}{words}{clean_line(failure.log)}", "dim")))
    block += hint_lines(failure.hint, indent=_INDENT)
    return block


def hint_lines(hint: str | None, *, indent: str = "") -> list[Line]:
    """Return a hint, its further lines aligned below the first."""
    if not hint:
        return []
    first, *rest = clean(hint).splitlines() or [""]
    return [
        line(indent, Span("hint:", "accent"), f" {first}"),
        *(line(f"{indent}      {text.strip()}") for text in rest),
    ]


def summary_line(state: RunState, symbols: Symbols, *, report: str = "") -> Line:
    """Return the last line: ``4 wheels in target/wheels · 36.0s (96% of 2 slots) · report …``."""
    made = len(state.with_status("built", "reused"))
    reused = len(state.with_status("reused"))
    failed = [_place(row) for row in state.with_status("failed")]
    unfinished = len(state.wheels) - made - len(failed)
    failed += [(label_of(one.id, one.target), one.target) for one in state.missing]
    total = len(state.wheels) + len(state.missing)
    interrupted = state.end is None or state.end.interrupted
    whole = made == total
    wheels = count(made, "wheel") if whole else f"{made} of {count(total, 'wheel')}"
    first = f"{wheels} in {clean_line(state.out)}" if state.out else wheels
    if whole and made and reused == made:
        parts = [f"{first}, all unchanged" if made > 1 else f"{first}, unchanged"]
    else:
        parts = [f"{first} ({reused} unchanged)" if reused else first]
    problems = [f"{len(failed)} failed{_common(failed, state)}"] if failed else []
    problems += [f"{unfinished} not built"] if unfinished else []
    parts += [", ".join(problems)] if problems else []
    share = state.utilisation
    slots = f" ({share:.0%} of {count(state.jobs, 'slot')})" if share and not problems and reused < made else ""
    parts.append(duration(state.at) + slots)
    parts += [f"report {clean_line(report)}"] if report and not (whole and reused == made) else []
    words = f" {symbols.dot} ".join(parts)
    early = "stopped at the first failure: " if state.end is not None and state.end.stopped else "interrupted: "
    head = [Span(early, "warn")] if interrupted else []
    return line(*head, Span(words, "bad" if failed else "" if interrupted else "good"))


def closing(
    state: RunState,
    symbols: Symbols,
    *,
    color: bool,
    report: str = "",
    lines_in: CountLines | None = None,
    told: Told | None = None,
) -> list[Line]:
    """Return everything that stays when a run is over; one line alone when every wheel is unchanged.

    Args:
        state: The run.
        symbols: What the stream can write.
        color: Keep the colours of the tools' words.
        report: Path of the report.
        lines_in: Counts the lines of a log.
        told: Whether what a tool said of a build can still be read above, so that it need not be said again; gets the
            build, the words, and how many lines of the end come before them.
    """
    summary = summary_line(state, symbols, report=report)
    foreign = closing_notes(state)
    if state.wheels and not state.missing and all(row.status == "reused" for row in state.wheels):
        return [*foreign, summary]
    lines = [header_line(state, symbols), (), *wheel_table(state, symbols)]
    for failure in failures(state):
        known = told is not None and told(failure.build, failure.details, len(lines))
        shown = msgspec.structs.replace(failure, details="") if known else failure
        lines += [*([()] if lines[-1] else []), *failure_block(shown, symbols, color=color, lines_in=lines_in)]
    return [*lines, (), *foreign, summary]


def wheel_table(state: RunState, symbols: Symbols) -> list[Line]:
    """Return every wheel with its tag and size, and those not built; failures tell of themselves elsewhere."""
    return [cell_line(row, state, symbols) for row in state.wheels if row.status != "failed"]


def left_out_lines(
    left_out: Sequence[LeftOut], triples: Sequence[str], symbols: Symbols, *, most: int | None = _MOST_LEFT_OUT
) -> list[Line]:
    """Return what is left out, cells of one reason together: ``○ left out: pp311 on … (exclude[0] …)``.

    What this machine cannot build is no such thing: see :func:`lost`.

    Args:
        left_out: Cells not built.
        triples: Targets of the plan.
        symbols: What the stream can write.
        most: Lines at most, or ``None`` for all.
    """
    reasons: dict[str, dict[str, list[str]]] = {}
    for one in left_out:
        if one.missing:
            continue
        triple = next((name for name in sorted(triples, key=len, reverse=True) if f"-{name}" in one.id), "")
        label = label_of(one.id, triple) if triple else one.id
        reasons.setdefault(one.reason, {}).setdefault(triple, []).append(label)
    lines = []
    for reason, places in reasons.items():
        where = _places([(label, triple) for triple, labels in places.items() for label in labels])
        lines.append(line(Span(f"{symbols.left_out} left out: {clean_line(where)} ({clean_line(reason)})", "dim")))
    if most is not None and len(lines) > most:
        hidden = len(lines) - most + 1
        lines[most - 1 :] = [line(Span(f"{symbols.ellipsis} {hidden} more reasons: wheelmatrix plan", "dim"))]
    return lines


def _places(cells: Sequence[tuple[str, str]]) -> str:
    """Say which ``(label, triple)`` are meant: ``cp311, cp312 on aarch64-unknown-linux-gnu``."""
    labels: dict[str, list[str]] = {}
    for label, triple in cells:
        labels.setdefault(triple, []).append(label)
    triples: dict[tuple[str, ...], list[str]] = {}
    for triple, names in labels.items():
        triples.setdefault(tuple(names), []).append(triple)
    return "; ".join(
        listing(names, most=8) + (f" on {listing(where, most=5)}" if any(where) else "")
        for names, where in triples.items()
    )


def _common(failed: Sequence[tuple[str, str]], state: RunState) -> str:
    """Say what all failures have in common, when not everything has it; each is ``(label, triple)``."""
    if len(failed) < 2:
        return ""
    every = {*failed, *map(_place, state.wheels)}
    for index in (1, 0):
        theirs = {one[index] for one in failed}
        if len(theirs) == 1 and len({one[index] for one in every}) > 1:
            return f" (all {theirs.pop()})"
    return ""


def _place(row: CellRow) -> tuple[str, str]:
    return row.label, row.cell.target.triple


def closing_notes(state: RunState) -> list[Line]:
    """Return what a person should know at the end: wheels in the out directory that are not of this run."""
    names = state.end.foreign if state.end is not None else ()
    if not names:
        return []
    known = count(len(names), "wheel")
    words = f"{known} in {clean_line(state.out)} not of this run: {clean_line(listing(names))}"
    return [line(Span("note:", "accent"), f" {words}")]
