"""The list of crates of every build, made from cargo's resolved graph for its features and platforms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import anyio
import msgspec

from matrix.archives.sbom import locked_checksums, rust_bom
from matrix.errors import ConfigError
from matrix.model import Build, Plan, Settings, Target
from matrix.platforms import UNIVERSAL2
from matrix.project import Project
from matrix.project.cargo import read_metadata
from matrix.project.crate import Crate, pick_crate

__all__ = ["bills_of"]

_Choice = tuple[tuple[str, ...], bool, bool]


async def bills_of(project: Project, plan: Plan) -> dict[tuple[str, str], bytes]:
    """Return the CycloneDX document of each build's crates, by the build's id and the wheel's target.

    cargo is asked again only for features that the project was not read with. Nothing is returned where
    ``[tool.maturin.sbom] rust`` is false.
    """
    if project.maturin.sbom is not None and project.maturin.sbom.rust is False:
        return {}
    flags = project.flags
    usual: _Choice = (tuple(sorted(flags.features)), flags.all_features, flags.no_default_features)
    graphs: dict[_Choice, Crate] = {usual: project.crate}
    async with anyio.create_task_group() as group:
        for choice in {_choice(build.settings) for build in plan.builds} - graphs.keys():
            group.start_soon(_resolve, project, choice, graphs)
    checksums = locked_checksums(project.workspace_root / "Cargo.lock")
    made: dict[tuple[str, tuple[str, ...], _Choice], bytes] = {}
    found = {}
    for build, target, parts in _wheels(plan):
        choice = _choice(build.settings)
        key = (target.triple, tuple(part.triple for part in parts), choice)
        if key not in made:
            made[key] = rust_bom(graphs.get(choice, project.crate), parts, checksums)
        found[build.id, target.triple] = made[key]
    return found


def _wheels(plan: Plan) -> list[tuple[Build, Target, Sequence[Target]]]:
    """Return each build that names a wheel, the wheel's target, and the platforms in it (two for universal2)."""
    builds: Mapping[str, Build] = {build.id: build for build in plan.builds}
    found: list[tuple[Build, Target, Sequence[Target]]] = []
    for cell in plan.cells:
        if cell.build in builds:
            several = [builds[name].target for name in (cell.build, *cell.joined) if name in builds]
            parts = several if cell.target.triple == UNIVERSAL2 else [cell.target]
            found.append((builds[cell.build], cell.target, parts))
    return found


def _choice(settings: Settings) -> _Choice:
    return (tuple(sorted(settings.features)), settings.all_features, settings.no_default_features)


async def _resolve(project: Project, choice: _Choice, graphs: dict[_Choice, Crate]) -> None:
    """Ask cargo for the graph with other features; where it refuses, the build will say why."""
    names, every, no_default = choice
    flags = msgspec.structs.replace(project.flags, features=names, all_features=every, no_default_features=no_default)
    with suppress(ConfigError):
        graphs[choice] = pick_crate(await read_metadata(project.manifest, flags, project.root), project.manifest)
