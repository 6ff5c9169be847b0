"""Lines of styled text that mean the same with and without colour and Unicode, and are safe to print.

Whatever comes from outside (compiler output, file names) is cleaned of terminal control sequences
first, so that no name in a project can move the cursor, set a title or hide what follows.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple, TextIO, TypeAlias

import msgspec

__all__ = [
    "ASCII",
    "UNICODE",
    "ColorChoice",
    "Line",
    "Span",
    "Symbols",
    "clean",
    "clean_line",
    "compiling",
    "line",
    "paint",
    "strip",
    "symbols_for",
    "wants_color",
]

ColorChoice: TypeAlias = Literal["auto", "always", "never"]
Style: TypeAlias = Literal["", "bold", "dim", "good", "bad", "warn", "accent", "ansi", "command"]

_SGR = {"bold": "1", "dim": "2", "good": "32", "bad": "1;31", "warn": "33", "accent": "36"}
_RESET = "\x1b[0m"

# ECMA-48: CSI with parameters, OSC/DCS/SOS/PM/APC strings up to their end or the line's, other two-character sequences
_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
_COLOR = re.compile(r"\x1b\[[0-9;:]*m")
# C0 but tab and line feed, DEL, C1, and the marks that reorder text (Unicode TR 36)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Span(NamedTuple):
    """A piece of text with one style.

    ``ansi`` text carries (cleaned) colours of its own; a ``command`` is for the program that reads the log.
    """

    text: str
    style: Style = ""


Line: TypeAlias = tuple[Span, ...]


class Symbols(msgspec.Struct, frozen=True, kw_only=True):
    """The signs of the board and the tables; every one is one column wide unless it is a word."""

    ok: str
    failed: str
    skipped: str
    waiting: str
    left_out: str
    present: str
    dot: str
    ellipsis: str
    spinner: str
    bar: str
    rest: str
    times: str


UNICODE = Symbols(
    ok="✓",
    failed="✗",
    skipped="–",
    waiting="·",
    left_out="○",
    present="●",
    dot="·",
    ellipsis="…",
    spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    bar="━",
    rest="─",
    times="×",
)
ASCII = Symbols(
    ok="+",
    failed="x",
    skipped="-",
    waiting=".",
    left_out="o",
    present="*",
    dot="-",
    ellipsis="...",
    spinner="|/-\\",
    bar="#",
    rest="-",
    times="x",
)


def symbols_for(encoding: str | None, env: Mapping[str, str] | None = None) -> Symbols:
    """Return the symbols a stream can write: ASCII where its encoding or the terminal's font lacks the others."""
    env = os.environ if env is None else env
    if env.get("TERM") == "linux":  # the console of the kernel has 512 glyphs, none of these among them
        return ASCII
    try:
        "".join(msgspec.structs.astuple(UNICODE)).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def wants_color(choice: ColorChoice, stream: TextIO, env: Mapping[str, str] | None = None) -> bool:
    """Decide whether to colour: ``--color``, then ``NO_COLOR``, then ``FORCE_COLOR``, then whether it is a terminal."""
    env = os.environ if env is None else env
    if choice != "auto":
        return choice == "always"
    if env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return stream.isatty() and env.get("TERM") != "dumb"


def clean(text: str, *, colors: bool = False) -> str:
    """Return ``text`` without anything a terminal would obey; tabs and line feeds stay.

    Escape sequences vanish; other control characters, and those that reorder text, are shown by their number.

    Args:
        text: From outside: compiler output, a file name.
        colors: Keep colour sequences (SGR) and make sure that they end with the text.
    """
    text = text.replace("\r\n", "\n")
    kept = _ESCAPE.sub(lambda found: found.group() if colors and _COLOR.fullmatch(found.group()) else "", text)
    parts = re.split(f"({_COLOR.pattern})", kept) if colors else [kept]
    safe = "".join(part if index % 2 else _CONTROL.sub(_shown, part) for index, part in enumerate(parts))
    return safe + _RESET if len(parts) > 1 and not safe.endswith(_RESET) else safe


def strip(text: str) -> str:
    """Return ``text`` cleaned of colours and of everything else a terminal would obey."""
    return clean(text)


def clean_line(text: str) -> str:
    """Return ``text`` cleaned and on one line: for names and reasons that stand within a line."""
    return clean(text).replace("\n", " ").replace("\t", " ")


def line(*parts: str | Span) -> Line:
    """Return a line of plain and styled pieces."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def paint(pieces: Line, *, color: bool) -> str:
    """Return a line as text, with ANSI colours or without any."""
    out = []
    for text, style in pieces:
        if style == "ansi":
            out.append(text if color else strip(text))
        elif color and style in _SGR and text:
            out.append(f"\x1b[{_SGR[style]}m{text}{_RESET}")
        else:
            out.append(text)
    return "".join(out).rstrip() if not color else "".join(out)


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def compiling(text: str) -> str:
    r"""Return the package that a line of cargo's says is compiled now, or nothing.

    >>> compiling("\x1b[32m   Compiling\x1b[0m serde v1.2.3"), compiling("    Finished `dev` profile")
    ('serde', '')
    """
    words = strip(text).split(None, 2)
    return words[1] if len(words) > 1 and words[0] in {"Compiling", "Checking"} else ""
