"""What repairs of a run need of this machine: a patchelf, and the directories where libraries are looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from matrix.checkup import CheckedTool, Checkup
from matrix.driver import Driver, Host
from matrix.errors import ToolError
from matrix.machine import find_tool, versions
from matrix.model import Plan
from matrix.project import Project
from matrix.reporting.document import Report
from matrix.running.ingredients import Repairs
from matrix.running.state import BuildState
from matrix.tools import PATCHELF

if TYPE_CHECKING:
    from matrix.repairing import Patchelf

__all__ = ["brings_libraries", "demand_patchelf", "repairs_here", "with_patchelf"]


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
        patchelf=partial(_patchelf, find_tool(PATCHELF, environ)),
        given=environ.get("LD_LIBRARY_PATH", ""),
        path=environ.get("PATH", ""),
        elsewhere=frozenset(build.id for build in plan.builds if named[build.driver].host_of(build)),
        own=(project.root, *project.sources, lanes),
        sbom=sbom is None or sbom.auditwheel is not False,
    )


@cache
def _patchelf(path: str | None) -> Patchelf:
    from matrix.repairing import Patchelf  # noqa: PLC0415 - few wheels need it

    return Patchelf(path)


async def demand_patchelf(plan: Plan, environ: Mapping[str, str], root: Path) -> None:
    """Refuse to begin when repairs were asked for by a flag and nothing here can make them.

    Raises:
        ToolError: There is no patchelf, or it is too old.
    """
    if not any(cell.target.os == "linux" and cell.compatibility.family != "linux" for cell in plan.cells):
        return
    path = find_tool(PATCHELF, environ)
    if path is None:
        raise ToolError("--auditwheel repair: patchelf is needed, and is not installed", hint=PATCHELF.install)
    from matrix.repairing.patchelf import check_version  # noqa: PLC0415 - likewise

    known = await versions([PATCHELF], {PATCHELF.name: path}, root)
    check_version(f"patchelf {known.get(PATCHELF.name)}")


def brings_libraries(states: Iterable[BuildState], report: Report | None) -> bool:
    """Whether wheels of earlier runs brought libraries along, or lacked some."""
    wheels = [wheel for state in states for wheel in state.wheels.values()]
    audits = [wheel.verdict for wheel in wheels] + [cell.audit for cell in (report.cells if report is not None else ())]
    return any(wheel.bundled for wheel in wheels) or any(
        audit is not None and audit.external and "linux" in audit.overall_tag for audit in audits
    )


def with_patchelf(checkup: Checkup, path: str | None, version: str | None, *, needed: bool) -> Checkup:
    """Return a checkup that tells of patchelf as well; one that is too old counts as missing.

    Args:
        checkup: What else was found.
        path: Where it was found, or ``None``.
        version: What it says its version is, or ``None``.
        needed: Whether wheels are known to need it.
    """
    from matrix.repairing.patchelf import check_version  # noqa: PLC0415 - likewise

    try:
        check_version(f"patchelf {version}")
    except ToolError:
        path = None
    tool = CheckedTool(name="patchelf", path=path, version=version, needed=needed, install=PATCHELF.install)
    lacks = needed and path is None
    return msgspec.structs.replace(
        checkup,
        repair=tool,
        ready=checkup.ready and not lacks,
        commands=(*checkup.commands, *([tool.install] if lacks else [])),
    )
