from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.errors import UsageError
from matrix.model import Implementation, Interpreter
from matrix.platforms.requests import expand, matches, parse_request, unmatched
from matrix.platforms.tables import known_interpreter, released_versions
from matrix.platforms.targets import parse_target

GNU = parse_target("x86_64-unknown-linux-gnu")


def known(implementation: Implementation, minor: int, *, threaded: bool = False, full: str = "") -> Interpreter:
    return replace(known_interpreter(implementation, (3, minor), GNU, threaded=threaded), full_version=full)


@pytest.mark.parametrize(
    ("word", "kind", "releases"),
    [
        ("3.12", "version", "3.12"),
        (" 3.12 ", "version", "3.12"),
        ("3.12.1", "version", "3.12"),
        ("3.13t", "version", "3.13t"),
        ("cp312", "version", "3.12"),
        ("cp37m", "version", "3.7"),
        ("cp314t", "version", "3.14t"),
        ("pp311", "version", "pypy3.11"),
        ("pypy3.11", "version", "pypy3.11"),
        ("graalpy311", "version", "graalpy3.11"),
        ("graalpy3.12", "version", "graalpy3.12"),
        ("3.16", "version", ""),
        ("pypy3.7", "version", ""),
        (">=3.13", "specifier", "3.13 3.14 3.15"),
        (">=3.10,<3.14", "specifier", "3.10 3.11 3.12 3.13"),
        (">= 3.10, != 3.11, < 3.13", "specifier", "3.10 3.12"),
        ("==3.12.*", "specifier", "3.12"),
        ("~=3.13", "specifier", "3.13 3.14 3.15"),
        (">3.12", "specifier", "3.13 3.14 3.15"),
        ("<=3.8", "specifier", "3.7 3.8"),
        (">=3.14t", "specifier", "3.14t 3.15t"),
        (">=3.14.2", "specifier", "3.14 3.15"),
        ("<3.8.5", "specifier", "3.7 3.8"),
        ("pypy>=3.10", "specifier", "pypy3.10 pypy3.11 pypy3.12"),
        ("python3.12", "name", "3.12"),
        ("python3.14t", "name", "3.14t"),
        ("python", "name", ""),
        ("pypy3", "name", ""),
        ("graalpy", "name", ""),
        ("./venv/bin/python", "path", ""),
        ("~/python", "path", ""),
        (r"C:\Python312\python.exe", "path", ""),
        ("python.exe", "name", ""),
        ("found", "found", ""),
    ],
)
def test_a_word_is_understood(word: str, kind: str, releases: str) -> None:
    request = parse_request(word)
    assert request.kind == kind
    assert " ".join(str(release) for release in expand(request)) == releases


@pytest.mark.parametrize(
    "word", ["3.l3", "", "3", "33.1", "ruby", ">=", ">=3.x", "3.12,3.13", "==3.12t.*", "3.12\n3.13"]
)
def test_a_bad_word_is_named_with_what_may_be_written(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_request(word, "[tool.wheelmatrix] interpreters[1]")
    expected = f"[tool.wheelmatrix] interpreters[1]: {word!r} is neither a version, a specifier nor an interpreter"
    assert caught.value.message == expected
    assert caught.value.hint == 'write "3.13", ">=3.10", "3.13t", "pypy3.11", a path, or "found"'


def test_only_cpython_is_free_threaded() -> None:
    with pytest.raises(UsageError, match="only CPython has free-threaded builds"):
        parse_request("pypy3.11t")


WORDS = st.text(max_size=20) | st.from_regex(
    r"(cpython|python|pypy|graalpy|cp|pp)?[<>=!~]{0,2}3?\.?\d{0,3}(\.\d{0,3}|\.\*)?t?(,[<>=!~]{1,2}3\.\d{1,4}t?)?",
    fullmatch=True,
)


@given(WORDS)
def test_any_word_is_a_request_or_our_error(word: str) -> None:
    with suppress(UsageError):
        request = parse_request(word)
        assert set(expand(request)) <= set(released_versions())
        for release in released_versions():
            interpreter = known_interpreter(release.implementation, release.version, GNU, threaded=release.threaded)
            agreed = request.kind == "found" or release in expand(request)
            assert matches(request, interpreter) is agreed


@pytest.mark.parametrize(
    ("word", "interpreter", "expected"),
    [
        ("3.12", known("cpython", 12), True),
        ("3.12", known("cpython", 13), False),
        ("3.13", known("cpython", 13, threaded=True), False),
        ("3.13t", known("cpython", 13, threaded=True), True),
        (">=3.10", known("cpython", 13, threaded=True), False),
        (">=3.10", known("pypy", 11), False),
        ("3.12.1", known("cpython", 12, full="3.12.1"), True),
        ("3.12.1", known("cpython", 12, full="3.12.4"), False),
        (">=3.12.2", known("cpython", 12, full="3.12.1"), False),
        (">=3.12", known("cpython", 12, full="3.12.0rc1"), True),
        ("found", known("graalpy", 12), True),
        ("python3.12", known("cpython", 12), True),
        ("python", known("cpython", 12), False),
        ("./python", known("cpython", 12), False),
        ("pypy", known("pypy", 11), False),
    ],
)
def test_a_request_matches(word: str, interpreter: Interpreter, *, expected: bool) -> None:
    assert matches(parse_request(word), interpreter) is expected


def test_expanding_over_fewer_releases() -> None:
    modern = [release for release in released_versions() if release.version >= (3, 14)]
    assert [str(release) for release in expand(parse_request(">=3.10"), modern)] == ["3.14", "3.15"]


def test_what_no_released_python_answers_to() -> None:
    error = unmatched(parse_request("3.16"), "-i")
    assert error.message == "-i: no released Python is '3.16', and none was found here"
    assert error.hint == "known releases: 3.7 to 3.15; found here: none"
    hint = unmatched(parse_request("pypy3.7"), found=expand(parse_request(">=3.14"))).hint
    assert hint == "known releases: pypy3.9 to pypy3.12; found here: 3.14 3.15"


@pytest.mark.parametrize("word", ["9.9", "2.7", "9.9t", "pypy9.9", "cp27"])
def test_a_version_that_does_not_exist_is_a_version_all_the_same(word: str) -> None:
    assert parse_request(word).kind == "version"
    assert expand(parse_request(word)) == ()
