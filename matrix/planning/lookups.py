"""Which Pythons of this machine a plan needs to know, so that nothing is asked in vain."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from matrix.model import Target
from matrix.planning.axes import KEY, Word, interpreter_words, target_axis, target_wish
from matrix.planning.request import Request
from matrix.platforms.requests import parse_request
from matrix.project.options import Options

__all__ = ["Lookups", "needed_lookups"]


class Lookups(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of this machine's Pythons before a plan can be made.

    Attributes:
        words: Names and paths to resolve, each with where it was written, for the message.
        discover: Whether every Python of this machine is to be found (slow).
        default: Whether the current ``python3`` is to be asked.
    """

    words: Mapping[str, str]
    discover: bool
    default: bool


def needed_lookups(request: Request, options: Options, host: Target, *, any_python: bool = False) -> Lookups:
    """Return which Pythons of this machine a plan needs to know.

    Args:
        request: What the flags said.
        options: The matrix.
        host: The machine's own target.
        any_python: Whether one wheel serves every Python, so that only words that name a program count.

    Raises:
        UsageError: A word means nothing, or a target is not known.
    """
    words: dict[str, str] = {}
    discover = False
    targets = [wish.target for wish in target_axis(request, options, host)]
    written = list(interpreter_words(request, options))
    rows = []
    for index, row in enumerate(options.include):
        origin = f"{KEY} include[{index}]"
        if row.interpreter is not None:
            rows.append(Word(row.interpreter, f"{origin}.interpreter", named=False))
        if row.target is not None:
            targets.append(target_wish(row.target, host, f"{origin}.target").target)
    here = any(target.os == host.os for target in targets)
    for word in (*written, *rows):
        asked = parse_request(word.text, word.origin)
        if asked.kind in {"name", "path"}:
            words.setdefault(asked.text, word.origin)
        elif asked.kind == "found" or here:
            discover = not any_python
    return Lookups(words=words, discover=discover, default=not written and not any_python)
