"""Carries a repair out: copies, weak symbol versions, stripping, patchelf; and the members that the wheel then has."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from matrix.archives.entries import Entry
from matrix.archives.record import hash_file
from matrix.auditing.weak import flag_weak_needs
from matrix.errors import ToolError
from matrix.repairing.patchelf import Patchelf
from matrix.repairing.plan import Repair
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
    patchelf.ready()
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    grafts = {str(graft.library.path): graft for graft in repair.grafts}
    entries: dict[str, Entry] = {}
    for number, change in enumerate(repair.changes):
        graft = grafts.get(change.before.file)
        source = graft.library.path if graft is not None else sources[change.before.file]
        copy = into / f"{number}-{change.after.file.rpartition('/')[2]}"
        shutil.copyfile(source, copy)
        if graft is not None:
            if hash_file(copy)[0].hex() != graft.library.sha256:
                raise ToolError(f"{graft.library.path} changed while it was copied", hint="run it again")
            flag_weak_needs(copy, repair.level, repair.analysis.arch)
        if strip is not None:
            strip(copy)
        patchelf.apply(change, copy)
        moved = repair.moved.get(change.before.file)
        key = change.after.file if graft is not None or moved is not None else change.before.file
        entries[key] = Entry(change.after.file, copy, executable=True)
    for script, program in repair.moved.items():
        entries[script] = Entry(script, shim(program), executable=True)
    _check_whole(repair)
    return entries


def _check_whole(repair: Repair) -> None:
    """Make sure that every library that was renamed is there under its new name."""
    there = {graft.file.rpartition("/")[2] for graft in repair.grafts}
    wanted = {new for change in repair.changes for _, new in change.replaced}
    if wanted - there:
        raise ToolError(f"{', '.join(sorted(wanted - there))} is needed and not brought along")
