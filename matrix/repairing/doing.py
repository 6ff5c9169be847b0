"""Carries a repair out: copies, weak symbol versions, stripping, patchelf; and the members that the wheel then has."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from matrix.archives import join_slices
from matrix.archives.entries import Entry
from matrix.archives.record import hash_file
from matrix.auditing.weak import flag_weak_needs
from matrix.errors import ToolError
from matrix.repairing.macho import rewrite_macho
from matrix.repairing.nouns import Change, MachChange, PeChange, Repair
from matrix.repairing.patchelf import Patchelf
from matrix.repairing.pe import rewrite_pe
from matrix.repairing.search import Found
from matrix.repairing.shims import shim

__all__ = ["Strip", "carry_out"]

Strip = Callable[[Path], None]


def carry_out(
    repair: Repair, sources: Mapping[str, Path], into: Path, patchelf: Patchelf, strip: Strip | None = None
) -> dict[str, Entry]:
    """Make the files of a repair; only copies are written.

    Each file is stripped before it is rewritten: the other way round damages it (pypa/auditwheel#716).

    Args:
        repair: What to do.
        sources: The wheel's own binaries that change, by their member; each may be executable or not.
        into: A directory of this repair alone; made, and emptied first.
        patchelf: Rewrites.
        strip: Strips a file, or ``None``.

    Returns:
        The members that are new or changed, by the member that each replaces, or its own name when it is new.

    Raises:
        ToolError: A tool is missing, fails, or damages a file.
        BadBinaryError: A file can no longer be read.
        OSError: A file cannot be copied.
    """
    if any(isinstance(change, Change) for change in repair.changes):
        patchelf.ready()
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    grafts = {graft.file: graft for graft in repair.grafts}
    entries: dict[str, Entry] = {}
    for number, change in enumerate(repair.changes):
        graft = grafts.get(change.after.file)
        copy = into / f"{number}-{change.after.file.rpartition('/')[2]}"
        if graft is None:
            shutil.copyfile(sources[change.before.file], copy)
        else:
            _copy(graft.library, copy)
        if isinstance(change, Change) and graft is not None:
            flag_weak_needs(copy, repair.level, repair.analysis.arch)
        if strip is not None:
            strip(copy)
        match change:
            case Change():
                patchelf.apply(change, copy)
            case PeChange():
                rewrite_pe(change, copy)
            case MachChange():
                rewrite_macho(change, copy)
        moved = repair.moved.get(change.before.file)
        key = change.after.file if graft is not None or moved is not None else change.before.file
        entries[key] = Entry(change.after.file, copy, executable=True)
    for script, program in repair.moved.items():
        entries[script] = Entry(script, shim(program), executable=True)
    _check_whole(repair)
    return entries


def _copy(library: Found, to: Path) -> None:
    """Copy a library, or join its slices, and see that it is what was planned with."""
    copies = []
    for number, (path, sha256) in enumerate(library.files):
        copies.append(to.with_name(f"{to.name}.{number}"))
        shutil.copyfile(path, copies[-1])
        if hash_file(copies[-1])[0].hex() != sha256:
            raise ToolError(f"{path} changed while it was copied", hint="run it again")
    if len(copies) == 1:
        copies[0].replace(to)
        return
    join_slices(copies, to)
    for copy in copies:
        copy.unlink()


def _check_whole(repair: Repair) -> None:
    """Make sure that every library that was renamed is there under its new name."""
    there = {graft.file.rpartition("/")[2] for graft in repair.grafts}
    wanted = {new.rpartition("/")[2] for change in repair.changes for _, new in change.replaced}
    if wanted - there:
        raise ToolError(f"{', '.join(sorted(wanted - there))} is needed and not brought along")
