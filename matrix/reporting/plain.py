"""Plain lines for pipes and CI logs: starts, wheels and failures as they come, and a table of the wheels at the end."""

from __future__ import annotations

import msgspec

from matrix.events import (
    BuildEnded,
    BuildStarted,
    BuildWaiting,
    CellEnded,
    Diagnostic,
    Event,
    PrepareStarted,
    RunEnded,
    RunStarted,
)
from matrix.reporting.closing import (
    CountLines,
    closing_notes,
    failure_block,
    failure_of,
    failures,
    summary_line,
    wheel_table,
)
from matrix.reporting.formats import count
from matrix.reporting.printer import Printer
from matrix.reporting.rows import cell_line, header_line
from matrix.reporting.spoken import Spoken
from matrix.reporting.state import RunState
from matrix.reporting.text import Line, Span, Symbols, clean_line, line, paint

__all__ = ["PlainView"]


class PlainView:
    """A view that only ever adds lines.

    Args:
        printer: Where lines go.
        symbols: What the stream can write.
        color: Whether to colour.
        verbose: From 1 on cargo's own lines too, from 2 on the commands.
        quiet: Only errors.
        report: Path of the report, for the last line.
        folds: Fold the warnings of a build as GitHub Actions' logs do.
        lines_in: Counts the lines of a log.
    """

    def __init__(
        self,
        printer: Printer,
        symbols: Symbols,
        *,
        color: bool,
        verbose: int = 0,
        quiet: bool = False,
        report: str = "",
        folds: bool = False,
        lines_in: CountLines | None = None,
    ) -> None:
        self._printer = printer
        self._symbols = symbols
        self._color = color
        self._quiet = quiet
        self._report = report
        self._folds = folds
        self._lines_in = lines_in
        self._spoken = Spoken(symbols, color=color, verbose=verbose, quiet=quiet)
        self._state = RunState()
        self._kept: dict[str, list[list[Line]]] = {}
        self._failed: set[tuple[str, str]] = set()
        self._hints: set[str | None] = set()
        self._begun = False

    def start(self) -> None:
        """Begin to write."""
        self._printer.start()

    def hear(self, event: Event) -> None:
        """Tell one event."""
        self._state.apply(event)
        lines = self._spoken.hear(event)
        if isinstance(event, Diagnostic) and self._folds and not event.level.startswith("error"):
            if lines:
                self._kept.setdefault(event.build, []).append(lines)
            return
        told = self._told(event)
        self._say([*told, *lines] if isinstance(event, RunStarted | BuildStarted) else [*lines, *told])

    def stop(self) -> None:
        """Finish; a run that never ended is summed up as it stands."""
        if self._begun and self._state.end is None:
            self._say(self._sum_up())
        self._printer.stop()

    def _say(self, lines: list[Line]) -> None:
        self._printer.say([_harmless(one) for one in lines] if self._folds else lines)

    def _told(self, event: Event) -> list[Line]:  # noqa: PLR0911 - one line for each kind of event
        if isinstance(event, CellEnded) and event.status == "failed":
            return self._failure(event)
        if self._quiet:
            return []
        match event:
            case RunStarted():
                self._begun = True
                return [header_line(self._state, self._symbols)]
            case PrepareStarted():
                return [line("prepare ", clean_line(event.what))]
            case BuildStarted():
                return [line(f"start   {event.build}")]
            case BuildWaiting():
                return [line(f"waits   {event.build}: ", clean_line(event.reason))]
            case BuildEnded():
                return self._folded(event.outcome.build)
            case CellEnded():
                row = next((row for row in self._state.wheels if row.cell.id == event.cell), None)
                return [cell_line(row, self._state, self._symbols)] if row is not None else []
            case RunEnded():
                return self._sum_up()
            case _:
                return []

    def _failure(self, event: CellEnded) -> list[Line]:
        """Tell a failure once for all cells that share it, the compiler's words only when nobody saw them yet."""
        row = next((row for row in self._state.wheels if row.cell.id == event.cell), None)
        if row is None:
            return []
        failure = failure_of(row, self._state)
        if (event.build, event.reason) in self._failed:
            return failure_block(
                msgspec.structs.replace(failure, details="", hint=None, log=""), self._symbols, color=False
            )
        self._failed.add((event.build, event.reason))
        if failure.hint in self._hints:
            failure = msgspec.structs.replace(failure, hint=None)
        self._hints.add(failure.hint)
        if self._spoken.told(event.build, failure.details):
            failure = msgspec.structs.replace(failure, details="")
        return failure_block(failure, self._symbols, color=self._color, lines_in=self._lines_in)

    def _folded(self, build: str) -> list[Line]:
        kept = self._kept.pop(build, [])
        if not kept:
            return []
        title = Span(f"::group::{build}: {count(len(kept), 'warning')}", "command")
        return [(title,), *(one for lines in kept for one in lines), (Span("::endgroup::", "command"),)]

    def _sum_up(self) -> list[Line]:
        lines: list[Line] = [one for build in list(self._kept) for one in self._folded(build)]
        lines += self._spoken.repeated()
        missing = self._state.missing
        changed = missing or any(row.status != "reused" for row in self._state.wheels)
        if changed and len(self._state.wheels) + len(missing) > 1:
            lines += [(), *wheel_table(self._state, self._symbols)]
            for failure in failures(self._state):
                short = msgspec.structs.replace(failure, details="", hint=None, log="")
                lines += failure_block(short, self._symbols, color=False)
            lines.append(())
        lines += closing_notes(self._state)
        return [*lines, summary_line(self._state, self._symbols, report=self._report)]


def _harmless(pieces: Line) -> Line:
    """Keep a line of someone else's from being a workflow command of GitHub Actions."""
    if pieces and pieces[0].style == "command":
        return pieces
    text = paint(pieces, color=False)
    if not text.lstrip().startswith("::") and "##[" not in text:
        return pieces
    return line(text.replace("::", ": :").replace("##[", "# #["))
