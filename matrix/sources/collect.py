"""Collects what goes into a source distribution: crates, the Python side, and what makes a build of them possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from matrix.archives import CoreMetadata, Entry, merge_entries
from matrix.archives.contents import excluder
from matrix.archives.gather import readable
from matrix.archives.products import Products
from matrix.errors import UsageError
from matrix.project import Project
from matrix.project.fence import Fence
from matrix.sources.crates import crate_entries, workspace_entries
from matrix.sources.links import check_repository
from matrix.sources.packages import LocalCrate, local_crates
from matrix.sources.place import Shelf, common_directory
from matrix.sources.python import license_entries, named_files, project_files, python_tops
from matrix.sources.tracked import tracked_files

__all__ = ["Sources", "collect_sources", "without_originals"]


class Sources(msgspec.Struct, frozen=True):
    """What goes into a source distribution.

    Attributes:
        entries: Sorted by their path below the top folder, each path once.
        warnings: What the user should know.
    """

    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()


async def collect_sources(project: Project, metadata: CoreMetadata, products: Products) -> Sources:
    """Return the files of a source distribution: those cargo would package of every crate on disk, and the Python side.

    Nothing is written. A pyproject.toml below other files moves to the top, and its paths are rewritten to fit.

    Args:
        project: The project.
        metadata: Its metadata.
        products: What runs wrote into it, which is never taken.

    Raises:
        UsageError: The project has no ``[build-system]``.
        ConfigError: A file is missing, a link leads out of the project, or a manifest cannot be rewritten.
        ToolError: cargo or git is missing or does not work.
    """
    _check_build_system(project)
    warnings: list[str] = []
    with readable():
        if project.maturin.sdist_generator == "git":
            entries = await _from_git(project, metadata)
        else:
            entries, warnings = await _from_cargo(project, metadata)
    excluded = excluder([row.path for row in project.maturin.files("exclude", "sdist")], project.root)
    # a PKG-INFO on disk is left over from a source distribution that was unpacked here
    entries = [entry for entry in entries if entry.path != "PKG-INFO" and not _made(entry, products)]
    kept = [entry for entry in entries if entry.path == "pyproject.toml" or not excluded(entry)]
    return Sources(merge_entries([*kept, Entry("PKG-INFO", metadata.text.encode())]), tuple(warnings))


def _made(entry: Entry, products: Products) -> bool:
    return isinstance(entry.source, Path) and products.hold(entry.source)


def _check_build_system(project: Project) -> None:
    hint = '[build-system] with requires = ["wheelmatrix"] and build-backend = "matrix.backend"'
    if project.pyproject is None:
        raise UsageError(
            f"{project.root}: a source distribution needs a pyproject.toml", hint=f"write one, with {hint}"
        )
    if not isinstance(project.table.get("build-system"), dict):
        raise UsageError(
            f"{project.pyproject}: a source distribution needs a [build-system] table (PEP 517)",
            hint=f"add {hint}",
        )


async def _from_git(project: Project, metadata: CoreMetadata) -> list[Entry]:
    shelf = Shelf(project.root, project.root)
    fence = Fence([project.root])
    entries = [shelf.entry(fence.check(path)) for path in await tracked_files(project.root)]
    for one in named_files(project, metadata, shelf, fence):
        if one.moved:
            raise UsageError(
                f"pyproject.toml: [project] {one.key}: {one.written!r} is outside of what git lists here",
                hint='copy the file beside pyproject.toml, or drop sdist-generator = "git"',
            )
        entries.append(one.entry)
    return [*entries, *license_entries(metadata), *project_files(project, metadata, shelf, fence, included_only=True)]


async def _from_cargo(project: Project, metadata: CoreMetadata) -> tuple[list[Entry], list[str]]:
    crates = await local_crates(project.manifest, project.flags, project.root)
    check_repository(project.root, [crate.manifest for crate in crates])
    workspaces = dict.fromkeys(crate.workspace for crate in crates)
    tops = python_tops(project)
    places = [project.root, *workspaces, *(crate.directory for crate in crates)]
    fence = Fence(places)
    data = [project.module.data] if project.module.data is not None else []
    shelf = Shelf(common_directory([*places, *tops, *data]), project.root)
    entries: list[Entry] = []
    for crate in crates:
        skipped = _skipper(project, crate, shelf, tops)
        entries += await crate_entries(crate, crates, project, shelf, fence, skipped)
    entries += workspace_entries(crates, shelf)
    warnings = []
    lock = next((one for one in (crates[0].directory, crates[0].workspace) if (one / "Cargo.lock").is_file()), None)
    if lock is not None:
        path = fence.check(lock / "Cargo.lock")
        entries.append(Entry(shelf.crate_file(path), path))
    else:
        warnings.append("there is no Cargo.lock: builds of the source distribution take the newest crates there are")
    entries += project_files(project, metadata, shelf, fence)
    entries += license_entries(metadata)
    manifests = {crate.manifest for crate in crates} | {one / "Cargo.toml" for one in workspaces}
    places_of: dict[Path | None, str] = {manifest: shelf.crate_file(manifest) for manifest in manifests}
    return without_originals(entries, places_of | {project.pyproject: "pyproject.toml"}), warnings


def without_originals(entries: Iterable[Entry], places: Mapping[Path | None, str]) -> list[Entry]:
    """Leave out manifests as on disk, which ``include`` may name, but for those packed unchanged in their place.

    Args:
        entries: With the rewritten manifests, whose bytes are at hand.
        places: Where in the archive each manifest goes.
    """
    found = list(entries)
    rewritten = {entry.path for entry in found if isinstance(entry.source, bytes)}

    def original(entry: Entry) -> bool:
        place = places.get(entry.source) if isinstance(entry.source, Path) else None
        return place is not None and (place in rewritten or entry.path != place)

    return [entry for entry in found if not original(entry)]


def _skipper(project: Project, crate: LocalCrate, shelf: Shelf, tops: list[Path]) -> Callable[[Path], bool]:
    """Return what says whether a listed file is put somewhere else, or would take the place of one that is."""
    moved = tops if crate.manifest == project.manifest and crate.directory != shelf.base else []

    def skipped(path: Path) -> bool:
        top = path == shelf.base / "pyproject.toml"
        return path == project.pyproject or top or any(path.is_relative_to(one) for one in moved)

    return skipped
