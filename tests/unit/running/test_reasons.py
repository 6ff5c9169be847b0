from __future__ import annotations

import signal

import pytest

from matrix.errors import FULL_DISK
from matrix.running.messages import Code, RustcDiagnostic, Span
from matrix.running.reasons import SCREEN, explain_failure


def test_a_compile_error_is_told_with_code_and_place() -> None:
    error = RustcDiagnostic(
        message="mismatched types",
        level="error",
        code=Code(code="E0308"),
        spans=(Span(file_name="src/lib.rs", line_start=12, is_primary=True),),
        rendered="\x1b[1merror[E0308]\x1b[0m: mismatched types\n --> src/lib.rs:12:5\n",
    )
    last = RustcDiagnostic(message="aborting due to 1 previous error", level="error")
    reason = explain_failure(101, [error, last], ["error: could not compile `hello`"])
    assert reason.line == "error[E0308]: mismatched types (src/lib.rs:12)"
    assert reason.details.startswith("error[E0308]: mismatched types\n --> src/lib.rs:12:5")


def test_a_build_script_is_named() -> None:
    tail = [
        "   Compiling openssl-sys v0.9.104",
        "error: failed to run custom build command for `openssl-sys v0.9.104`",
        "  Could not find directory of OpenSSL installation",
    ]
    reason = explain_failure(101, [], tail)
    assert reason.line == "openssl-sys build script"
    assert reason.details.startswith("error: failed to run custom build command")
    assert reason.hint is not None
    assert "vendored" in reason.hint


def test_cargo_s_own_error_is_the_line() -> None:
    reason = explain_failure(101, [], ["    Updating index", "error: no matching package named `nope` found"])
    assert reason.line == "no matching package named `nope` found"


def test_a_signal_is_named() -> None:
    reason = explain_failure(-signal.SIGKILL, [], ["   Compiling a"])
    assert reason.line == "ended by SIGKILL"
    assert reason.hint == "out of memory? fewer jobs (-j) need less"


def test_a_container_that_was_killed_says_so() -> None:
    reason = explain_failure(137, [], ["   Compiling a"])
    assert reason.line == "ended by SIGKILL"
    assert reason.hint == "out of memory? fewer jobs (-j) need less"


@pytest.mark.parametrize(
    ("said", "line", "hint"),
    [
        ("docker: Error response from daemon: no such thing", "no such thing", ""),
        ("Error: No such image: x:1", "No such image: x:1", ""),
        ("exec /bin/sh: exec format error", "cargo exited with 125", "qemu-user-static"),
        ("error waiting for container: unexpected EOF", "cargo exited with 125", "engine went away"),
    ],
)
def test_an_engine_s_words_are_understood(said: str, line: str, hint: str) -> None:
    reason = explain_failure(125, [], [said])
    assert reason.line == line
    assert hint in (reason.hint or "")


def test_silence_still_has_a_reason() -> None:
    assert explain_failure(3, [], []).line == "cargo exited with 3"


def test_details_are_at_most_a_screen() -> None:
    reason = explain_failure(101, [], ["error: long", *map(str, range(200))])
    assert len(reason.details.splitlines()) == SCREEN + 1
    assert reason.details.splitlines()[-1] == "… 161 more lines in the log"


def test_a_tool_s_own_backtrace_is_left_out() -> None:
    said = ["error: toolchain 'mine' does not support components", "", "Stack backtrace:", "   0: anyhow::error"]
    reason = explain_failure(1, [], said)
    assert reason.details == said[0]


def test_a_disk_without_room_is_told_whatever_a_linker_makes_of_it() -> None:
    """Lld dies of SIGBUS; what cargo says of the disk then stands further down."""
    link = RustcDiagnostic(
        message="linking with `cc` failed: exit status: 1",
        level="error",
        rendered="error: linking with `cc` failed\n  collect2: fatal error: ld terminated with signal 7 [Bus error]\n",
    )
    reason = explain_failure(101, [link], [])
    assert reason.hint == FULL_DISK
    other = RustcDiagnostic(message="linking with `cc` failed", level="error", rendered="error: linking failed\n")
    reason = explain_failure(101, [other], ["Caused by:", "  No space left on device (os error 28)"])
    assert reason.hint == FULL_DISK
    assert reason.details.startswith("No space left on device (os error 28)\nerror: linking failed")
    mistake = RustcDiagnostic(message="mismatched types", level="error", code=Code(code="E0308"))
    assert explain_failure(101, [mistake], ["  No space left on device (os error 28)"]).hint is None
