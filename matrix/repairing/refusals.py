"""Why a wheel cannot be repaired, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from matrix.auditing.levels import BUILD, Door, Judgement, meets_level
from matrix.auditing.policies import Policy
from matrix.auditing.remarks import symbol_list
from matrix.auditing.verdict import Analysis, offences_against
from matrix.model import Compatibility
from matrix.repairing.search import Found, Missing

__all__ = ["unfound", "unmet", "unreachable"]

_SHOWN = 6  # directories and files listed


def unfound(missing: Sequence[Missing], door: Door = BUILD) -> Judgement:
    """Say which libraries were not found, and where they were looked for; the hint names what ``door`` has."""
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
        hint=_either(f"name its directory {door.search}", door.elsewhere, "link it statically", door.local),
    )


def unmet(
    analysis: Analysis, wish: Compatibility, policy: Policy, grafts: Mapping[str, Found], door: Door = BUILD
) -> Judgement:
    """Say what keeps the wheel from the level even with its libraries brought along.

    Args:
        analysis: The audit of what the wheel would hold.
        wish: The level asked for.
        policy: The last level tried.
        grafts: Libraries brought along, by their member of the wheel.
        door: What the hint may name.
    """
    auto = wish.family == "auto"
    level = Compatibility(family=policy.family, version=policy.version) if auto else wish
    found = meets_level(analysis, level, policy.arch, verb="cannot meet even" if auto else "asked for", door=door)
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


def unreachable(files: Sequence[str], door: Door = BUILD) -> Judgement:
    """Say that files lie where no path leads to the libraries; the hint names what ``door`` has."""
    return Judgement(
        ok=False,
        reason=f"{symbol_list(files)} needs libraries that it cannot reach from where it is installed",
        hint=_either("put it into a package", door.local),
    )


def _either(*ways: str) -> str:
    """Join what can be done: ``a, b, or c``, ``a or b``; empty ones are none."""
    *first, last = filter(None, ways)
    return f"{', '.join(first)}{',' * (len(first) > 1)} or {last}" if first else last
