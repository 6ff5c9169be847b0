"""How both doors say what went wrong: once, in a line or two, with a traceback only for who asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from matrix.errors import WheelmatrixError, disk_hint

__all__ = ["INTERRUPTED", "drop_stdout", "leaves", "say", "tell"]

INTERRUPTED = 130
_COLORS = {"error": "31", "hint": "36"}


def tell(error: BaseException, *, debug: bool = False) -> int:
    """Say on stderr what went wrong and return the exit code that it means."""
    if debug:
        import traceback  # noqa: PLC0415 - nobody else needs it

        traceback.print_exception(error, file=sys.stderr)
    for leaf in leaves(error):
        if isinstance(leaf, KeyboardInterrupt):
            return INTERRUPTED
        if isinstance(leaf, WheelmatrixError):
            say("error", leaf.message)
            if leaf.hint:
                say("hint", leaf.hint)
            return leaf.exit_code
    leaf = next(leaves(error))
    if isinstance(leaf, OSError) and leaf.strerror:
        say("error", f"{leaf.filename or 'stdout'}: {leaf.strerror}")
        if leaf.filename and (hint := disk_hint(leaf)) is not None:  # where stdout leads is not ours to tell
            say("hint", hint)
        return 1
    say("error", f"internal error: {leaf!r}")
    say("hint", "this is a fault of wheelmatrix; WHEELMATRIX_DEBUG=1 shows where")
    return 1


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Walk into exception groups, which task groups raise even for one error."""
    inner = getattr(error, "exceptions", None)
    if inner is None:
        yield error
        return
    for one in inner:
        yield from leaves(one)


def say(word: str, text: str) -> None:
    """Write a labelled line to stderr (``error``, ``hint``, ``warning``, ``note``); a terminal colours the label."""
    color = _COLORS.get(word, "33")
    paint = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    label = f"\x1b[1;{color}m{word}\x1b[0m" if paint else word
    sys.stderr.write(f"{label}: {text}\n")


def drop_stdout() -> None:
    """Give the interpreter something to flush at its end, when nobody takes what was written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
