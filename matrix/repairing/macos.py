"""Decides on the repair of a wheel for macOS: ``NAME.dylibs`` with everything that macOS does not have."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from matrix.archives.record import hash_file
from matrix.auditing.image import BadBinaryError, mapped
from matrix.auditing.levels import BUILD, Door, Judgement
from matrix.auditing.macho import MachO, read_macho
from matrix.auditing.macos import PYTHON_LIBRARY, analyse_macos, external_libraries
from matrix.auditing.verdict import Analysis
from matrix.model import Compatibility
from matrix.repairing.layout import grafted_name, installed_directory, is_script
from matrix.repairing.nouns import Graft, MachChange, Repair, rewritten
from matrix.repairing.places import Places
from matrix.repairing.refusals import unfound, unreachable
from matrix.repairing.search import Found, Missing

__all__ = ["Dylib", "DylibSearch", "plan_macos"]

_LOCAL = Compatibility(family="linux")
_KEPT_PATHS = ("@loader_path", "@executable_path", "/usr/lib", "/System/")


class Dylib(Found, frozen=True, kw_only=True):
    """A library found: one file with every architecture that is needed, or one file for each of them.

    Attributes:
        binary: What it is and needs, all files together.
    """

    binary: MachO


class DylibSearch:
    """Looks for libraries by install name: where it says itself, and in directories."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def find(self, name: str, needed_by: MachO, home: Path | None = None) -> Dylib | Missing:
        """Return the library, or say what was tried.

        Args:
            name: Its install name: a path, or one that starts with ``@rpath`` or ``@loader_path``.
            needed_by: What needs it; the library must have its architectures.
            home: The directory of that file, when it was found in one.

        Raises:
            OSError: A file cannot be read.
        """
        wanted = {one.arch for one in needed_by.slices}
        found: dict[str, tuple[Path, MachO]] = {}
        searched: dict[Path, None] = {}
        unfit = []
        for path in self._candidates(name, needed_by, home):
            if path.parent in searched:
                continue
            searched[path.parent] = None
            if not path.is_file():
                continue
            binary = _read(path.resolve())
            fault = binary if isinstance(binary, str) else _fault(binary, wanted)
            if isinstance(binary, str) or fault:
                unfit.append((path, fault or ""))
                continue
            if wanted <= {one.arch for one in binary.slices}:
                return _joined(name, [(path.resolve(), binary)])
            found.setdefault(binary.arch, (path.resolve(), binary))
            if wanted <= found.keys():
                return _joined(name, [found[arch] for arch in sorted(wanted)])
        lacking = " and ".join(sorted(wanted - found.keys()))
        unfit += [(path, f"has no slice for {lacking}") for path, _ in found.values()]
        hint = self._places.why_no_system
        return Missing(soname=name, needed_by=needed_by.file, searched=tuple(searched), unfit=tuple(unfit), hint=hint)

    def _candidates(self, name: str, needed_by: MachO, home: Path | None) -> Iterator[Path]:
        base = posixpath.basename(name)
        for directory in (*self._places.given, *self._places.linked):
            yield directory / base
        paths = [name]
        if name.startswith("@rpath/"):
            rpaths = dict.fromkeys(path for one in needed_by.slices for path in one.rpath)
            paths = [posixpath.join(path, name.removeprefix("@rpath/")) for path in rpaths]
        for path in paths:
            if path.startswith("@loader_path/") and home is not None:
                yield home / path.removeprefix("@loader_path/")
            elif path.startswith("/"):
                yield Path(path)
        for directory in (*((home,) if home is not None else ()), *self._places.system):
            yield directory / base


def _read(path: Path) -> MachO | str:
    """Return what a file is, or why it will not do."""
    try:
        with mapped(str(path), path) as data:
            return read_macho(str(path), data)
    except BadBinaryError as error:
        return error.message.removeprefix(f"{path}: ")


def _fault(binary: MachO, wanted: set[str]) -> str:
    there = {one.arch for one in binary.slices}
    if binary.kind != "library":
        return "is no shared library"
    if not wanted & there:
        return f"is for {binary.arch}, not for {' and '.join(sorted(wanted))}"
    if len(there) > 1 and not wanted <= there:
        return f"has no slice for {' and '.join(sorted(wanted - there))}"
    return ""


