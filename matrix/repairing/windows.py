"""Decides on the repair of a wheel for Windows.

DLLs lie beside the module or program that needs them: Python loads modules so that Windows looks in the module's own
directory first (bpo-36085), ctypes does the same for a full path, and a program's directory always counts. So no
Python code has to run before. Names carry a digest, because a process has one DLL of a name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from matrix.archives.record import hash_file
from matrix.auditing.image import BadBinaryError, mapped
from matrix.auditing.levels import BUILD, Door, Judgement
from matrix.auditing.pe import Pe, read_pe
from matrix.auditing.verdict import Analysis
from matrix.auditing.windows import analyse_windows, is_there
from matrix.model import Compatibility
from matrix.repairing.layout import grafted_name
from matrix.repairing.nouns import Graft, PeChange, Repair, rewritten
from matrix.repairing.places import Places
from matrix.repairing.refusals import unfound
from matrix.repairing.search import Found, Missing

__all__ = ["Dll", "DllSearch", "plan_windows"]

_LOCAL = Compatibility(family="linux")
FindDll = Callable[[str, Pe], "Dll | Missing"]


class Dll(Found, frozen=True, kw_only=True):
    """A DLL found.

    Attributes:
        binary: What it is and needs.
    """

    binary: Pe


class DllSearch:
    """Looks for DLLs by name, whatever its case, in directories alone."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._names: dict[Path, dict[str, Path]] = {}

    def find(self, name: str, needed_by: Pe, home: Path | None = None) -> Dll | Missing:
        """Return the first DLL of that name for the machine of the file that needs it, or say what was tried.

        Args:
            name: As the import table writes it.
            needed_by: What needs it.
            home: The directory of that file, when it was found in one.

        Raises:
            OSError: A file cannot be read.
        """
        directories = (*self._places.given, *((home,) if home else ()), *self._places.linked, *self._places.system)
        unfit = []
        for directory in dict.fromkeys(directories):
            path = self._listed(directory).get(name.lower())
            if path is None:
                continue
            found = _read(name, path.resolve(), needed_by.arch)
            if isinstance(found, Dll):
                return found
            unfit.append((path, found))
        return Missing(
            soname=name,
            needed_by=needed_by.file,
            searched=tuple(dict.fromkeys(directories)),
            unfit=tuple(unfit),
            hint=self._places.why_no_system,
        )

    def _listed(self, directory: Path) -> dict[str, Path]:
        if directory not in self._names:
            try:
                self._names[directory] = {path.name.lower(): path for path in sorted(directory.iterdir())}
            except OSError:
                self._names[directory] = {}
        return self._names[directory]


def _read(name: str, path: Path, arch: str) -> Dll | str:
    """Return the DLL, or why it will not do."""
    try:
        with mapped(str(path), path) as data:
            binary = read_pe(str(path), data)
    except BadBinaryError as error:
        return error.message.removeprefix(f"{path}: ")
    if binary.arch != arch:
        return f"is for {binary.arch}, not for {arch}"
    return Dll(soname=name, path=path, sha256=hash_file(path)[0].hex(), binary=binary)


def plan_windows(
    analysis: Analysis, platforms: Sequence[str], search: DllSearch, exclude: Sequence[str] = (), *, door: Door = BUILD
) -> Repair | Judgement | None:
    """Return how the wheel is made whole, why it cannot be, or ``None`` when it lacks no DLL.

    Args:
        analysis: The audit of the wheel as it is.
        platforms: Platform tags of the wheel.
        search: Finds DLLs.
        exclude: Patterns of DLLs that somebody else brings, in small letters.
        door: What hints may name.

    Raises:
        OSError: A DLL cannot be read.
    """
    if analysis.foreign:
        return None
    grafts: dict[str, Graft] = {}
    changes: list[PeChange] = []
    missing: dict[str, Missing] = {}
    for binary in analysis.pes:
        folder = posixpath.dirname(binary.file)
        found = _closure(binary, analysis.internal, search, exclude, missing)
        names = {name: grafted_name(dll.path.name, dll.sha256) for name, dll in found.items()}
        if not found:
            continue
        changes.append(_renamed(binary, binary.file, names))
        for name, dll in found.items():
            file = posixpath.join(folder, names[name])
            if file not in grafts:
                grafts[file] = Graft(file=file, library=dll)
                changes.append(_renamed(dll.binary, file, names))
    if missing:
        return unfound(tuple(missing.values()), door)
    if not grafts:
        return None
    everything = rewritten(analysis.pes, ((one.before, one.after) for one in changes), grafts)
    return Repair(
        level=_LOCAL,
        analysis=analyse_windows(everything, platforms, analysis.notes),
        grafts=tuple(grafts[file] for file in sorted(grafts)),
        changes=tuple(changes),
    )


def _closure(
    binary: Pe, internal: frozenset[str], search: DllSearch, exclude: Sequence[str], missing: dict[str, Missing]
) -> dict[str, Dll]:
    """Return the DLLs that a file needs, directly or not, by their names in small letters; note those not found."""
    found: dict[str, Dll] = {}
    waiting: list[tuple[Pe, Path | None]] = [(binary, None)]
    for one, home in waiting:  # grows while it is walked
        for name in one.all_libraries:
            key = name.lower()
            excluded = any(fnmatchcase(key, pattern.lower()) for pattern in exclude)
            if key in found or excluded or is_there(name, internal):
                continue
            dll = search.find(name, one, home)
            if isinstance(dll, Missing):
                missing.setdefault(key, dll)
                continue
            found[key] = dll
            waiting.append((dll.binary, dll.path.parent))
    return found


def _renamed(binary: Pe, file: str, names: dict[str, str]) -> PeChange:
    replaced = tuple((name, names[name.lower()]) for name in binary.all_libraries if name.lower() in names)
    new = dict(replaced)
    after = msgspec.structs.replace(
        binary,
        file=file,
        libraries=tuple(new.get(name, name) for name in binary.libraries),
        delayed=tuple(new.get(name, name) for name in binary.delayed),
    )
    return PeChange(before=binary, after=after, replaced=replaced)
