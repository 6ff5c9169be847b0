"""Compiles once what a family of builds has in common: every crate that does not depend on the interpreter.

A family differs in nothing but its Python. cargo runs once for it with a PyO3 configuration that cannot be read and
``--keep-going``: it compiles exactly what needs no Python, and stops. Every cold lane then starts as a clone of that
seed, which cargo accepts as fresh. cargo alone decides what is fresh; a seed only saves it work.

Families for other targets have one more thing in common: build scripts and proc macros, which are compiled for the
host. One seed among them is the root, and the lanes and seeds of the others start with a clone of its host half.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from matrix.events import Bus, CrateDone, Line
from matrix.files import write_if_changed
from matrix.model import Build, Command, Settings
from matrix.running.messages import BuildScript, CompilerArtifact, package_name, parse_message

__all__ = ["Seed", "SeedWatch", "clone", "find_roots", "find_seeds", "is_cold", "seed_of"]

_PROFILE_DIRS = {"dev": "debug", "test": "debug", "bench": "release"}
_LINKED = (".rlib", ".rmeta")
_BUILD_SCRIPTS = ("build-script-", "build_script_")
_SMALL = 1 << 20  # bytes that are copied in one piece
_LEFT_BEHIND = frozenset({"incremental", ".cargo-lock", "examples"})
_READS_PYTHON = re.compile(rb"python", re.IGNORECASE)


class Seed(msgspec.Struct, frozen=True):
    """What a family has in common.

    Attributes:
        build: The build that makes it; its id names the seed's lane.
        members: Ids of the builds whose lanes start from it.
        family: What the members have in common.
    """

    build: Build
    members: tuple[str, ...]
    family: str = ""


def find_seeds(builds: Sequence[Build], lanes: Mapping[str, Path]) -> tuple[Seed, ...]:
    """Return a seed for every family of which two or more lanes are cold.

    Args:
        builds: The builds of a plan.
        lanes: The lane of each, by id.
    """
    families: dict[str, list[Build]] = {}
    for build in builds:
        if _is_seeded(build):
            families.setdefault(_family(build), []).append(build)
    seeds = []
    for key, family in families.items():
        cold = [build for build in family if is_cold(lanes[build.id], build)]
        if len(cold) > 1:
            seeds.append(Seed(seed_of(family[0], key), tuple(build.id for build in cold), key))
    return tuple(seeds)


def find_roots(
    builds: Sequence[Build], lanes: Mapping[str, Path], seeds: Sequence[Seed], host_of: Callable[[Build], str | None]
) -> tuple[tuple[Seed, ...], dict[str, str]]:
    """Return the seeds with a root for every group of targets, and what starts from the host half of which root.

    Args:
        builds: The builds of a plan.
        lanes: The lane of each, by id.
        seeds: The seeds of their families.
        host_of: Names what compiles and runs the host half of a build; ``None`` when it is like no other's.

    Returns:
        All seeds, and by id of a seed or build the id of its root.
    """
    groups: dict[tuple[object, ...], dict[str, list[Build]]] = {}
    for build in builds:
        host = host_of(build) if _is_seeded(build) and build.explicit_target else None
        if host is not None and is_cold(lanes[build.id], build):
            group = (host, build.settings.profile, build.manifest, build.crate)
            groups.setdefault(group, {}).setdefault(_family(build), []).append(build)
    known = {seed.family: seed for seed in seeds}
    roots: dict[str, str] = {}
    for families in groups.values():
        if len(families) < 2:
            continue
        key, members = next(((key, one) for key, one in families.items() if key in known), next(iter(families.items())))
        root = known.setdefault(key, Seed(seed_of(members[0], key), (members[0].id,), key))
        for other, own in families.items():
            starting = [known[other].build.id] if other in known else [build.id for build in own]
            roots |= {name: root.build.id for name in starting if other != key}
    return tuple(known.values()), roots


def seed_of(build: Build, key: str) -> Build:
    """Return the build that compiles what ``build`` shares with its family."""
    settings: Settings = msgspec.structs.replace(
        build.settings, cargo_args=(*build.settings.cargo_args, "--keep-going")
    )
    return msgspec.structs.replace(build, id=f"seed-{key}", interpreter=None, settings=settings, cells=())


def _is_seeded(build: Build) -> bool:
    return build.bindings in {"pyo3", "pyo3-ffi"} and build.pyo3_config is not None and not build.settings.pgo


def _family(build: Build) -> str:
    """Return what two builds must have in common to share a seed; the stable ABI is a matter of crate features."""
    shared = (
        build.driver, build.target.triple, build.explicit_target, build.libc, build.settings,
        build.manifest, build.crate,
        None if build.stable_abi is None else build.stable_abi.kind,
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(shared, order="deterministic")).hexdigest()[:8]


def is_cold(lane: Path, build: Build) -> bool:
    """Whether nothing was compiled in a lane yet for the build's profile and target."""
    return not any((lane / part / ".fingerprint").is_dir() for part in _parts(build))


