"""What goes into a wheel from what a build made: a module beside its package, programs as scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from matrix.archives import (
    Entry,
    Layout,
    cffi_init,
    extension_path,
    extension_suffix,
    library_folder,
    library_name,
    uniffi_init,
)
from matrix.model import Artifact, Build, Outcome

__all__ = ["product_entries"]


def product_entries(
    layout: Layout, distribution: str, build: Build, outcome: Outcome, replaced: Mapping[str, Path]
) -> list[Entry]:
    """Return the members of a wheel that are made from a build's artifacts.

    Args:
        layout: Where the Python side lies.
        distribution: ``name-version`` as in file names; names the ``.data`` directory.
        build: The build.
        outcome: What it made.
        replaced: Files that stand for an artifact, by its path.
    """
    stubs = sum(one.kind == "stub" for one in outcome.artifacts)
    made = [
        Entry(
            _member(layout, distribution, build, one, alone=stubs == 1),
            replaced.get(one.path, Path(one.path)),
            executable=one.kind in {"cdylib", "bin"},
        )
        for one in outcome.artifacts
    ]
    if stubs and not layout.mixed:
        made.append(Entry(f"{layout.directory}/py.typed", b""))
    if build.bindings == "cffi":
        init = cffi_init(library_name(layout.module, build.target))
        made.append(Entry(f"{library_folder(layout)}/__init__.py", init))
    elif build.bindings == "uniffi":
        names = [Path(one.crate).stem for one in outcome.artifacts if one.kind == "generated"]
        made.append(Entry(f"{library_folder(layout)}/__init__.py", uniffi_init(names)))
    return made


def _stub(layout: Layout, artifact: Artifact, *, alone: bool) -> str:
    """Return where a stub goes, as in maturin's wheels: beside the module, or in a folder of its name for several.

    A project without Python code has a package around the module already, whose stub it is.
    """
    if not layout.mixed:
        return f"{layout.directory}/{artifact.crate}"
    place = f"{layout.directory}/{layout.module}"
    return f"{place}.pyi" if alone else f"{place}/{artifact.crate}"


def _member(layout: Layout, distribution: str, build: Build, artifact: Artifact, *, alone: bool) -> str:
    if artifact.kind == "stub":
        return _stub(layout, artifact, alone=alone)
    if artifact.kind == "companion":
        folder = layout.directory if layout.module else f"{distribution}.data/scripts"
        folder = library_folder(layout) if layout.folder else folder
        own = _module(layout, build) if layout.module and build.bindings != "uniffi" else ""
        return f"{folder}/{_companion(artifact.crate, own)}"
    if artifact.kind == "bin":  # installers put them on PATH (PEP 427)
        suffix = ".exe" if build.target.os == "windows" else ""
        return f"{distribution}.data/scripts/{artifact.crate}{suffix}"
    if layout.folder:
        if artifact.kind == "generated":
            return f"{library_folder(layout)}/{artifact.crate}"
        if build.bindings == "uniffi":  # the generated Python opens it by the name that cargo gave it
            return f"{library_folder(layout)}/{Path(artifact.path).name}"
    return _module(layout, build)


def _module(layout: Layout, build: Build) -> str:
    """Return where the module lies, or the library that Python code opens by the module's name."""
    if layout.folder:
        return f"{library_folder(layout)}/{library_name(layout.module, build.target)}"
    own = build.interpreter.ext_suffix if build.interpreter is not None else ".so"
    return extension_path(layout, extension_suffix(build.target, build.stable_abi, own))


def _companion(name: str, module: str) -> str:
    """Return the name of what lies beside a module: debuggers look for debug info under the module's own file name.

    That is ``FILE.dwp`` for gdb and lldb (gdb's ``open_and_init_dwp_file``); what Windows names in the binary keeps
    its name.
    """
    return f"{PurePosixPath(module).name}.dwp" if module and name.endswith(".dwp") else name
