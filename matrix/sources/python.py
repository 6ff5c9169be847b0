"""The Python side of a source distribution: packages, and the files that pyproject.toml names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from matrix.archives import CoreMetadata, Entry, file_entry
from matrix.archives.gather import bom_files
from matrix.archives.globs import glob_files, split_pattern
from matrix.archives.walking import Ignores, Walk
from matrix.errors import ConfigError
from matrix.project import Project
from matrix.project.fence import Fence
from matrix.sources.manifests import project_manifest
from matrix.sources.place import COMPILED, Shelf

__all__ = ["NamedFile", "license_entries", "named_files", "project_files", "python_tops"]

_TABLE = "pyproject.toml: [tool.maturin]"


class NamedFile(msgspec.Struct, frozen=True):
    """A file that ``[project]`` names.

    Attributes:
        key: ``readme`` or ``license``.
        written: The path as written.
        entry: Where it goes.
    """

    key: str
    written: str
    entry: Entry

    @property
    def moved(self) -> bool:
        """Whether pyproject.toml must name it anew: what it names must be the copy in the archive."""
        return _moved(self.written, self.entry.path)


def named_files(project: Project, metadata: CoreMetadata, shelf: Shelf, fence: Fence) -> list[NamedFile]:
    """Return the readme and the licence that ``[project]`` names; metadata has checked that they are there.

    Raises:
        ConfigError: One lies outside the project.
    """
    table = project.table.get("project", {})
    found = []
    for key in ("readme", "license"):
        value = table.get(key)
        written = value.get("file") if isinstance(value, dict) else value if key == "readme" else None
        if isinstance(written, str):
            path = fence.named(written, project.root, f"pyproject.toml: [project] {key}")
            listed = dict(metadata.license_files) if key == "license" else {}
            found.append(NamedFile(key, written, file_entry(listed.get(path) or _place(path, shelf), path)))
    return found


def _place(path: Path, shelf: Shelf) -> str:
    """Return where a file goes that may lie above everything else that is packed, where nothing else is."""
    if path.is_relative_to(shelf.base):
        return shelf.project_file(path)
    taken = (shelf.root / path.name).exists()
    return f"from-above/{path.name}" if taken else path.name


def _moved(written: str, place: str) -> bool:
    return PurePosixPath(written).as_posix() != place


def license_entries(metadata: CoreMetadata) -> Iterator[Entry]:
    """Yield each licence file at the path that ``License-File`` gives (PEP 639)."""
    for path, name in metadata.license_files:
        yield file_entry(name, path)


def python_tops(project: Project) -> list[Path]:
    """Return the packages and modules of the project, absolute."""
    module = project.module
    tops = [module.python_source / module.top] if module.mixed else []
    for index, name in enumerate(module.python_packages):
        try:
            tops.append(module.python_source.joinpath(*split_pattern(name)))
        except ValueError as error:
            raise ConfigError(f"{_TABLE} python-packages[{index}]: {name!r} {error}") from None
    return [path for path in dict.fromkeys(tops) if path.exists()]


def project_files(
    project: Project, metadata: CoreMetadata, shelf: Shelf, fence: Fence, *, included_only: bool = False
) -> Iterator[Entry]:
    """Yield pyproject.toml and what it names: packages, data, stubs, readme, licence, and ``include``.

    Args:
        project: The project.
        metadata: Its metadata, which gives licence files their places.
        shelf: Where files go.
        fence: What links may not leave.
        included_only: Whether only ``include`` counts, because git lists the rest.

    Raises:
        ConfigError: A pattern is malformed, or a link leads out of the project.
    """
    yield from _included(project, shelf, fence)
    yield from (shelf.entry(fence.check(path)) for path in bom_files(project) if path.is_relative_to(project.root))
    if included_only:
        return
    named = named_files(project, metadata, shelf, fence)
    yield _pyproject(project, shelf, fence, {one.key: one.entry.path for one in named if one.moved})
    yield from (one.entry for one in named)
    module, root = project.module, project.root
    inside = module.python_source.is_relative_to(root)
    walk = Walk(fence.directories, Ignores(root if inside else module.python_source))
    paths = [path for top in python_tops(project) for path in walk.files(top)]
    data = Walk(fence.directories)
    if module.data is not None:
        paths += data.files(module.data)
    stub = root / f"{module.name}.pyi"
    if not module.mixed and stub.is_file():
        paths.append(stub)
    if said := [*walk.warnings, *data.warnings]:
        raise ConfigError(said[0], hint="remove the link, or replace it by what it means")
    yield from (shelf.entry(fence.check(path)) for path in paths if not path.name.endswith(COMPILED))


def _pyproject(project: Project, shelf: Shelf, fence: Fence, moved: Mapping[str, str]) -> Entry:
    path = fence.check(shelf.root / "pyproject.toml")
    written = project.maturin
    maturin: dict[str, str] = {}
    if shelf.root != shelf.base:
        maturin["manifest-path"] = shelf.crate_file(project.manifest)
    source = project.module.python_source
    place = shelf.project_file(source)
    if _moved(written.python_source, place) if written.python_source is not None else maturin and place != ".":
        maturin["python-source"] = place
    if written.data is not None and project.module.data is not None:
        place = shelf.project_file(project.module.data)
        maturin |= {"data": place} if _moved(written.data, place) else {}
    if not maturin and not moved:
        return Entry("pyproject.toml", path)
    return Entry("pyproject.toml", project_manifest(path, maturin, moved))


def _included(project: Project, shelf: Shelf, fence: Fence) -> Iterator[Entry]:
    pruned = {path for one in project.outputs for path in (one, one.resolve())}

    def prune(directory: Path) -> bool:
        return directory in pruned or directory.name == ".git"

    for row in project.maturin.files("include", "sdist"):
        try:
            found = glob_files(project.root, row.path, prune)
            if project.module.python_source != project.root:
                found += glob_files(project.module.python_source, row.path, prune)
        except ValueError as error:
            raise ConfigError(f"{_TABLE} include: {row.path!r} {error}") from None
        yield from (shelf.entry(fence.check(path)) for path in found)
