"""What repairs of a run need of this machine: a patchelf, and the directories where libraries are looked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix.driver import Driver, Host
from matrix.machine import find_tool
from matrix.model import Plan
from matrix.project import Project
from matrix.repairing import PATCHELF, Patchelf
from matrix.repairing.places import given_directories
from matrix.running.mending import Repairs

__all__ = ["repairs_here"]


def repairs_here(
    project: Project, plan: Plan, host: Host, drivers: Sequence[Driver], environ: Mapping[str, str], lanes: Path
) -> Repairs:
    """Return what the repairs of a run need.

    Args:
        project: The project.
        plan: What is built.
        host: The machine.
        drivers: The drivers.
        environ: The environment: LD_LIBRARY_PATH names more directories, PATH may hold a patchelf.
        lanes: Directory of the lanes.
    """
    named = {driver.name: driver for driver in drivers}
    sbom = project.maturin.sbom
    return Repairs(
        host=host.target,
        patchelf=Patchelf(find_tool(PATCHELF, environ)),
        given=given_directories(environ.get("LD_LIBRARY_PATH", "")),
        elsewhere=frozenset(build.id for build in plan.builds if named[build.driver].host_of(build)),
        own=(project.root, *project.sources, lanes),
        sbom=sbom is None or sbom.auditwheel is not False,
    )
