"""The command-line door: parses, hands over to ``app``, prints errors once, and chooses the exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator, Sequence

from matrix.arguments import parse
from matrix.errors import WheelmatrixError

__all__ = ["INTERRUPTED", "main"]

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 all built, 1 some cell failed, 2 wrong usage, 130 interrupted."""
    words = sys.argv[1:] if argv is None else list(argv)
    debug = "-vv" in words or os.environ.get("WHEELMATRIX_DEBUG", "") not in {"", "0"}
    try:
        options = parse(words)
        from matrix.app import COMMANDS  # noqa: PLC0415 - help and usage errors need none of it

        return COMMANDS[options.command](options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout left; nothing to tell it
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the interpreter flushes it last
        return 1
    except Exception as error:  # noqa: BLE001 - the last place that can say it well
        return _tell(error, debug=debug)


def _tell(error: BaseException, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    for leaf in _leaves(error):
        if isinstance(leaf, KeyboardInterrupt):
            return INTERRUPTED
        if isinstance(leaf, WheelmatrixError):
            _say("error", leaf.message, "31")
            if leaf.hint:
                _say("hint", leaf.hint, "36")
            return leaf.exit_code
    leaf = next(_leaves(error))
    _say("error", f"internal error: {leaf!r}", "31")
    _say("hint", "this is a fault of wheelmatrix; WHEELMATRIX_DEBUG=1 shows where", "36")
    return 1


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Walk into exception groups, which task groups raise even for one error."""
    inner = getattr(error, "exceptions", None)
    if inner is None:
        yield error
        return
    for one in inner:
        yield from _leaves(one)


def _say(word: str, text: str, color: str) -> None:
    paint = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    label = f"\x1b[1;{color}m{word}\x1b[0m" if paint else word
    sys.stderr.write(f"{label}: {text}\n")
