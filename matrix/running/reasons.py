"""Why a build failed: one line, the tool's own words, and what to do about it."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

import msgspec

from matrix.ears import before_backtrace
from matrix.errors import FULL_DISK
from matrix.running.messages import RustcDiagnostic

__all__ = ["Reason", "explain_failure"]

SCREEN = 40  # lines of details
_ERROR = re.compile(r"^\s*error(\[\w+\])?: |^(?:docker: )?Error(?: response from daemon)?: ")
_BUILD_SCRIPT = re.compile(r"failed to run custom build command for `([\w.-]+)")
_IN_CONTAINER = frozenset({128 + 9, 128 + 15})  # SIGKILL and SIGTERM, as engines tell of them
_ANSI = re.compile(r"\x1b\[[0-9;]*m")

# lld writes through memory that is mapped to its file, and dies of SIGBUS where the disk has no room for it
_NO_ROOM = r"No space left on device|Disk quota exceeded|ld terminated with signal 7 "
_MEMORY = "out of memory? fewer jobs (-j) need less"

# (words in the output, what to do about it)
_HINTS: tuple[tuple[str, str], ...] = (
    (r"linker `([^`]+)` not found", "install a C compiler (the linker), e.g. the package gcc or clang"),
    (
        r"can't find crate for `(?:std|core)`",
        "rustup target add the target: this toolchain has no standard library for it",
    ),
    (
        r"newer than PyO3's maximum supported version",
        "upgrade pyo3, or leave that interpreter out of the matrix (exclude in [tool.wheelmatrix])",
    ),
    (r"unable to find library -l(\S+)|cannot find -l(\S+)", "install the library's development files"),
    (
        r"(?i)could not find (?:directory of )?openssl|openssl-sys",
        'install OpenSSL\'s development files, or vendor it: openssl = { features = ["vendored"] }',
    ),
    (r"pkg-config.*(?:not found|could not be found)|[Pp]ackage '?\S+'?, required by .*not found", "install pkg-config"),
    (_NO_ROOM, FULL_DISK),
    (
        r"lock file .* needs to be updated but --(?:locked|frozen) was passed",
        "run cargo update or leave --locked out: Cargo.lock does not match Cargo.toml",
    ),
    (r"signal: 9, SIGKILL", _MEMORY),
    (
        r"(?i)exec format error",
        "this machine cannot run programs of the image's processor: register an emulator (package qemu-user-static)",
    ),
    (
        r"Cannot connect to the Docker daemon|error waiting for container|error during connect",
        "the container engine went away: see its service (systemctl status docker)",
    ),
    (r"rustc \S+ is not supported by the following package", "upgrade Rust, or pass --ignore-rust-version"),
)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a build failed.

    Attributes:
        line: One line.
        details: The tool's words, at most a screen.
        hint: What to do about it, or ``None``.
    """

    line: str
    details: str
    hint: str | None = None


def explain_failure(exit_code: int, errors: Sequence[RustcDiagnostic], tail: Sequence[str]) -> Reason:
    """Say why cargo failed.

    Args:
        exit_code: Its exit code; negative when a signal ended it.
        errors: The compiler's error diagnostics, in order.
        tail: The last lines of its output.
    """
    words = before_backtrace([_ANSI.sub("", line) for line in tail])
    if exit_code < 0:
        return _killed(-exit_code, words)
    if exit_code in _IN_CONTAINER:
        return _killed(exit_code - 128, words)
    first = next((error for error in errors if not error.message.startswith("aborting due to")), None)
    if first is not None:
        details = "\n".join((_ANSI.sub("", error.rendered or error.message)).rstrip() for error in errors[:2])
        full = None if first.code else next((line.strip() for line in words if re.search(_NO_ROOM, line)), None)
        if full is not None and not re.search(_NO_ROOM, details):  # cargo says it of another compiler, or of its own
            details = f"{full}\n{details}"
        return Reason(line=_headline(first), details=_screen(details), hint=_hint(details))
    start = next((number for number, line in enumerate(words) if _ERROR.match(line)), None)
    said = words[start:] if start is not None else words
    text = "\n".join(said)
    script = _BUILD_SCRIPT.search(text)
    if script is not None:
        line = f"{script[1]} build script"
    elif start is not None:
        line = _ERROR.sub("", words[start]).strip()
    else:
        line = f"cargo exited with {exit_code}"
    return Reason(line=line, details=_screen(text), hint=_hint(text))


def _headline(error: RustcDiagnostic) -> str:
    where = next((f" ({span.file_name}:{span.line_start})" for span in error.spans if span.is_primary), "")
    code = f"[{error.code.code}]" if error.code else ""
    return f"error{code}: {error.message.splitlines()[0]}{where}"


def _killed(number: int, words: Sequence[str]) -> Reason:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = None
    if name == "SIGKILL":
        hint = _MEMORY
    return Reason(line=f"ended by {name}", details=_screen("\n".join(words)), hint=hint)


def _hint(text: str) -> str | None:
    return next((hint for pattern, hint in _HINTS if re.search(pattern, text)), None)


def _screen(text: str) -> str:
    lines = text.strip("\n").splitlines()
    if len(lines) <= SCREEN:
        return "\n".join(lines)
    return "\n".join([*lines[:SCREEN], f"… {len(lines) - SCREEN} more lines in the log"])
