"""Where interpreters lie on this machine: every place that is looked into, in the order that decides."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from matrix.platforms.answers import home_directory
from matrix.platforms.look import exists, natural, newest_first
from matrix.platforms.pyenv import behind_shim, is_shim_directory, pyenv_roots

__all__ = [
    "Candidate",
    "Source",
    "World",
    "by_name",
    "candidates",
    "launcher_paths",
    "prefixes",
    "programs_of",
    "pythons_in",
]

Source: TypeAlias = Literal["PATH", "venv", "pyenv", "uv", "/opt/python", "py launcher", "named"]

_PROGRAM = re.compile(r"(python(3(\.\d+t?)?)?|pypy(3(\.\d+)?)?|graalpy(3(\.\d+)?)?)(\.exe)?", re.ASCII)
_LAUNCHED = re.compile(r"([A-Za-z]:[\\/].*?\.exe)\s*$", re.MULTILINE)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What decides where to look; a value, so that a search can be tried on a made-up machine.

    Attributes:
        environ: Environment variables.
        cwd: The current directory, absolute.
        opt: Where manylinux images keep their interpreters.
    """

    environ: Mapping[str, str]
    cwd: Path
    opt: Path = Path("/opt/python")

    @classmethod
    def real(cls, cwd: Path | None = None) -> World:
        """Return the machine this runs on."""
        return cls(environ=dict(os.environ), cwd=(cwd or Path.cwd()).absolute())


class Candidate(msgspec.Struct, frozen=True):
    """A program that may be an interpreter, and where it was seen."""

    path: Path
    source: Source


def candidates(world: World) -> Iterator[Candidate]:
    """Yield every program that may be an interpreter: PATH first, then the active venv, pyenv, uv, ``/opt/python``."""
    bins = {directory for prefix in _active(world) for directory in programs_of(prefix)}
    for directory in path_directories(world):
        source: Source = "venv" if directory in bins else "PATH"
        if is_shim_directory(directory):
            yield from (Candidate(path, "pyenv") for path in _behind(directory, world))
        else:
            yield from (Candidate(path, source) for path in pythons_in(directory))
    for prefix, source in prefixes(world):
        for directory in programs_of(prefix):
            yield from (Candidate(path, source) for path in pythons_in(directory))


def prefixes(world: World) -> Iterator[tuple[Path, Source]]:
    """Yield the installations that need not be on PATH, and where they were seen, newest version first."""
    home = home_directory(world.environ)
    yield from ((prefix, "venv") for prefix in _active(world))
    for root in pyenv_roots(world.environ, home):
        yield from ((prefix, "pyenv") for prefix in newest_first(root / "versions"))
    uv = _uv_directory(world.environ, home)
    if uv is not None:
        yield from ((prefix, "uv") for prefix in newest_first(uv))
    yield from ((prefix, "/opt/python") for prefix in newest_first(world.opt))


def by_name(name: str, world: World) -> Iterator[Candidate]:
    """Yield every program of that name: on PATH, shims of pyenv resolved, then in the installations beside it."""
    names = [name, f"{name}.exe"] if sys.platform == "win32" and not name.lower().endswith(".exe") else [name]
    for directory in path_directories(world):
        for path in (directory / one for one in names):
            if is_shim_directory(directory):
                real = behind_shim(path, world.environ, world.cwd) if exists(path) else None
                if real is not None:
                    yield Candidate(real, "pyenv")
            elif exists(path):
                yield Candidate(path, "PATH")
    for prefix, source in prefixes(world):
        for directory in programs_of(prefix):
            yield from (Candidate(directory / one, source) for one in names if exists(directory / one))


def path_directories(world: World) -> tuple[Path, ...]:
    """Return the directories of PATH, absolute, each once; Windows' store aliases are no programs."""
    parts = (part for part in world.environ.get("PATH", "").split(os.pathsep) if part)
    found = dict.fromkeys(world.cwd / part for part in parts)
    return tuple(path for path in found if path.name != "WindowsApps")


def programs_of(prefix: Path) -> tuple[Path, ...]:
    """Return the directories of an installation or a venv that hold its programs."""
    return (prefix, prefix / "Scripts") if sys.platform == "win32" else (prefix / "bin",)


def pythons_in(directory: Path) -> tuple[Path, ...]:
    """Return the interpreters in a directory by their names, the most telling one first: ``python3.12``."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - half the time of iterdir, and /usr/bin is long
    except (OSError, ValueError):
        return ()
    found = [name for name in names if name.startswith(("p", "g", "P", "G")) and _PROGRAM.fullmatch(name.lower())]
    return tuple(directory / name for name in sorted(found, key=lambda name: (-len(name), natural(name))))


def launcher_paths(listing: str) -> tuple[Path, ...]:
    """Return the interpreters in the listing of Windows' ``py -0p``."""
    return tuple(Path(match.strip()) for match in _LAUNCHED.findall(listing))


def _behind(directory: Path, world: World) -> Iterator[Path]:
    for shim in pythons_in(directory):
        path = behind_shim(shim, world.environ, world.cwd)
        if path is not None:
            yield path


def _active(world: World) -> tuple[Path, ...]:
    return tuple(Path(named) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if (named := world.environ.get(name)))


def _uv_directory(environ: Mapping[str, str], home: Path | None) -> Path | None:
    named = environ.get("UV_PYTHON_INSTALL_DIR")
    if named:
        return Path(named)
    roaming = environ.get("APPDATA")
    if sys.platform == "win32" and roaming:
        return Path(roaming) / "uv" / "python"
    data = Path(environ.get("XDG_DATA_HOME", ""))
    if data.is_absolute():
        return data / "uv" / "python"
    return home / ".local" / "share" / "uv" / "python" if home is not None else None