def _parts(build: Build) -> Iterator[Path]:
    """Yield the directories of a lane that hold the build's units: the target's, then the host's."""
    host = _host_part(build)
    if build.explicit_target:
        yield Path(build.target.triple) / host
    yield host


def _host_part(build: Build) -> Path:
    return Path(_PROFILE_DIRS.get(build.settings.profile, build.settings.profile))


class SeedWatch:
    """Reads the seed's cargo, remembers which build scripts ran, and tells the bus of crates."""

    def __init__(self, build: str = "", bus: Bus | None = None) -> None:
        self._build = build
        self._bus = bus if bus is not None else Bus()
        self._sources: dict[str, str] = {}
        self._ran: list[str] = []
        self._command = Command(argv=())
        self.compiled = 0

    def start(self, command: Command, log: str) -> None:
        """Take in what is run: it says where the paths that cargo speaks of lie."""
        del log
        self._command = command

    def stdout(self, line: str) -> str | None:
        """Take in one line of cargo's stdout."""
        match parse_message(line):
            case CompilerArtifact() as message:
                self.compiled += not message.fresh
                self._bus.emit(
                    CrateDone(
                        build=self._build,
                        crate=message.target.name,
                        fresh=message.fresh,
                        package=package_name(message.package_id),
                    )
                )
                if "custom-build" in message.target.kind:
                    self._sources[message.package_id] = self._command.outside(message.target.src_path)
            case BuildScript() as message:
                self._ran.append(message.package_id)
            case _:
                pass
        return None

    def stderr(self, line: str) -> str:
        """Take in one line of cargo's stderr and return it."""
        self._bus.emit(Line(build=self._build, text=line))
        return line

    def suspects(self) -> list[str]:
        """Return packages whose build script ran although it may look at a Python: its source speaks of one.

        pyo3's own scripts do so through the configuration, which they could not read.
        """
        return [name for name, source in self._scripts() if not name.startswith("pyo3") and _speaks_of_python(source)]

    def _scripts(self) -> Iterable[tuple[str, str]]:
        for package in self._ran:
            yield package_name(package), self._sources.get(package, "")


def _speaks_of_python(source: str) -> bool:
    try:
        return _READS_PYTHON.search(Path(source).read_bytes()) is not None
    except OSError:
        return True


def clone(seed: Path, lane: Path, build: Build, *, host_only: bool = False) -> bool:
    """Give a cold lane what its seed compiled; return whether there was anything.

    Libraries are linked, as rustc never writes into an existing one, and so are compiled build scripts, which cargo
    removes before it compiles them again. Everything else is copied, since fingerprints and what build scripts write
    are overwritten in place. Times are kept: cargo compares them.

    Args:
        seed: The seed's lane.
        lane: The build's lane, held by the caller.
        build: The build.
        host_only: Whether the seed is of another target, so that only its host half is meant.
    """
    if not is_cold(lane, build):
        return False
    write_if_changed(lane.with_name(f"{lane.name}.from"), f"{seed.name}\n")
    found = False
    for part in (_host_part(build),) if host_only else _parts(build):
        if (seed / part / ".fingerprint").is_dir() and not (lane / part).exists():
            found = True
            temporary = lane / f".{part.as_posix().replace('/', '-')}.cloning"
            shutil.rmtree(temporary, ignore_errors=True)
            try:
                _copy_tree(str(seed / part), str(temporary))
            except OSError:
                shutil.rmtree(temporary, ignore_errors=True)
                raise
            (lane / part).parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(lane / part)
    return found


def _copy_tree(source: str, target: str) -> None:
    """Copy a directory; plain strings, as a lane has many files."""
    os.mkdir(target)  # noqa: PTH102
    with os.scandir(source) as entries:
        for entry in entries:
            if entry.name in _LEFT_BEHIND:
                continue
            into = f"{target}{os.sep}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                _copy_tree(entry.path, into)
            elif entry.name.endswith(_LINKED) or _is_build_script(entry):
                _link(entry.path, into)
            else:
                _copy_file(entry, into)
    _keep_times(os.stat(source), target)  # noqa: PTH116


def _is_build_script(entry: os.DirEntry[str]) -> bool:
    """Whether a file is a program in ``build/PACKAGE/``; not on Windows, where one that runs cannot be removed."""
    if not entry.name.startswith(_BUILD_SCRIPTS) or os.name != "posix":
        return False
    known = entry.stat(follow_symlinks=False)
    return stat.S_ISREG(known.st_mode) and known.st_mode & 0o111 != 0 and Path(entry.path).parts[-3] == "build"


def _copy_file(entry: os.DirEntry[str], into: str) -> None:
    known = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(known.st_mode) or known.st_mode & 0o111 or known.st_size > _SMALL:
        shutil.copy2(entry.path, into, follow_symlinks=False)
        return
    with open(entry.path, "rb", buffering=0) as file:  # noqa: PTH123 - a third of the time that shutil takes
        content = file.read()
    with open(into, "xb") as file:  # noqa: PTH123
        file.write(content)
    _keep_times(known, into)


def _keep_times(known: os.stat_result, path: str) -> None:
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)
