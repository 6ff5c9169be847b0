"""Questions put to cargo and rustc while the program itself still loads; the answers wait until somebody asks.

Loading takes as long as cargo needs to describe a project, and both have a core of their own. Nothing depends on it:
a question that was not put ahead, or not with the very same words, directory and environment, is put when it is due.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess  # noqa: TID251 - what matrix.process brings along takes longer to load than rustc to answer
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TypeAlias

__all__ = ["Asked", "ask", "ask_rustc", "asked", "forget", "rustc_program"]

RUSTC_QUESTIONS = (("-vV",), ("--print", "sysroot"))


class Asked:
    """A command that runs, or ran.

    Its output goes to files without a name, since nobody reads along.
    """

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self._files = (_nameless(), _nameless())
        self._lock = threading.Lock()
        self._answer: tuple[int, str, str] | None = None
        out, err = self._files
        # in the group of this process: what ends it from a terminal ends its questions too
        try:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, env=env)
        except OSError:
            self._close()
            raise

    def wait(self, timeout: float) -> tuple[int, str, str]:
        """Return the exit code and what was written to stdout and stderr.

        Args:
            timeout: Seconds it may still take.

        Raises:
            TimeoutError: It took longer; it is ended.
        """
        with self._lock:
            if self._answer is None:
                try:
                    code = self._process.wait(timeout)
                except subprocess.TimeoutExpired:
                    self.end()
                    raise TimeoutError from None
                out, err = map(_text, self._files)
                self._answer = (code, out, err)
            return self._answer

    def end(self) -> None:
        """End it, if it still runs, and collect it."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        for file in self._files:
            file.close()


_Question: TypeAlias = "tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]]"  # words, directory, environment

_started: dict[_Question, Asked] = {}


def ask(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
    """Start a command whose answer will be wanted; one that cannot be started is left to who wants it."""
    question = _question(argv, cwd, env)
    if question in _started:
        return
    if not _started:
        _guard()
    try:
        _started[question] = Asked(argv, cwd, env)
    except OSError:
        return


def asked(argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Asked | None:
    """Return the command that was started with these words, in this directory and environment, or ``None``."""
    return _started.get(_question(argv, cwd, env)) if _started else None


def ask_rustc(cwd: Path, environ: Mapping[str, str]) -> None:
    """Ask what every plan needs to know of the compiler that a directory chooses."""
    for words in RUSTC_QUESTIONS:
        ask((rustc_program(environ), *words), cwd=cwd, env=environ)


def rustc_program(environ: Mapping[str, str]) -> str:
    """Return the rustc to ask: ``RUSTC``, the one on PATH, or its bare name where there is none."""
    return environ.get("RUSTC") or shutil.which("rustc", path=environ.get("PATH")) or "rustc"


def forget() -> None:
    """End every command that still runs, and forget all answers."""
    while _started:
        _started.popitem()[1].end()


def _question(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> _Question:
    return tuple(argv), str(cwd), tuple(sorted(env.items()))


def _guard() -> None:
    """Leave no question behind, whatever ends this process before it learned to end well."""
    atexit.register(forget)
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end_all)


def _end_all(number: int, _: object) -> None:
    forget()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("answer"), "w+b")
    import tempfile  # noqa: PLC0415 - only where memory cannot be a file

    return tempfile.TemporaryFile()


def _text(file: IO[bytes]) -> str:
    with file:
        file.seek(0)
        return file.read().decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\n")
