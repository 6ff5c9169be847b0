"""Decides on a repair: what is brought along, under which names, what is rewritten, and the level that results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from matrix.auditing.elf import Binary
from matrix.auditing.levels import Door, Judgement
from matrix.auditing.policies import Policy, policies, policy_for
from matrix.auditing.verdict import Analysis, analyse, family_of, offences_against
from matrix.model import Compatibility
from matrix.repairing.closure import Closure, Find, close
from matrix.repairing.layout import (
    grafted_name,
    installed_directory,
    is_script,
    leads_inside,
    libraries_folder,
    relative_rpath,
)
from matrix.repairing.nouns import Change, Graft, Repair, Wanted
from matrix.repairing.refusals import unfound, unmet, unreachable
from matrix.repairing.search import Library

__all__ = ["plan_repair"]


def plan_repair(analysis: Analysis, wanted: Wanted, find: Find) -> Repair | Judgement | None:
    """Return how the wheel is made whole, why it cannot be, or ``None`` when libraries are not what it lacks.

    The levels are tried from the one met by most systems on; libraries that are brought along must meet it too.

    Args:
        analysis: The audit of the wheel as it is.
        wanted: What to reach.
        find: Finds a file; see ``Search.find``.

    Raises:
        UsageError: The level is no musllinux level we know.
        OSError: A library cannot be read.
    """
    last: _Attempt | None = None
    for attempt in _attempts(analysis, wanted, find):
        if attempt.met:
            return attempt.repair and _reachable(attempt.repair, wanted.door)
        last = attempt
    return _refusal(last, last.repair, wanted) if last is not None and last.repair is not None else None


class _Attempt(NamedTuple):
    """One level tried: what it takes (``None`` for nothing), and whether it is met then."""

    policy: Policy
    closure: Closure
    repair: Repair | None
    met: bool


def _attempts(analysis: Analysis, wanted: Wanted, find: Find) -> Iterator[_Attempt]:
    if analysis.foreign or len({binary.libc for binary in analysis.binaries if binary.libc}) > 1:
        return
    for policy in _levels(analysis, wanted):
        closure = close(analysis.binaries, policy, analysis.internal, find, wanted.exclude)
        if not (closure.libraries or closure.missing or closure.excluded):
            yield _Attempt(policy, closure, None, not offences_against(policy, analysis))
            continue
        repair = _repair(analysis, wanted.name, policy, closure)
        met = not closure.missing and not offences_against(policy, repair.analysis)
        yield _Attempt(policy, closure, repair, met)


def _refusal(last: _Attempt, repair: Repair, wanted: Wanted) -> Repair | Judgement:
    if last.closure.missing:
        return unfound(last.closure.missing, wanted.door)
    beyond = repair.analysis.policy
    if wanted.level.family == "auto" and beyond is not None:  # a glibc newer than every level known
        return _reachable(msgspec.structs.replace(repair, level=_level(beyond)), wanted.door)
    grafts = {graft.file: graft.library for graft in repair.grafts}
    return unmet(repair.analysis, wanted.level, last.policy, grafts, wanted.door)


def _levels(analysis: Analysis, wanted: Wanted) -> Iterator[Policy]:
    """Yield the levels that will do, the one met by most systems first."""
    family = family_of(analysis.libc)
    if family is None:
        return
    if wanted.level.family == "auto":
        known = policies(family, analysis.arch)
        # nothing in a musl binary tells the levels apart, so only the newest is claimed
        yield from known[-1:] if family == "musllinux" else (one for one in known if one.version >= wanted.floor)
    elif wanted.level.family == family:
        for version in wanted.level.versions:
            policy = policy_for(family, version, analysis.arch)
            if policy is not None:
                yield policy


def _level(policy: Policy) -> Compatibility:
    return Compatibility(family=policy.family, version=policy.version)


def _repair(analysis: Analysis, name: str, policy: Policy, closure: Closure) -> Repair:
    folder = libraries_folder(name)
    names = {one.soname: grafted_name(one.path.name, one.sha256) for one in closure.libraries}
    grafts: dict[str, Library] = {}
    for library in closure.libraries:
        grafts.setdefault(f"{folder}/{names[library.soname]}", library)
    moved = {
        file: f"{name}.scripts/{file.rpartition('/')[2]}"
        for file in closure.wanted
        if is_script(file) and set(closure.wanted[file]) & names.keys()
    }
    homes = _homes(analysis.binaries)
    changes = [
        _change(binary, moved.get(binary.file, binary.file), names, folder)
        for binary in analysis.binaries
        if set(closure.wanted.get(binary.file, ())) & names.keys()
    ]
    changes += [_graft_change(file, library.binary, names, homes) for file, library in grafts.items()]
    after = {change.before.file: change.after for change in changes}
    own = [after.get(binary.file, binary) for binary in analysis.binaries]
    result = analyse(
        [*own, *(after[str(library.path)] for library in grafts.values())],
        arch=analysis.arch,
        libc=analysis.libc,
        notes=analysis.notes,
        provided=closure.excluded,
        weak=analysis.weak,
    )
    return Repair(
        level=_level(policy),
        analysis=result,
        grafts=tuple(Graft(file=file, library=grafts[file]) for file in sorted(grafts)),
        changes=tuple(changes),
        moved=moved,
    )


def _homes(binaries: Sequence[Binary]) -> dict[str, str]:
    """Return the directories of the wheel's own libraries in site-packages, by the names they are needed by."""
    homes: dict[str, str] = {}
    for binary in binaries:
        directory = installed_directory(binary.file)
        if binary.kind == "library" and directory is not None:
            for name in {binary.soname, binary.file.rpartition("/")[2]} - {None}:
                homes.setdefault(str(name), directory)
    return homes


def _change(binary: Binary, file: str, names: dict[str, str], folder: str) -> Change:
    directory = installed_directory(file) or ""
    rpath = leads_inside(binary.runpath or binary.rpath, directory)
    return _renamed(binary, file, names, (*rpath, relative_rpath(directory, folder)), binary.soname)


def _graft_change(file: str, binary: Binary, names: dict[str, str], homes: dict[str, str]) -> Change:
    """Rename a library; of its own paths none means anything any more."""
    folder, _, name = file.rpartition("/")
    rpath = ["$ORIGIN"] if any(needed in names for needed in binary.needed) else []
    rpath += [relative_rpath(folder, homes[needed]) for needed in binary.needed if needed in homes]
    return _renamed(binary, file, names, tuple(rpath), name)


def _renamed(binary: Binary, file: str, names: dict[str, str], rpath: tuple[str, ...], soname: str | None) -> Change:
    replaced = tuple((needed, names[needed]) for needed in dict.fromkeys(binary.needed) if needed in names)
    needs = (msgspec.structs.replace(need, library=names.get(need.library, need.library)) for need in binary.needs)
    after = msgspec.structs.replace(
        binary,
        file=file,
        soname=soname,
        needed=tuple(names.get(needed, needed) for needed in binary.needed),
        needs=tuple(needs),
        rpath=tuple(dict.fromkeys(rpath)),
        runpath=(),
    )
    return Change(before=binary, after=after, replaced=replaced)


def _reachable(repair: Repair, door: Door) -> Repair | Judgement:
    """Refuse binaries from which no path leads to the libraries."""
    lost = [change.after.file for change in repair.changes if installed_directory(change.after.file) is None]
    return unreachable(lost, door) if lost else repair