def _joined(name: str, chosen: Sequence[tuple[Path, MachO]]) -> Dylib:
    """Return one library of a file, or of thin ones for one architecture each."""
    digests = [hash_file(path)[0].hex() for path, _ in chosen]
    path, _ = chosen[0]
    return Dylib(
        soname=name,
        path=path,
        sha256=digests[0] if len(chosen) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest(),
        parts=tuple((part, digest) for (part, _), digest in zip(chosen, digests, strict=True)) if chosen[1:] else (),
        binary=MachO(file=str(path), slices=tuple(one for _, binary in chosen for one in binary.slices)),
    )


def plan_macos(
    analysis: Analysis,
    platforms: Sequence[str],
    name: str,
    search: DylibSearch,
    exclude: Sequence[str] = (),
    *,
    door: Door = BUILD,
) -> Repair | Judgement | None:
    """Return how the wheel is made whole, why it cannot be, or ``None`` when it lacks no library.

    Args:
        analysis: The audit of the wheel as it is.
        platforms: Platform tags of the wheel.
        name: The distribution's name as it stands in file names.
        search: Finds libraries.
        exclude: Patterns of file names of libraries that somebody else brings.
        door: What hints may name.

    Raises:
        OSError: A library cannot be read.
    """
    if analysis.foreign:
        return None
    folder = f"{name}.dylibs"
    found, missing = _closure(analysis, search, exclude)
    if missing:
        return unfound(tuple(missing.values()), door)
    if not found:
        return None
    names = {old: grafted_name(one.path.name, one.sha256) for old, one in found.items()}
    changes: list[MachChange] = []
    moved: dict[str, str] = {}
    for binary in analysis.machos:
        if not set(binary.libraries) & names.keys():
            continue
        file = binary.file
        if is_script(file):
            file = moved[file] = f"{name}.scripts/{posixpath.basename(file)}"
        directory = installed_directory(file)
        if directory is None:
            return unreachable([file], door)
        up = posixpath.relpath(folder, directory or ".")
        changes.append(_renamed(binary, file, {old: f"@loader_path/{up}/{new}" for old, new in names.items()}, None))
    grafts: dict[str, Graft] = {}
    for old, one in found.items():
        file = f"{folder}/{names[old]}"
        if file not in grafts:
            grafts[file] = Graft(file=file, library=one)
            beside = {other: f"@loader_path/{new}" for other, new in names.items()}
            changes.append(_renamed(one.binary, file, beside, f"@rpath/{names[old]}"))
    everything = rewritten(analysis.machos, ((one.before, one.after) for one in changes), grafts)
    return Repair(
        level=_LOCAL,
        analysis=analyse_macos(everything, platforms, analysis.notes),
        grafts=tuple(grafts[file] for file in sorted(grafts)),
        changes=tuple(changes),
        moved=moved,
    )


def _closure(
    analysis: Analysis, search: DylibSearch, exclude: Sequence[str]
) -> tuple[dict[str, Dylib], dict[str, Missing]]:
    """Return the libraries to bring along by install name, and those that were not found. libpython is none of them."""
    found: dict[str, Dylib] = {}
    missing: dict[str, Missing] = {}
    waiting: list[tuple[MachO, Path | None]] = [(binary, None) for binary in analysis.machos]
    for binary, home in waiting:  # grows while it is walked
        for name in external_libraries(binary, analysis.internal):
            excluded = any(fnmatchcase(posixpath.basename(name), pattern) for pattern in exclude)
            if name in found or name in missing or excluded or PYTHON_LIBRARY.fullmatch(name):
                continue
            library = search.find(name, binary, home)
            if isinstance(library, Missing):
                missing[name] = library
                continue
            found[name] = library
            waiting.append((library.binary, library.path.parent))
    return found, missing


def _renamed(binary: MachO, file: str, names: dict[str, str], identity: str | None) -> MachChange:
    slices = tuple(
        msgspec.structs.replace(
            one,
            libraries=tuple(names.get(library, library) for library in one.libraries),
            optional=tuple(names.get(library, library) for library in one.optional),
            install_name=identity if identity is not None else one.install_name,
            rpath=tuple(path for path in one.rpath if path.startswith(_KEPT_PATHS)),
        )
        for one in binary.slices
    )
    replaced = tuple((library, names[library]) for library in binary.libraries if library in names)
    return MachChange(before=binary, after=MachO(file=file, slices=slices), replaced=replaced)
