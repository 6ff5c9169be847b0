"""The files of one crate in a source distribution, its manifest rewritten to fit, and the roots of workspaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from matrix.archives import Entry, file_entry
from matrix.errors import ConfigError
from matrix.project import Project
from matrix.project.fence import Fence
from matrix.sources.manifests import crate_manifest, workspace_manifest
from matrix.sources.packages import LocalCrate, listed_files
from matrix.sources.place import COMPILED, Shelf

__all__ = ["crate_entries", "workspace_entries"]

_GENERATED = frozenset({"Cargo.toml", "Cargo.toml.orig", "Cargo.lock", ".cargo_vcs_info.json"})
"""What cargo lists and we write ourselves, or not at all."""


async def crate_entries(
    crate: LocalCrate,
    crates: Sequence[LocalCrate],
    project: Project,
    shelf: Shelf,
    fence: Fence,
    skipped: Callable[[Path], bool],
) -> list[Entry]:
    """Return the entries of one crate.

    Args:
        crate: The crate.
        crates: All that are packed.
        project: The project.
        shelf: Where files go.
        fence: What links may not leave.
        skipped: Says which listed files are not taken from here.

    Raises:
        ConfigError: A file that the manifest names is missing, or a link leads out of the project.
        ToolError: cargo is missing or does not work.
    """
    listed = [name for name in await listed_files(crate, project.flags, project.root) if name not in _GENERATED]
    assets, renamed = _assets(crate, fence)
    entries = {shelf.crate_file(crate.directory / name): path for name, path in assets.items()}
    packed = {*assets}
    for name in listed:
        path = crate.directory / name
        if name.endswith(COMPILED) or skipped(path):
            continue
        if not path.is_symlink() and not path.is_file():  # a readme from elsewhere, listed by the name it would get
            continue
        fence.check(path)
        if path.is_file():
            packed.add(name)
            entries.setdefault(shelf.crate_file(path), path)
    members = _members(crates, crate.directory) if crate.workspace == crate.directory else None
    manifest = crate_manifest(fence.check(crate.manifest), packed, renamed, members)
    return [
        Entry(shelf.crate_file(crate.manifest), manifest),
        *(file_entry(place, path) for place, path in entries.items()),
    ]


def workspace_entries(crates: Sequence[LocalCrate], shelf: Shelf) -> Iterator[Entry]:
    """Yield the manifests of workspaces whose root is no packed crate, with the packed members alone.

    Raises:
        ConfigError: A manifest cannot be rewritten.
    """
    packed = {crate.directory for crate in crates}
    for workspace in dict.fromkeys(crate.workspace for crate in crates):
        if workspace not in packed:
            manifest = workspace / "Cargo.toml"
            yield Entry(shelf.crate_file(manifest), workspace_manifest(manifest, _members(crates, workspace)))


def _members(crates: Sequence[LocalCrate], workspace: Path) -> list[str]:
    """Return the directories of the packed members of a workspace, relative to it."""
    return [
        crate.directory.relative_to(workspace).as_posix()
        for crate in crates
        if crate.workspace == workspace and crate.directory.is_relative_to(workspace)
    ]


def _assets(crate: LocalCrate, fence: Fence) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the readme and the licence of a crate by their names in it, and what the manifest must now say."""
    files: dict[str, Path] = {}
    renamed: dict[str, str] = {}
    for key, written in (("readme", crate.readme), ("license-file", crate.license_file)):
        if written is None:
            continue
        where = f"{crate.manifest}: [package] {key}"
        path = fence.named(written, crate.directory, where)
        if not path.is_file():
            raise ConfigError(f"{where}: there is no file {written!r}")
        inside = path.is_relative_to(crate.directory)
        place = path.relative_to(crate.directory).as_posix() if inside else path.name
        files[place] = path
        if place != PurePosixPath(written).as_posix():
            renamed[key] = place
    return files, renamed
