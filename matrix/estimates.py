"""How long builds are likely to take: what the last run measured, and crate counts where nothing is known; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from matrix.model import Build

__all__ = ["likely_seconds", "urgencies"]


def likely_seconds(builds: Iterable[Build]) -> dict[str, float]:
    """Return the seconds each build is likely to take, by id.

    A build never timed counts its crates at the slowest pace known: it may well be the longest. When nothing was ever
    timed, a crate counts as one second, so that only the proportions mean something.
    """
    known = list(builds)
    most = max((build.units for build in known), default=0) or 1
    paces = [build.expected / (build.units or most) for build in known if build.expected]
    pace = max(paces, default=1.0)
    return {build.id: build.expected if build.expected is not None else (build.units or most) * pace for build in known}


def urgencies(seconds: Mapping[str, float], after: Mapping[str, str]) -> dict[str, float]:
    """Return the seconds from the start of each build to the end of the longest chain that begins with it, by id.

    Starting what has most before it first keeps the critical path short (list scheduling by upward rank).

    Args:
        seconds: How long each takes, by id.
        after: What each waits for, by id; what is not among ``seconds`` is over.

    Raises:
        ValueError: Builds wait for each other in a circle.
    """
    children = dict.fromkeys(seconds, 0)
    for name, parent in after.items():
        if name in children and parent in children:
            children[parent] += 1
    found: dict[str, float] = {}
    below = dict.fromkeys(seconds, 0.0)
    leaves = [name for name, count in children.items() if not count]
    while leaves:
        name = leaves.pop()
        found[name] = seconds[name] + below[name]
        parent = after.get(name, "")
        if parent in children:
            below[parent] = max(below[parent], found[name])
            children[parent] -= 1
            if not children[parent]:
                leaves.append(parent)
    if len(found) < len(children):
        raise ValueError("builds wait for each other in a circle")
    return found
