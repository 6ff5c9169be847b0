"""Hands a project to the parts of this room, which take plain values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from matrix.archives.contents import Contents, collect
from matrix.archives.entry_targets import check_entry_targets
from matrix.archives.fields import CargoFields
from matrix.archives.layout import IncludeRule, Layout
from matrix.archives.metadata import CoreMetadata, render_metadata
from matrix.archives.products import Products
from matrix.archives.remembered import Memory
from matrix.archives.sbom import included_boms
from matrix.errors import ConfigError
from matrix.project import FileRow, Project

__all__ = ["bom_files", "check_python_side", "core_metadata", "layout_of", "readable", "wheel_contents"]


def check_python_side(
    project: Project,
    more_boms: Sequence[str] = (),
    products: Products | None = None,
    memory: Memory | None = None,
) -> tuple[CoreMetadata, Contents]:
    """Return the project's metadata and what goes into its wheels besides the binary, checked before anything compiles.

    Args:
        project: The project.
        more_boms: Files for ``.dist-info/sboms`` that flags name.
        products: What runs wrote into the project, which is never taken.
        memory: Knows what was rendered before.

    Raises:
        ConfigError: As for the two, or an entry point leads nowhere.
    """
    metadata = core_metadata(project, memory)
    contents = wheel_contents(project, metadata, more_boms=more_boms, products=products)
    table = project.table.get("project", {})
    warnings = check_entry_targets(table, layout_of(project), contents.entries, metadata.distribution)
    return metadata, msgspec.structs.replace(contents, warnings=(*contents.warnings, *warnings))


def core_metadata(project: Project, memory: Memory | None = None) -> CoreMetadata:
    """Return the project's core metadata, checked.

    Args:
        project: The project.
        memory: Knows what was rendered before.

    Raises:
        ConfigError: A field is malformed or a file is missing; names the key.
    """
    crate = project.crate
    cargo = CargoFields(
        directory=crate.directory,
        workspace_root=project.workspace_root,
        description=crate.description,
        authors=crate.authors,
        keywords=crate.keywords,
        license=crate.license,
        license_file=crate.license_file,
        readme=crate.readme,
        repository=crate.repository,
        homepage=crate.homepage,
        documentation=crate.documentation,
    )
    with readable():
        table = project.table.get("project")
        return render_metadata(project.name, project.version, table, cargo, project.root, project.fence, memory)


def wheel_contents(
    project: Project,
    metadata: CoreMetadata,
    out_dirs: Mapping[str, Path] | None = None,
    more_boms: Iterable[str] = (),
    products: Products | None = None,
) -> Contents:
    """Return what goes into the project's wheels besides the binary.

    Args:
        project: The project.
        metadata: Its metadata, which names the ``.data`` directory.
        out_dirs: ``OUT_DIR`` by crate, or ``None`` before anything is compiled.
        more_boms: ``--sbom-include``: files for ``.dist-info/sboms``.
        products: What runs wrote into the project, which is never taken.

    Raises:
        ConfigError: A pattern, the data directory or a link cannot be obeyed, or two files claim one path.
    """
    written = [*_named_boms(project), *(("--sbom-include", text) for text in more_boms)]
    with readable():
        contents = collect(layout_of(project, products), metadata.distribution, out_dirs)
        return msgspec.structs.replace(contents, boms=tuple(included_boms(project.root, written, metadata.dist_info)))


def bom_files(project: Project) -> tuple[Path, ...]:
    """Return the files that ``[tool.maturin.sbom] include`` names, for a source distribution.

    Raises:
        ConfigError: One is missing or lies outside the project, or two have one name.
    """
    for key, text in _named_boms(project):
        project.fence.named(text, project.root, key)
    return tuple(
        entry.source
        for entry in included_boms(project.root, _named_boms(project), "")
        if isinstance(entry.source, Path)
    )


def _named_boms(project: Project) -> Iterator[tuple[str, str]]:
    sbom = project.maturin.sbom
    for index, text in enumerate(sbom.include if sbom is not None else ()):
        yield f"pyproject.toml: [tool.maturin.sbom] include[{index}]", text


def layout_of(project: Project, products: Products | None = None) -> Layout:
    """Return where the project's Python side lies.

    Args:
        project: The project.
        products: What runs wrote into it, which is never taken.
    """
    module = project.module
    return Layout(
        root=project.root,
        module="" if project.bindings.kind == "bin" else module.name,
        directory=module.directory,
        folder=project.bindings.kind in {"cffi", "uniffi"},
        top=module.top,
        crate=project.crate.name,
        python_source=module.python_source,
        mixed=module.mixed,
        python_packages=module.python_packages,
        include=tuple(_rules(project)),
        exclude=tuple(row.path for row in project.maturin.files("exclude", "wheel")),
        data=module.data,
        prune=tuple(path for one in project.outputs for path in (one, one.resolve())),
        within=project.fence.directories,
        products=products,
    )


@contextmanager
def readable() -> Iterator[None]:
    """Name the file or directory that the system does not let us read."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror or error}") from error


def _rules(project: Project) -> Iterator[IncludeRule]:
    for index, one in enumerate(project.maturin.include):
        row = FileRow(path=one) if isinstance(one, str) else one
        if row.is_for("wheel"):
            yield IncludeRule(
                row.path,
                origin=row.source or "project",
                to=row.to or "",
                crate=row.crate_name,
                key=f"include[{index}]",
            )
