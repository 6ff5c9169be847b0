"""How many CPUs this process may use: what ``-j`` is when nobody says it."""

from __future__ import annotations

from pathlib import Path

from matrix.affinity import usable_cpus
from matrix.running.cgroups import MOUNTED, OWN, control_groups

__all__ = ["available_cpus"]


def available_cpus(mounted: Path = MOUNTED, own: Path = OWN) -> int:
    """Return the CPUs of the affinity mask, or fewer when a control group has a smaller quota; at least 1.

    A quota binds everything below it, so that of the process' own group and those of all its parents count, and the
    smallest wins (Linux: ``cgroup-v2.rst``, "cpu.max"; ``sched-bwc.rst`` for v1).

    Args:
        mounted: Where control groups are mounted.
        own: The file that names the process' own, one line for each hierarchy.
    """
    quotas = [quota for group in control_groups("cpu", mounted, own) if (quota := _quota(group)) is not None]
    return max(1, min([usable_cpus(), *map(int, quotas)]))


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
