from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.reporting.text import (
    ASCII,
    UNICODE,
    ColorChoice,
    Span,
    clean,
    clean_line,
    line,
    paint,
    symbols_for,
    wants_color,
)

COLOR = re.compile(r"\x1b\[[0-9;:]*m")
nasty = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "\x1b",
                "[",
                "31m",
                "\x1b[1;31m",
                "\x1b[0m",
                "\x1b]0;title\x07",
                "\x1b]8;;http://x\x1b\\",
                "\x9b2J",
                "\x1b[2J",
            ]
        ),
        st.sampled_from(["\r", "\b", "\x07", "\n", "\t", "\x7f", "\u202e", "\u2066", "\x85", "\x1bP", "\x1bc", "m"]),
        st.text(max_size=4),
    ),
    max_size=12,
).map("".join)


class Screen(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, *, tty: bool) -> None:
        super().__init__()
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def is_harmless(text: str) -> bool:
    return all(char in "\n\t" or unicodedata.category(char) != "Cc" for char in text) and "\u202e" not in text


@given(nasty)
def test_cleaned_text_holds_nothing_a_terminal_obeys(text: str) -> None:
    assert is_harmless(clean(text))
    assert "\n" not in clean_line(text)
    assert clean(clean(text)) == clean(text)


@given(nasty)
def test_colours_are_all_that_stays_when_they_may(text: str) -> None:
    kept = clean(text, colors=True)
    assert is_harmless(COLOR.sub("", kept))
    assert not COLOR.search(kept) or kept.endswith("\x1b[0m")


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "Zs"))))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text
    assert clean(text, colors=True) == text


def test_a_file_name_cannot_hide_what_follows() -> None:
    assert clean("a\x1b]0;pwned\x07b.so") == "ab.so"
    assert clean("a\x1b]0;never ended\nsecond line") == "a\nsecond line"
    assert clean("evil\u202egpj.so\x07") == "evil\\u202egpj.so\\x07"
    assert clean("one\r\ntwo\rthree") == "one\ntwo\\x0dthree"


def test_rustcs_colours_can_stay() -> None:
    assert clean("\x1b[1m\x1b[31merror\x1b[0m: x", colors=True) == "\x1b[1m\x1b[31merror\x1b[0m: x\x1b[0m"
    assert clean("\x1b[1m\x1b[31merror\x1b[0m: x") == "error: x"


def test_painting() -> None:
    pieces = line("a ", Span("b", "good"), Span("\x1b[31mc\x1b[0m", "ansi"), Span("d", "command"), "  ")
    assert paint(pieces, color=True) == "a \x1b[32mb\x1b[0m\x1b[31mc\x1b[0md  "
    assert paint(pieces, color=False) == "a bcd"


@pytest.mark.parametrize(
    ("choice", "tty", "env", "colored"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", False, {"FORCE_COLOR": "1"}, True),
        ("auto", False, {"FORCE_COLOR": "0"}, False),
        ("auto", True, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("auto", True, {"TERM": "dumb"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_who_decides_on_colour(choice: ColorChoice, tty: bool, env: dict[str, str], colored: bool) -> None:
    assert wants_color(choice, Screen(tty=tty), env) is colored


def test_symbols_follow_the_encoding() -> None:
    assert symbols_for("utf-8", {}) is UNICODE
    for encoding in ("ascii", "latin-1", "cp1252", None, "no-such-codec"):
        assert symbols_for(encoding, {}) is ASCII
    assert symbols_for("utf-8", {"TERM": "linux"}) is ASCII
