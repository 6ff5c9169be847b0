"""How many CPUs this process may use: what ``-j`` is when nobody says it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["available_cpus"]


def available_cpus(mounted: Path = Path("/sys/fs/cgroup"), own: Path = Path("/proc/self/cgroup")) -> int:
    """Return the CPUs of the affinity mask, or fewer when a control group has a smaller quota; at least 1.

    A quota binds everything below it, so that of the process' own group and those of all its parents count, and the
    smallest wins (Linux: ``cgroup-v2.rst``, "cpu.max"; ``sched-bwc.rst`` for v1).

    Args:
        mounted: Where control groups are mounted.
        own: The file that names the process' own, one line for each hierarchy.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for group in _groups(mounted, own) if (quota := _quota(group)) is not None]
    return max(1, min([cpus, *map(int, quotas)]))


def _groups(mounted: Path, own: Path) -> Iterator[Path]:
    """Yield the process' groups that can have a CPU quota, each with its parents up to the mount.

    A container may see only its own part of the tree: then the path leads nowhere, and the mount is its group.
    """
    try:
        lines = own.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        lines = []
    for line in [*lines, "0::/", "1:cpu:/"]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        parts = PurePosixPath(path).parts[1:]
        if ".." in parts:  # a group outside of what this namespace shows
            parts = ()
        if not controllers:
            bases = [mounted]
        elif "cpu" in controllers.split(","):
            bases = [mounted / name for name in dict.fromkeys([controllers, "cpu"])]
        else:
            bases = []
        for base in bases:
            yield from (base.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def _quota(group: Path) -> float | None:
    """Return a group's own limit in CPUs, or ``None`` when it has none."""
    try:
        if (group / "cpu.max").exists():
            limit, period = (group / "cpu.max").read_text().split()[:2]
        else:
            limit, period = ((group / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        quota = int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # ``max`` is no number either
        return None
    return quota if quota > 0 else None
