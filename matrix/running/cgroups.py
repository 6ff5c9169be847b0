"""The control groups that bind this process, and how much memory is free within them (Linux)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["MOUNTED", "OWN", "available_memory", "control_groups"]

MOUNTED = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
_KIB = 1024


def control_groups(controller: str, mounted: Path = MOUNTED, own: Path = OWN) -> Iterator[Path]:
    """Yield the process' groups that can have a limit of a controller, each with its parents up to the mount.

    A limit binds everything below it (Linux: ``cgroup-v2.rst``, "Top-down Constraint"). A container may see only its
    own part of the tree: then the path leads nowhere, and the mount is its group.

    Args:
        controller: ``cpu`` or ``memory``.
        mounted: Where control groups are mounted.
        own: The file that names the process' own, one line for each hierarchy.
    """
    try:
        lines = own.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        lines = []
    for line in [*lines, "0::/", f"1:{controller}:/"]:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        parts = PurePosixPath(path).parts[1:]
        if ".." in parts:  # a group outside of what this namespace shows
            parts = ()
        if not controllers:
            bases = [mounted]
        elif controller in controllers.split(","):
            bases = [mounted / name for name in dict.fromkeys([controllers, controller])]
        else:
            bases = []
        for base in bases:
            yield from (base.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1))


def available_memory(meminfo: Path = Path("/proc/meminfo"), mounted: Path = MOUNTED, own: Path = OWN) -> int | None:
    """Return the bytes of memory that new processes can use here; ``None`` where the system does not tell.

    It is what the machine has free (``proc.rst``, "MemAvailable"), or less when a control group leaves less: its limit
    without what it holds, files that can be dropped not counted (``cgroup-v2.rst``, "memory.max"; ``memory.rst``).

    Args:
        meminfo: The file that tells of the machine's memory.
        mounted: Where control groups are mounted.
        own: The file that names the process' own groups.
    """
    free = [room for group in control_groups("memory", mounted, own) if (room := _room(group)) is not None]
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        free += [int(line.split()[1]) * _KIB for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    return max(min(free), 0) if free else None


def _room(group: Path) -> int | None:
    """Return the bytes a group's own limit leaves, or ``None`` when it has none."""
    second = (group / "memory.max").exists()
    names = ("memory.max", "memory.current") if second else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    droppable = "inactive_file " if second else "total_inactive_file "
    try:
        limit, held = (int((group / name).read_text(encoding="ascii")) for name in names)
        lines = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        files = next((int(line.split()[1]) for line in lines if line.startswith(droppable)), 0)
    except (OSError, ValueError):  # ``max`` is no number either
        return None
    return limit - max(held - files, 0)
