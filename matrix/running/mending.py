"""Repairs the wheels of a run: where libraries of a build are looked for, and what a wheel holds afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.archives import CoreMetadata, Entry
from matrix.auditing import Analysis, Judgement
from matrix.model import Cell
from matrix.repairing import Places, Repair, Search, Wanted, carry_out, plan_repair
from matrix.repairing.places import given_directories, linked_directories, loader_directories, sysroot_directories
from matrix.repairing.sbom import sbom_entry
from matrix.running.ingredients import Repairs
from matrix.running.joining import Made

__all__ = ["mended", "who_links", "with_repair"]

_LINK_NAME = re.compile(r"^lib(.+?)\.so\b.*$")
_ELSEWHERE = "it was built in a container: only libraries that its own ldd finds there are known"


def mended(
    repairs: Repairs, made: Made, cell: Cell, analysis: Analysis, distribution: str, platforms: Sequence[str]
) -> Repair | Judgement | None:
    """Return how the wheel of a cell is made whole, why it cannot be, or ``None`` when there is nothing to repair.

    A wheel that claims no level is left as it is.

    Args:
        repairs: What repairs need.
        made: What the wheel is made from.
        cell: The wheel wanted.
        analysis: The audit of what goes into it.
        distribution: ``name-version`` as in file names.
        platforms: Its platform tags, elsewhere than on Linux.

    Raises:
        OSError: A library cannot be read.
    """
    if cell.compatibility.family == "linux" or not analysis.verdict.external:
        return None
    places = _places(repairs, made, analysis)
    name = distribution.rpartition("-")[0]
    match made.build.target.os:
        case "linux":
            search = Search(analysis.arch, analysis.libc, places)
            return plan_repair(analysis, Wanted(level=cell.compatibility, name=name), search.find)
        case "windows":
            from matrix.repairing.windows import DllSearch, plan_windows  # noqa: PLC0415 - few runs need it

            return plan_windows(analysis, platforms, DllSearch(places))
        case "macos":
            from matrix.repairing.macos import DylibSearch, plan_macos  # noqa: PLC0415 - likewise

            return plan_macos(analysis, platforms, name, DylibSearch(places))
        case _:
            return None


def with_repair(
    repairs: Repairs, repair: Repair, entries: Iterable[Entry], into: Path, metadata: CoreMetadata, file: str
) -> list[Entry]:
    """Carry a repair out and return the members that the wheel then has.

    Args:
        repairs: What repairs need.
        repair: What to do.
        entries: What goes into the wheel without it.
        into: A directory for the copies.
        metadata: The project's.
        file: Name of the wheel.

    Raises:
        WheelmatrixError: A tool is missing, fails, or damages a file.
        OSError: A file cannot be read or written.
    """
    given = list(entries)
    sources = {entry.path: entry.source for entry in given if isinstance(entry.source, Path)}
    changed = carry_out(repair, sources, into, repairs.patchelf())
    own = [changed.pop(entry.path, entry) for entry in given]
    sbom = [sbom_entry(metadata.dist_info, file, repair.grafts)] if repairs.sbom and repair.grafts else []
    return [*own, *changed.values(), *sbom]


def who_links(made: Made, libraries: Iterable[str]) -> str:
    """Return lines that name the crates which brought libraries in, as far as their build scripts told cargo.

    Args:
        made: What was made.
        libraries: SONAMEs of libraries that the level does not allow.
    """
    linked_by = {name: crate for one in made.outcome.artifacts for name, crate in one.linked_by.items()}
    found = ((library, linked_by.get(_LINK_NAME.sub(r"\1", library))) for library in libraries)
    return "\n".join(f"{library} is linked by the crate {crate}" for library, crate in found if crate is not None)


def _places(repairs: Repairs, made: Made, analysis: Analysis) -> Places:
    """Return where libraries of a build are looked for: of the host's own target alone on the host."""
    target = made.build.target
    outcomes = [outcome for _, outcome in made.slices] or [made.outcome]
    artifacts = [one for outcome in outcomes for one in outcome.artifacts]
    linked = linked_directories(path for one in artifacts for path in one.linked_paths)
    if made.build.id in repairs.elsewhere:
        linked = tuple(path for path in linked if any(path.is_relative_to(own) for own in repairs.own))
        return Places(linked=linked, why_no_system=_ELSEWHERE)
    if (target.os, target.arch, target.libc) == (repairs.host.os, repairs.host.arch, repairs.host.libc):
        system = (
            loader_directories(analysis.libc, analysis.arch)
            if target.os == "linux"
            else given_directories(repairs.path)
        )
        return Places(given=given_directories(repairs.given), linked=linked, system=system)
    return Places(
        given=given_directories(repairs.given),
        linked=linked,
        system=sysroot_directories(linked, analysis.libc, analysis.arch),
        why_no_system=f"libraries of this machine are not {target.triple}'s",
    )
