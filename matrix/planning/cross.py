"""What a user tells of a foreign Python by PyO3's variables, held against what the matrix asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from matrix.errors import ConfigError
from matrix.model import Implementation, Interpreter, Target
from matrix.planning.axes import Word
from matrix.planning.interpreters import Pick, table_pick
from matrix.planning.request import Facts
from matrix.planning.stable import Refusal
from matrix.platforms.cross_files import CROSS_VARIABLES, CrossFiles, CrossPython, foreign
from matrix.platforms.tables import Release

__all__ = ["LIB_DIR", "Told", "cross_default", "tell"]

LIB_DIR, _VERSION, _IMPLEMENTATION, _NAME = CROSS_VARIABLES
_IMPLEMENTATIONS: dict[str, Implementation] = {"cpython": "cpython", "pypy": "pypy", "graalpy": "graalpy"}
_NO_LIBRARY = ("linux", "macos")  # modules there link no libpython, so a directory for it says nothing


class Told(NamedTuple):
    """What the variables say of one cell.

    Attributes:
        interpreter: What its Python is.
        lib_dir: Directory of the libraries to link, where modules link any; else ``None``.
    """

    interpreter: Interpreter
    lib_dir: str | None = None


class _Wish(NamedTuple):
    """What the variables ask for, and where each was set."""

    lib_dir: str
    version: tuple[int, int] | None
    threaded: bool
    implementation: Implementation | None
    name: str
    origin: str
    words: tuple[tuple[str, str], ...]


def tell(pick: Pick, target: Target, env: Mapping[str, str | None], origin: str, facts: Facts) -> Told | Refusal | None:
    """Return what the files in ``PYO3_CROSS_LIB_DIR`` say of the Python of a pyo3 cell; ``None`` when none is named.

    They are about other targets than the host's, as for maturin. A word for many Pythons does not mean those
    that the files are not about.

    Args:
        pick: The Python asked for.
        target: Where it is to run.
        env: Variables that rows and settings set for the build.
        origin: The row that set the directory, or empty.
        facts: What was found on this machine.

    Raises:
        ConfigError: The directory holds no such files, or several that could be meant, or they are about another
            platform or Python; or a variable cannot be read.
    """
    if pick.interpreter is None or target.triple == facts.host.target.triple:
        return None
    wish = _wish({**facts.environ, **env}, origin or "environment")
    if not wish.lib_dir:
        return None
    files = facts.cross.get(wish.lib_dir, CrossFiles(directory=wish.lib_dir, missing="it was not looked into"))
    lib_dir = None if target.os in _NO_LIBRARY else files.directory
    if target.os == "windows" and not files.pythons and not files.missing:  # import libraries alone
        return Told(pick.interpreter, lib_dir)
    there = _there(wish, files, target)
    fitting = [one for one in there if _release(one.interpreter) == _release(pick.interpreter)]
    if fitting:
        return Told(_only(fitting, wish, files), lib_dir)
    said = f"{files.directory}/{there[0].file} is about {there[0].interpreter.id}"
    if pick.broad:
        return Refusal(said, about_python=True)
    raise ConfigError(
        f"{LIB_DIR} ({wish.origin}): {said}, and {pick.id} is asked for",
        hint=f"ask for it: -i {_release(there[0].interpreter)}",
    )


def cross_default(target: Target, facts: Facts) -> Pick | None:
    """Return the Python that the variables name for a target when no word of the matrix does, or ``None``.

    Raises:
        ConfigError: They name one that does not exist, or files that do not tell which.
    """
    wish = _wish(facts.environ, "environment")
    if target.triple == facts.host.target.triple or not (wish.lib_dir or wish.version):
        return None
    files = facts.cross.get(wish.lib_dir)
    found = [] if files is None else [one for one in _wanted(wish, files) if foreign(one, target) is None]
    if files is not None and found:
        python = _only(found, wish, files)
        return Pick(python.id, python, origin=LIB_DIR)
    if wish.version is None:
        return None
    release = Release(wish.implementation or "cpython", wish.version, threaded=wish.threaded)
    return table_pick(release, target, Word(str(release), _VERSION, named=False))


def _there(wish: _Wish, files: CrossFiles, target: Target) -> list[CrossPython]:
    """Return what was found for a target; never nothing."""
    where = f"{LIB_DIR} ({wish.origin}): {files.directory}"
    if files.missing:
        raise ConfigError(f"{where}: {files.missing}", hint="name the lib directory of that Python")
    wanted = _wanted(wish, files)
    if not wanted:
        meant = ", ".join(f"{name}={value}" for name, value in wish.words if value)
        what = (
            f"no Python that {meant} means" if files.pythons else "no _sysconfigdata*.py or build-details.json to read"
        )
        raise ConfigError(
            f"{where} holds {what}{''.join(f'; {fault}' for fault in files.faults[:1])}",
            hint="name the lib directory of the target's Python, or leave the variable out: released Pythons are known",
        )
    there = [one for one in wanted if foreign(one, target) is None]
    if not there:
        raise ConfigError(
            f"{where}/{wanted[0].file} is about {foreign(wanted[0], target)}, and the target is {target.triple}",
            hint=f"set {LIB_DIR} in `env` of an override that selects the target it is for",
        )
    return there


def _wanted(wish: _Wish, files: CrossFiles) -> list[CrossPython]:
    """Return what the variables allow of what was found."""
    found = []
    for one in files.pythons:
        interpreter = one.interpreter
        stem = one.file.rpartition("/")[2].rpartition(".")[0]
        if wish.name and stem not in {wish.name, wish.name.removesuffix(".py")}:
            continue
        version = (interpreter.version, interpreter.free_threaded)
        if wish.version is not None and version != (wish.version, wish.threaded):
            continue
        if wish.implementation in {None, interpreter.implementation}:
            found.append(one)
    return found


def _only(found: list[CrossPython], wish: _Wish, files: CrossFiles) -> Interpreter:
    """Return the one Python that files describe; two that say the same of it are one (a link, both formats)."""
    kinds: dict[tuple[object, ...], CrossPython] = {}
    for one in found:
        python = one.interpreter
        key = (python.implementation, python.version, python.abi_flags, python.ext_suffix, python.pointer_width)
        if key not in kinds or one.file.endswith(".json"):
            kinds[key] = one
    if len(kinds) > 1:
        raise ConfigError(
            f"{LIB_DIR} ({wish.origin}): {files.directory} describes several Pythons:"
            f" {', '.join(sorted(one.file for one in kinds.values()))}",
            hint=f"name one with {_NAME} or {_VERSION}",
        )
    return next(iter(kinds.values())).interpreter


def _release(interpreter: Interpreter) -> Release:
    return Release(interpreter.implementation, interpreter.version, threaded=interpreter.free_threaded)


def _wish(environ: Mapping[str, str | None], origin: str) -> _Wish:
    values = {name: environ.get(name) or "" for name in CROSS_VARIABLES}
    version = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?(t?)", values[_VERSION])
    if values[_VERSION] and version is None:
        raise ConfigError(f"{_VERSION} is {values[_VERSION]!r}", hint="write 3.14, or 3.14t for a free-threaded one")
    implementation = _IMPLEMENTATIONS.get(values[_IMPLEMENTATION].lower())
    if values[_IMPLEMENTATION] and implementation is None:
        raise ConfigError(f"{_IMPLEMENTATION} is {values[_IMPLEMENTATION]!r}", hint="write CPython, PyPy or GraalPy")
    return _Wish(
        lib_dir=values[LIB_DIR],
        version=(int(version[1]), int(version[2])) if version else None,
        threaded=bool(version and version[3]),
        implementation=implementation,
        name=values[_NAME],
        origin=origin,
        words=tuple((name, values[name]) for name in CROSS_VARIABLES[1:]),
    )
