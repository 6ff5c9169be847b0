"""Listens to a process: its output, line by line."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from anyio.abc import ByteReceiveStream

__all__ = ["Ear", "before_backtrace"]

_BACKTRACE = re.compile(r"\s*(?i:stack backtrace:)")
LONGEST = 16 * 2**20  # bytes of a line; what prints without ever ending one is cut into pieces of that length


class Ear:
    """One pipe of a process.

    Attributes:
        chunks: How often something was heard.
        closed: Set by whoever reads the lines when there are no more.
    """

    def __init__(self, stream: ByteReceiveStream | None) -> None:
        self._stream = stream
        self.chunks = 0
        self.closed = anyio.Event()

    async def lines(self) -> AsyncIterator[str]:
        """Yield each line as it comes, decoded and without its end."""
        parts: list[bytes] = []
        size = 0
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, anyio.EndOfStream):
            while self._stream is not None:
                chunk = await self._stream.receive()
                self.chunks += 1
                head, *rest = chunk.split(b"\n")
                parts.append(head)
                size += len(head)
                if size > LONGEST and not rest:
                    rest = [b""]
                for piece in rest:
                    yield _text(parts)
                    parts, size = [piece], len(piece)
        if any(parts):
            yield _text(parts)


def _text(parts: list[bytes]) -> str:
    return b"".join(parts).rstrip(b"\r").decode("utf-8", errors="replace")


def before_backtrace(lines: Sequence[str]) -> list[str]:
    """Return what a tool said before the backtrace of itself that ``RUST_BACKTRACE`` asks for."""
    return list(lines[: next((number for number, line in enumerate(lines) if _BACKTRACE.match(line)), None)])
