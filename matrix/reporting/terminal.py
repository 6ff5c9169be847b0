"""The one door to everything that is told while a run goes on: chooses the views that suit the stream."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, TextIO, final

import msgspec

from matrix.errors import UsageError
from matrix.events import BuildStarted, Event
from matrix.reporting.board import BoardView
from matrix.reporting.logs import EventLog, LogFormat
from matrix.reporting.plain import PlainView
from matrix.reporting.printer import Printer
from matrix.reporting.spoken import note_lines
from matrix.reporting.text import ColorChoice, Span, paint, symbols_for, wants_color

__all__ = ["Reporter", "View", "make_listener", "render_error"]

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
    """Every view of a run under one listener; a context manager that leaves the terminal as it found it.

    Attributes:
        color: Whether people see colours, so that a compiler may be asked for them.
    """

    def __init__(self, views: Sequence[View], *, color: bool, files: ExitStack | None = None) -> None:
        self._views = tuple(views)
        self._files = files or ExitStack()
        self._started = False
        self.color = color

    def listener(self, event: Event) -> None:
        """Hear one event: add this to the bus."""
        if isinstance(event, BuildStarted):
            event = msgspec.structs.replace(event, log=_shown(event.log))
        for view in self._views:
            view.hear(event)

    def start(self) -> None:
        """Get ready to hear."""
        self._started = True
        for view in self._views:
            view.start()

    def stop(self) -> None:
        """Show how it ended and give the terminal back; doing it twice does nothing."""
        if not self._started:
            return
        self._started = False
        with self._files:
            for view in self._views:
                self._files.callback(view.stop)

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
    log_file: Path | None = None,
    report: str = "",
    env: Mapping[str, str] | None = None,
) -> Reporter:
    """Choose how a run is told.

    A terminal gets the live board, anything else plain lines. ``log_format`` puts the event log in their place, or
    beside them when it goes to ``log_file``.

    Args:
        stream: Where people (or programs, with ``json``) read: stderr.
        quiet: Only errors.
        verbose: From 1 on cargo's own lines are shown, prefixed by their build; from 2 on the commands too.
        color: ``--color``.
        log_format: ``console`` or ``json`` for the event log, ``None`` for none.
        log_file: File for the event log, written anew; ``json`` unless ``log_format`` says otherwise.
        report: Path of the report as people are shown it.
        env: The environment; this process's when not given.

    Raises:
        UsageError: ``log_file`` cannot be written.
    """
    env = os.environ if env is None else env
    colored = wants_color(color, stream, env)
    symbols = symbols_for(stream.encoding, env)
    files = ExitStack()
    views: list[View] = []
    if log_file is not None:
        views.append(_file_log(log_file, log_format or "json", files))
    if log_format is not None and log_file is None:
        views.append(_StreamLog(stream, log_format, color=colored and log_format == "console", quiet=quiet))
        return Reporter(views, color=False, files=files)
    lively = stream.isatty() and env.get("TERM") != "dumb" and "CI" not in env
    if lively and not quiet:
        views.append(BoardView(stream, symbols, color=colored, verbose=verbose, report=report, lines_in=_count_lines))
    else:
        views.append(
            PlainView(
                Printer(stream, color=colored),
                symbols,
                color=colored,
                verbose=verbose,
                quiet=quiet,
                report=report,
                folds=env.get("GITHUB_ACTIONS") == "true",
                lines_in=_count_lines,
            )
        )
    return Reporter(views, color=colored, files=files)


def render_error(message: str, *, hint: str | None = None, color: bool = False) -> str:
    """Return an error as people see it, ``error: …`` and ``hint: …``, with a line feed at the end."""
    return "".join(f"{paint(one, color=color)}\n" for one in note_lines("error", message, hint=hint))


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


def _file_log(path: Path, log_format: LogFormat, files: ExitStack) -> EventLog:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = files.enter_context(path.open("w", encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: the log cannot be written: {error.strerror or error}") from error

    def write(text: str) -> None:
        file.write(f"{text}\n")
        file.flush()

    return EventLog(write, log_format)


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
