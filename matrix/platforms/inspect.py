"""Asks executables what Python they are: each once, several at a time, none for long."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import TypeAlias

import anyio
import msgspec

from matrix.errors import ToolError
from matrix.model import Command
from matrix.platforms.answers import AnswerCache
from matrix.platforms.probe import SCRIPT, Answer, read_answer
from matrix.process import run

__all__ = ["TIME_LIMIT", "Said", "identify", "inspect_executables"]

Said: TypeAlias = Answer | str
"""An answer, or the reason why there is none."""

TIME_LIMIT = 10.0  # seconds an executable may take to answer
_AT_ONCE = 8
_LINES = 200  # of output kept; the answer is one line
_SAID = 90  # characters of its words in a note
_LENGTH = 20_000  # characters of a line kept
_FLAGS = ("-I", "-S")  # isolated from PYTHON* variables and the current directory, and without site
_FLAGS_OF_2 = ("-E", "-s", "-S")
_UNSET: dict[str, str | None] = {
    # sysconfig obeys these even in isolated mode
    "_PYTHON_HOST_PLATFORM": None,
    "_PYTHON_SYSCONFIGDATA_NAME": None,
    "_PYTHON_PROJECT_BASE": None,
    "__PYVENV_LAUNCHER__": None,
}
_NAMES = ("python", "pypy", "graalpy")


class Identity(msgspec.Struct, frozen=True):
    """Which program a path stands for.

    Attributes:
        key: Equal for two paths that would give the same answer.
        stamp: Changes when the program does; empty when its answer depends on more than itself.
    """

    key: str
    stamp: str


def identify(path: Path) -> Identity | None:
    """Return what a path stands for, or ``None`` when there is nothing that can be run.

    A script or a launcher by another name (a version manager's shim) decides anew each time what to run, so it
    is known by its own path and its answer is not kept.
    """
    try:
        real = path.resolve(strict=True)
        stat = real.stat()
    except (OSError, RuntimeError, ValueError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    if not S_ISREG(stat.st_mode) or not os.access(real, os.X_OK):
        return None
    if not real.name.lower().startswith(_NAMES) or _is_script(real):
        return Identity(str(path.absolute()), "")
    key, stamp = str(real), f"{stat.st_size}:{stat.st_mtime_ns}"
    for directory in (path.parent.parent, path.parent):  # a venv's interpreter is another one than its base
        config = directory / "pyvenv.cfg"
        with suppress(OSError, ValueError):
            cfg = config.stat()
            return Identity(f"{key}|{config}", f"{stamp}:{cfg.st_size}:{cfg.st_mtime_ns}")
    return Identity(key, stamp)


def _is_script(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


async def inspect_executables(
    paths: Sequence[Path],
    *,
    cache: AnswerCache | None = None,
    time_limit: float = TIME_LIMIT,
) -> tuple[Said, ...]:
    """Ask every executable what it is; return the answers in the order of ``paths``.

    Two paths of one program are asked once; what the cache knows is not asked at all. One that is broken, takes
    too long or prints something else costs only its own answer.

    Args:
        paths: Executables; need not exist.
        cache: Answers of earlier runs; saved when there are new ones.
        time_limit: Seconds each may take.
    """
    answers: dict[str, Said] = {}
    asked: dict[str, tuple[Path, str]] = {}
    identities = [identify(path) for path in paths]
    for path, identity in zip(paths, identities, strict=True):
        if identity is None or identity.key in asked or identity.key in answers:
            continue
        known = cache.get(identity.key, identity.stamp) if cache is not None and identity.stamp else None
        if known is not None:
            answers[identity.key] = known
        else:
            asked[identity.key] = (path, identity.stamp)
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def ask(key: str, path: Path) -> None:
        async with limiter:
            answers[key] = await _ask(path, time_limit)

    async with anyio.create_task_group() as tasks:
        for key, (path, _) in asked.items():
            tasks.start_soon(ask, key, path)
    if cache is not None:
        for key, (_, stamp) in asked.items():
            answer = answers[key]
            if stamp and isinstance(answer, Answer):
                cache.put(key, stamp, answer)
        cache.save()
    return tuple("is no program" if identity is None else answers[identity.key] for identity in identities)


async def _ask(path: Path, time_limit: float) -> Said:
    said = await _run(path, _FLAGS, time_limit)
    if isinstance(said, str) and "-I" in said and "nknown option" in said:  # Python 2 does not know it
        return await _run(path, _FLAGS_OF_2, time_limit)
    return said


async def _run(path: Path, flags: tuple[str, ...], time_limit: float) -> Said:
    out: deque[str] = deque(maxlen=_LINES)  # what is no Python may print without end
    err: deque[str] = deque(maxlen=_LINES)

    def keep(line: str) -> None:
        out.append(line[:_LENGTH])

    def keep_error(line: str) -> None:
        err.append(line[:_LENGTH])

    command = Command(argv=(str(path), *flags, "-c", SCRIPT), env=_UNSET, cwd=".")
    try:
        ended = await run(command, root=path.parent, on_stdout=keep, on_stderr=keep_error, timeout=time_limit)
    except ToolError as error:
        return error.message.removeprefix(f"{path}: ")
    if ended.timed_out:
        return f"gave no answer within {time_limit:g} s"
    answer = read_answer("\n".join(out))
    if answer is not None:
        return answer
    if ended.exit:
        words = next((line.strip() for line in err if line.strip()), "")
        if SCRIPT.strip().partition("\n")[0] in words:  # it took the question for a file's name, say
            words = ""
        if len(words) > _SAID:
            words = f"{words[:_SAID]}…"
        return f"failed: {words}" if words else f"failed with exit code {ended.exit}"
    return "printed something that is no answer"
