"""Finds the interpreters of this machine: all of them, one by its name, or the one that stands for none."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.errors import ToolError, UsageError
from matrix.model import Command, Interpreter
from matrix.platforms.answers import AnswerCache, cache_directory
from matrix.platforms.candidates import Candidate, Source, World, by_name, candidates, launcher_paths, programs_of
from matrix.platforms.inspect import TIME_LIMIT, Said, identify, inspect_executables
from matrix.platforms.look import exists, is_directory
from matrix.platforms.probe import interpreter_of, lib_dir_of
from matrix.platforms.requests import expand, is_path, parse_request
from matrix.process import capture

__all__ = ["Discovery", "Installation", "default_interpreter", "find_installations", "find_named"]


class Installation(msgspec.Struct, frozen=True):
    """A Python on this machine that can be run.

    Attributes:
        interpreter: What it is.
        executable: The program, as it was found (a shim is resolved, a venv's link is not).
        source: Where it was found: ``PATH``, ``venv``, ``pyenv``, ``uv``, ``/opt/python``, ``py launcher``, ``named``.
        base_prefix: ``sys.base_prefix``.
        lib_dir: Directory of libpython, or of its import library; ``None`` when it does not tell.
        venv: Whether it is a virtual environment's.
    """

    interpreter: Interpreter
    executable: Path
    source: Source
    base_prefix: Path
    lib_dir: Path | None
    venv: bool


class Discovery(msgspec.Struct, frozen=True):
    """What a search found.

    Attributes:
        installations: One per implementation, version and ABI, in that order.
        notes: Why broken programs were skipped, a line each.
        unsupported: Pythons that work but cannot be built for, a line each.
    """

    installations: tuple[Installation, ...]
    notes: tuple[str, ...]
    unsupported: tuple[str, ...] = ()


async def find_installations(world: World | None = None, *, time_limit: float = TIME_LIMIT) -> Discovery:
    """Find every usable interpreter of this machine.

    Of several with the same implementation, version and ABI the first on PATH wins, then those of the active
    venv, pyenv, uv, ``/opt/python`` and the ``py`` launcher, newest first.

    Args:
        world: Where to look; the real machine by default.
        time_limit: Seconds each candidate may take to answer.
    """
    here = world or World.real()
    found = await anyio.to_thread.run_sync(lambda: _each_program_once(candidates(here)))
    if sys.platform == "win32":
        found = _each_program_once([*found, *await _launched(here)])
    said = await inspect_executables([one.path for one in found], cache=_cache(here), time_limit=time_limit)
    best: dict[tuple[object, ...], Installation] = {}
    notes: list[str] = []
    unsupported: list[str] = []
    for candidate, answer in zip(found, said, strict=True):
        installation = _installation(candidate, answer)
        if isinstance(installation, str):
            kind = notes if isinstance(answer, str) else unsupported
            kind.append(f"skipped {candidate.path}: {installation}")
        else:
            best.setdefault(_abi(installation.interpreter), installation)
    return Discovery(tuple(sorted(best.values(), key=_rank)), tuple(notes), tuple(unsupported))


async def find_named(
    word: str,
    world: World | None = None,
    *,
    origin: str = "-i",
    time_limit: float = TIME_LIMIT,
) -> Installation:
    """Find the interpreter that a path or a program's name means.

    A path may name an installation's or a venv's directory too. A name is looked for on PATH, then in the
    installations that are not on it.

    Args:
        word: ``./venv/bin/python``, ``~/venv``, ``python3.12``, ``pypy3``.
        world: Where to look; the real machine by default.
        origin: Where it was written, for the message.
        time_limit: Seconds a candidate may take to answer.

    Raises:
        UsageError: There is none, or it is broken or not supported.
    """
    here = world or World.real()
    named = await anyio.to_thread.run_sync(lambda: _named(word, here))
    if named is None:
        raise UsageError(f"interpreter {word!r} not found ({origin})", hint=_instead(word))
    (said,) = await inspect_executables([named.path], cache=_cache(here), time_limit=time_limit)
    installation = _installation(named, said)
    if isinstance(installation, str):
        place = "" if word == str(named.path) else f"{named.path}: "
        raise UsageError(f"interpreter {word!r} cannot be used ({origin}): {place}{installation}")
    return installation


async def default_interpreter(world: World | None = None, *, time_limit: float = TIME_LIMIT) -> Installation:
    """Find the interpreter meant by no word at all: the active venv's, else ``python3`` (Windows: ``python``).

    Raises:
        UsageError: There is none, or it is broken or not supported.
    """
    here = world or World.real()
    name = "python" if sys.platform == "win32" else "python3"
    active = here.environ.get("VIRTUAL_ENV")
    if active and _in_directory(Path(active)) is not None:
        return await find_named(active, here, origin="VIRTUAL_ENV", time_limit=time_limit)
    try:
        return await find_named(name, here, origin="no -i given", time_limit=time_limit)
    except UsageError as error:
        raise UsageError(error.message, hint="name an interpreter with -i, or take every one with -f") from error


def _cache(world: World) -> AnswerCache:
    directory = cache_directory(world.environ)
    return AnswerCache(directory / "interpreters.json" if directory is not None else None)


def _each_program_once(found: Iterable[Candidate]) -> list[Candidate]:
    """Return candidates without second names of the same program, and without what cannot be run."""
    seen: dict[str, Candidate] = {}
    for candidate in found:
        identity = identify(candidate.path)
        if identity is not None:
            seen.setdefault(identity.key, candidate)
    return list(seen.values())


def _named(word: str, world: World) -> Candidate | None:
    if not is_path(word):
        return next(by_name(word, world), None)
    try:
        path = world.cwd / Path(word).expanduser()
    except RuntimeError:  # a home that does not exist
        return None
    inside = _in_directory(path)
    return Candidate(inside or path, "named") if inside is not None or exists(path) else None


def _in_directory(path: Path) -> Path | None:
    """Return the interpreter of an installation or a venv whose directory was named."""
    if not is_directory(path):
        return None
    programs = (directory / name for directory in programs_of(path) for name in ("python", "python3", "python.exe"))
    return next((program for program in programs if exists(program)), None)


def _instead(word: str) -> str:
    """Return what else could be written for a program that is missing."""
    if not is_path(word):
        with suppress(UsageError):
            releases = expand(parse_request(word))
            if releases:
                return f'write "{releases[0]}" to build for it without having it'
    return "`wheelmatrix interpreters` lists those of this machine"


def _installation(candidate: Candidate, said: Said) -> Installation | str:
    if isinstance(said, str):
        return said
    interpreter = interpreter_of(said)
    if isinstance(interpreter, str):
        return interpreter
    lib_dir = lib_dir_of(said)
    return Installation(
        interpreter=interpreter,
        executable=candidate.path,
        source=candidate.source,
        base_prefix=Path(said.base_prefix),
        lib_dir=Path(lib_dir) if lib_dir else None,
        venv=any(
            exists(directory / "pyvenv.cfg") for directory in (candidate.path.parent, candidate.path.parent.parent)
        ),
    )


def _abi(interpreter: Interpreter) -> tuple[object, ...]:
    return (
        interpreter.implementation,
        interpreter.version,
        interpreter.abi_tag,
        interpreter.ext_suffix,
        interpreter.pointer_width,
    )


def _rank(installation: Installation) -> tuple[object, ...]:
    interpreter = installation.interpreter
    order = ("cpython", "pypy", "graalpy").index(interpreter.implementation)
    return (order, interpreter.version, interpreter.abi_flags, interpreter.ext_suffix, interpreter.pointer_width)


async def _launched(world: World) -> list[Candidate]:
    """Ask Windows' ``py`` launcher what it knows."""
    try:
        said = await capture(Command(argv=("py", "-0p")), root=world.cwd, timeout=TIME_LIMIT)
    except ToolError:
        return []
    return [Candidate(path, "py launcher") for path in launcher_paths(said.stdout)]
