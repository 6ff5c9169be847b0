"""Why a wheel cannot be repaired, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from matrix.auditing.levels import Judgement, meets_level
from matrix.auditing.policies import Policy
from matrix.auditing.remarks import symbol_list
from matrix.auditing.verdict import Analysis, offences_against
from matrix.model import Compatibility
from matrix.repairing.search import Found, Missing

__all__ = ["unfound", "unmet", "unreachable"]

LOCAL = "--compatibility linux to keep the wheel local"
_SHOWN = 6  # directories and files listed


def unfound(missing: Sequence[Missing]) -> Judgement:
    """Say which libraries were not found, and where they were looked for."""
    names = symbol_list([one.soname for one in missing], limit=5)
    unfit = [f"{path} {why}" for one in missing for path, why in one.unfit]
    searched = list(dict.fromkeys(str(directory) for one in missing for directory in one.searched))
    details = [f"{one.soname} is needed by {one.needed_by}" for one in missing[:_SHOWN]]
    details += unfit[:_SHOWN]
    details.append(f"searched: {symbol_list(searched, limit=_SHOWN)}" if searched else "no directory to search")
    details += sorted({one.hint for one in missing if one.hint})
    return Judgement(
        ok=False,
        reason=f"needs {names}, {'but the file found is of no use' if unfit else 'which was not found'}",
        details="\n".join(details),
        hint=f"name its directory in LD_LIBRARY_PATH, link it statically, or {LOCAL}",
    )


def unmet(analysis: Analysis, wish: Compatibility, policy: Policy, grafts: Mapping[str, Found]) -> Judgement:
    """Say what keeps the wheel from the level even with its libraries brought along.

    Args:
        analysis: The audit of what the wheel would hold.
        wish: The level asked for.
        policy: The last level tried.
        grafts: Libraries brought along, by their member of the wheel.
    """
    auto = wish.family == "auto"
    level = Compatibility(family=policy.family, version=policy.version) if auto else wish
    found = meets_level(analysis, level, policy.arch, verb="cannot meet even" if auto else "asked for")
    files = dict.fromkeys(offence.file for offence in offences_against(policy, analysis))
    guilty = [grafts[file] for file in files if file in grafts]
    if not guilty or len(guilty) < len(files):
        return found
    names = symbol_list([library.soname for library in guilty], limit=3)
    lines = [f"{library.soname} is {library.path}" for library in guilty[:_SHOWN]]
    return msgspec.structs.replace(
        found,
        reason=f"{found.reason} in {names}, which it must bring along",
        details="\n".join(filter(None, [found.details, *lines])),
    )


def unreachable(files: Sequence[str]) -> Judgement:
    """Say that files lie where no path leads to the libraries."""
    return Judgement(
        ok=False,
        reason=f"{symbol_list(files)} needs libraries that it cannot reach from where it is installed",
        hint=f"put it into a package, or {LOCAL}",
    )
