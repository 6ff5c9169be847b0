"""Manifests rewritten to fit a source distribution; what stays as it was keeps its words and its layout."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from matrix.errors import ConfigError
from matrix.project.toml import read_toml

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["crate_manifest", "project_manifest", "workspace_manifest"]

_OF_WORKSPACES = ("workspace", "profile", "patch", "replace", "cargo-features")
"""Tables of a workspace's root that hold for its members; the rest is about a package of its own."""
_TARGETS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}

Edit = Callable[[Any], None]


def crate_manifest(
    manifest: Path, files: Collection[str], renamed: Mapping[str, str], members: Collection[str] | None
) -> bytes:
    """Return the Cargo.toml of a packed crate.

    Args:
        manifest: The Cargo.toml.
        files: The packed files, relative to its directory: targets whose source is not among them go, as
            ``cargo package`` drops them.
        renamed: New values of ``[package]`` keys: files that are now beside the manifest.
        members: Directories of packed crates relative to this one, when it is the root of a workspace.

    Raises:
        ConfigError: The file cannot be read or edited.
    """
    table = read_toml(manifest)
    edits: list[Edit] = []
    if renamed:
        edits.append(lambda document: document["package"].update(renamed))
    for kind in _TARGETS:
        gone = [at for at, row in enumerate(table.get(kind, ())) if not _has_source(kind, row, files)]
        if gone:
            edits.append(_without(kind, gone))
    if members is not None and "workspace" in table:
        edits += _members(table["workspace"], members)
    return _edited(manifest, edits)


def workspace_manifest(manifest: Path, members: Collection[str]) -> bytes:
    """Return the Cargo.toml of a workspace whose own package, if it has one, is not packed.

    Args:
        manifest: The Cargo.toml.
        members: Directories of packed crates, relative to it.

    Raises:
        ConfigError: The file cannot be read or edited.
    """
    table = read_toml(manifest)
    edits = _members(table.get("workspace", {}), members)
    other = [key for key in table if key not in _OF_WORKSPACES]

    def drop(document: Any) -> None:
        for key in other:
            del document[key]

    return _edited(manifest, [*edits, drop] if "package" in table else edits)


def project_manifest(pyproject: Path, maturin: Mapping[str, str], project: Mapping[str, str]) -> bytes:
    """Return the pyproject.toml of a source distribution.

    Args:
        pyproject: The pyproject.toml.
        maturin: New values of ``[tool.maturin]`` keys: paths that changed.
        project: New paths of ``readme`` and ``license`` in ``[project]``.

    Raises:
        ConfigError: The file cannot be read or edited.
    """

    def settle(document: Any) -> None:
        import tomlkit  # noqa: PLC0415 - slow to import

        tool = document.setdefault("tool", tomlkit.table(is_super_table=True))
        tool.setdefault("maturin", tomlkit.table()).update(maturin)

    def point(document: Any) -> None:
        for key, path in project.items():
            if isinstance(document["project"][key], str):
                document["project"][key] = path
            else:
                document["project"][key]["file"] = path

    return _edited(pyproject, [*([settle] if maturin else []), *([point] if project else [])])


def _members(workspace: Mapping[str, Any], packed: Collection[str]) -> list[Edit]:
    """Return the edits that leave only packed crates as members; a pattern stays while it finds one."""
    edits: list[Edit] = []
    listed = workspace.get("members")
    if isinstance(listed, list):
        kept = [
            one for one in listed if any(fnmatch.fnmatchcase(name, PurePosixPath(one).as_posix()) for name in packed)
        ]
        if kept != listed:
            edits.append(lambda document: _set_members(document["workspace"], kept))
    if "default-members" in workspace:
        edits.append(lambda document: document["workspace"].pop("default-members"))
    return edits


def _set_members(workspace: Any, kept: list[str]) -> None:
    if kept:
        workspace["members"] = kept
    else:
        del workspace["members"]


def _has_source(kind: str, row: Any, files: Collection[str]) -> bool:
    """Return whether the source of a target is packed: where ``path`` says, or where cargo looks for its name."""
    if not isinstance(row, dict):
        return True
    if isinstance(row.get("path"), str):
        return PurePosixPath(row["path"]).as_posix() in files
    name, folder = row.get("name"), _TARGETS[kind]
    places = [f"{folder}/{name}.rs", f"{folder}/{name}/main.rs", *(["src/main.rs"] if kind == "bin" else [])]
    return any(place in files for place in places)


def _without(kind: str, gone: list[int]) -> Edit:
    def edit(document: Any) -> None:
        for at in reversed(gone):
            del document[kind][at]
        if not document[kind]:
            del document[kind]

    return edit


def _edited(path: Path, edits: list[Edit]) -> bytes:
    text = path.read_bytes()
    if not edits:
        return text
    document = _parsed(path, text)
    for edit in edits:
        edit(document)
    return document.as_string().encode()


def _parsed(path: Path, text: bytes) -> TOMLDocument:
    import tomlkit  # noqa: PLC0415 - slow to import
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"{path}: cannot be rewritten for a source distribution: {error}") from error
