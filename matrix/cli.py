"""The command-line door: parses, hands over to ``app``, prints errors once, and chooses the exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from matrix.arguments import parse
from matrix.telling import INTERRUPTED, drop_stdout, tell

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 all built, 1 some cell failed, 2 wrong usage, 130 interrupted."""
    words = sys.argv[1:] if argv is None else list(argv)
    debug = "-vv" in words or os.environ.get("WHEELMATRIX_DEBUG", "") not in {"", "0"}
    try:
        with _all_of_it_stays():
            options = parse(words)
            # help, the version and usage errors end before this
            from matrix.foresight import foresee  # noqa: PLC0415

            foresee(options)
            from matrix.app import COMMANDS  # noqa: PLC0415

            if options.command in {"build", "develop", "publish"}:
                import matrix.building  # noqa: PLC0415, F401 - it would load it when it starts
        code = COMMANDS[options.command](options)
        sys.stdout.flush()  # what cannot be written is told here, and not by the interpreter at its end
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of stdout left; nothing to tell it
        drop_stdout()
        return 1
    except Exception as error:  # noqa: BLE001 - the last place that can say it well
        if isinstance(error, OSError) and error.filename is None:
            drop_stdout()
        return tell(error, debug=debug)
    return code


@contextmanager
def _all_of_it_stays() -> Iterator[None]:
    """Look for no garbage while modules are loaded, which takes a tenth of the time and finds none."""
    looking = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looking:
            gc.enable()
