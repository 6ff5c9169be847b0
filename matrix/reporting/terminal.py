"""The one door to everything that is told while a run goes on: chooses the views that suit the stream."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Protocol, TextIO, final

import msgspec

from matrix.events import BuildStarted, Event
from matrix.reporting.board import BoardView
from matrix.reporting.logs import EventLog, LogFormat
from matrix.reporting.plain import PlainView
from matrix.reporting.printer import Printer
from matrix.reporting.text import ColorChoice, Span, symbols_for, wants_color

__all__ = ["Reporter", "View", "make_listener"]

_COUNTABLE = 4_000_000  # bytes of a log that are read to count its lines


class View(Protocol):
    """Something that shows a run."""

    def start(self) -> None:
        """Get ready."""
        ...

    def hear(self, event: Event) -> None:
        """Take in one event and return at once."""
        ...

    def stop(self) -> None:
        """Finish; called exactly once, also after an exception."""
        ...


@final
class Reporter:
    """The view of a run as a listener; a context manager that leaves the terminal as it found it.

    Attributes:
        color: Whether people see colours, so that a compiler may be asked for them.
    """

    def __init__(self, view: View, *, color: bool) -> None:
        self._view = view
        self._started = False
        self.color = color

    def listener(self, event: Event) -> None:
        """Hear one event: add this to the bus."""
        if isinstance(event, BuildStarted):
            event = msgspec.structs.replace(event, log=_shown(event.log))
        self._view.hear(event)

    def start(self) -> None:
        """Get ready to hear."""
        self._started = True
        self._view.start()

    def stop(self) -> None:
        """Show how it ended and give the terminal back; doing it twice does nothing."""
        if not self._started:
            return
        self._started = False
        self._view.stop()

    def __enter__(self) -> Reporter:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def make_listener(
    stream: TextIO,
    *,
    quiet: bool = False,
    verbose: int = 0,
    color: ColorChoice = "auto",
    log_format: LogFormat | None = None,
    report: str = "",
    env: Mapping[str, str] | None = None,
) -> Reporter:
    """Choose how a run is told.

    A terminal gets the live board, anything else plain lines; ``log_format`` puts the event log in their place.

    Args:
        stream: Where people (or programs, with ``json``) read: stderr.
        quiet: Only errors.
        verbose: From 1 on cargo's own lines are shown, prefixed by their build; from 2 on the commands too.
        color: ``--color``.
        log_format: ``console`` or ``json`` for the event log, ``None`` for none.
        report: Path of the report as people are shown it.
        env: The environment; this process's when not given.
    """
    env = os.environ if env is None else env
    colored = wants_color(color, stream, env)
    symbols = symbols_for(stream.encoding, env)
    if log_format is not None:
        log = _StreamLog(stream, log_format, color=colored and log_format == "console", quiet=quiet)
        return Reporter(log, color=False)
    lively = stream.isatty() and env.get("TERM") != "dumb" and "CI" not in env
    if lively and not quiet:
        board = BoardView(stream, symbols, color=colored, verbose=verbose, report=report, lines_in=_count_lines)
        return Reporter(board, color=colored)
    plain = PlainView(
        Printer(stream, color=colored),
        symbols,
        color=colored,
        verbose=verbose,
        quiet=quiet,
        report=report,
        folds=env.get("GITHUB_ACTIONS") == "true",
        lines_in=_count_lines,
    )
    return Reporter(plain, color=colored)


class _StreamLog(EventLog):
    """The event log on a stream, written by a thread."""

    def __init__(self, stream: TextIO, log_format: LogFormat, *, color: bool, quiet: bool) -> None:
        self._printer = Printer(stream, color=True)
        super().__init__(lambda text: self._printer.say([(Span(text, "ansi"),)]), log_format, color=color, quiet=quiet)

    def start(self) -> None:
        """Begin to write."""
        self._printer.start()

    def stop(self) -> None:
        """Write what is left."""
        self._printer.stop()


def _count_lines(path: str) -> int | None:
    """Count the lines of a log, or return ``None`` when it cannot be read or is large."""
    try:
        if Path(path).stat().st_size > _COUNTABLE:
            return None
        return Path(path).read_bytes().count(b"\n")
    except OSError:
        return None


def _shown(path: str) -> str:
    """Return a path as people are shown it: relative where it lies below the current directory."""
    try:
        return Path(path).relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return path
