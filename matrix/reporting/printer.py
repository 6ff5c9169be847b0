"""Writes lines to a stream on a thread of its own, so that a slow terminal or pipe never holds up the run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TextIO

from matrix.reporting.text import Line, paint

__all__ = ["Printer", "write_lines"]

_Item = tuple[Line, ...] | None


class Printer:
    """Writes what it is given, in order; when the stream's other end is gone the rest is dropped.

    Args:
        stream: Where to write.
        color: Whether styles become ANSI colours.
    """

    def __init__(self, stream: TextIO, *, color: bool) -> None:
        self._stream = stream
        self._color = color
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def say(self, lines: Sequence[Line]) -> None:
        """Write these lines soon; returns at once."""
        if lines:
            self._queue.put(tuple(lines))

    def start(self) -> None:
        """Begin to write."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="reporting", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Write what is left and end; afterwards everything has reached the stream."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        alive = True
        while (lines := self._queue.get()) is not None:
            alive = alive and write_lines(self._stream, lines, color=self._color)


def write_lines(stream: TextIO, lines: Sequence[Line], *, color: bool) -> bool:
    """Write lines in one go; return whether the stream took them."""
    text = "".join(f"{paint(one, color=color)}\n" for one in lines)
    encoding = stream.encoding or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except (OSError, ValueError):  # a closed pipe, a closed file
        return False
    return True
