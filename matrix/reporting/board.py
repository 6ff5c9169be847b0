"""The live board on a terminal: a frame redrawn a few times a second, and everything else above it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from matrix.events import Event, RunEnded, RunStarted
from matrix.reporting.closing import CountLines, closing
from matrix.reporting.printer import write_lines
from matrix.reporting.rows import frame
from matrix.reporting.spoken import Spoken
from matrix.reporting.state import RunState
from matrix.reporting.text import Line, Symbols

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["BoardView"]

_PERIOD = 1 / 8  # seconds between frames
_PATIENCE = 0.25  # seconds before the first one: a run with nothing to do needs no board
_NEAR = 30  # lines further up is what people still see
_FAREWELL = 5.0  # seconds that a terminal which takes no output may hold up the end


class BoardView:
    """A view that draws the run's state; events only change the state, a thread draws it.

    Args:
        stream: The terminal.
        symbols: What it can write.
        color: Whether to colour.
        verbose: From 1 on cargo's own lines above the board, from 2 on the commands too.
        report: Path of the report, for the last line.
        lines_in: Counts the lines of a log.
    """

    def __init__(
        self,
        stream: TextIO,
        symbols: Symbols,
        *,
        color: bool,
        verbose: int = 0,
        report: str = "",
        lines_in: CountLines | None = None,
    ) -> None:
        self._stream = stream
        self._symbols = symbols
        self._color = color
        self._report = report
        self._lines_in = lines_in
        self._spoken = Spoken(symbols, color=color, verbose=verbose)
        self._state = RunState()
        self._said: deque[Line] = deque()
        self._begun = False
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Nothing yet: the board appears when the run has begun."""

    def hear(self, event: Event) -> None:
        """Let the state follow one event; the next frame shows it."""
        with self._lock:
            self._state.apply(event)
            self._said.extend(self._spoken.hear(event))
            if isinstance(event, RunStarted):
                self._begun = True
        if isinstance(event, RunStarted) and self._thread is None:
            self._thread = threading.Thread(target=self._draw, name="board", daemon=True)
            self._thread.start()
        if isinstance(event, RunEnded):
            self._done.set()

    def stop(self) -> None:
        """Take the board away, leave what is to stay, and give the terminal back as it was."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(_FAREWELL)
            self._thread = None
        self._flush(None)
        if self._begun:
            again = self._spoken.repeated()
            lines = closing(
                self._state,
                self._symbols,
                color=self._color,
                report=self._report,
                lines_in=self._lines_in,
                told=lambda build, details, above: self._spoken.told(build, details, within=_NEAR - len(again) - above),
            )
            write_lines(self._stream, [*again, *lines], color=self._color)
            self._begun = False

    def _draw(self) -> None:
        if self._done.wait(_PATIENCE):
            return
        from rich.console import Console, Group  # noqa: PLC0415 - only a run that lasts needs it
        from rich.live import Live  # noqa: PLC0415

        console = Console(
            file=self._stream,
            force_terminal=True,
            color_system="auto" if self._color else None,
            no_color=not self._color,
            highlight=False,
            markup=False,
            emoji=False,
        )
        try:
            with Live(
                console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
            ) as live:
                waited = False
                while not waited:
                    self._flush(console)
                    live.update(Group(*self._texts(self._frame(*console.size))), refresh=True)
                    waited = self._done.wait(_PERIOD)
        except (OSError, ValueError):  # the terminal is gone; the run goes on
            return

    def _frame(self, width: int, height: int) -> list[Line]:
        with self._lock:
            lines = frame(self._state, self._symbols, now=self._state.now, width=width, height=max(height - 2, 1))
        return [*lines, ()]  # a terminal echoes ^C where the cursor stands: below the frame, where it makes none longer

    def _texts(self, lines: Sequence[Line]) -> list[Text]:
        encoding = self._stream.encoding or "ascii"
        return [_rich(one, encoding) for one in lines]

    def _flush(self, console: Console | None) -> None:
        with self._lock:
            lines = list(self._said)
            self._said.clear()
        if not lines:
            return
        if console is None:
            write_lines(self._stream, lines, color=self._color)
        else:
            from rich.text import Text  # noqa: PLC0415

            console.print(Text("\n").join(self._texts(lines)), soft_wrap=True)


def _rich(pieces: Line, encoding: str) -> Text:
    """Return a line for rich, cut off at the terminal's width, in characters that the stream can write."""
    from rich.text import Text  # noqa: PLC0415

    text = Text(no_wrap=True, overflow="crop")
    for piece in pieces:
        words = piece.text.encode(encoding, "backslashreplace").decode(encoding)
        if piece.style == "ansi":
            text.append_text(Text.from_ansi(words))
        else:
            text.append(words, style=_STYLES.get(piece.style, ""))
    return text


_STYLES = {"bold": "bold", "dim": "dim", "good": "green", "bad": "bold red", "warn": "yellow", "accent": "cyan"}
