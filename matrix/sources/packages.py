"""The crates that a source distribution holds: the project's own and what it needs from this machine's disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from matrix.errors import ConfigError, ToolError
from matrix.project.cargo import CargoFlags, ask_cargo, ask_everywhere
from matrix.project.toml import read_toml

__all__ = ["LocalCrate", "listed_files", "local_crates"]


class _Need(msgspec.Struct, frozen=True):
    name: str
    kind: str | None = None
    path: str | None = None


class _Package(msgspec.Struct, frozen=True):
    name: str
    id: str
    manifest_path: str
    source: str | None = None
    readme: str | None = None
    license_file: str | None = None
    dependencies: tuple[_Need, ...] = ()


class _Edge(msgspec.Struct, frozen=True):
    pkg: str


class _Node(msgspec.Struct, frozen=True):
    id: str
    deps: tuple[_Edge, ...] = ()


class _Graph(msgspec.Struct, frozen=True):
    nodes: tuple[_Node, ...] = ()
    root: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    packages: tuple[_Package, ...]
    workspace_members: tuple[str, ...]
    workspace_root: str
    resolve: _Graph | None = None


class LocalCrate(msgspec.Struct, frozen=True):
    """A crate on this machine's disk.

    Attributes:
        name: Cargo package name.
        directory: Where its Cargo.toml is, absolute.
        workspace: Root of its cargo workspace, absolute.
        readme: As cargo says it, relative to ``directory``, or ``None``.
        license_file: Likewise.
    """

    name: str
    directory: Path
    workspace: Path
    readme: str | None = None
    license_file: str | None = None

    @property
    def manifest(self) -> Path:
        """Its Cargo.toml."""
        return self.directory / "Cargo.toml"


class _Asked(msgspec.Struct):
    """Asks cargo about crates, once for each.

    Attributes:
        flags: Flags that every call of cargo gets.
        root: The project's root; cargo runs there.
    """

    flags: CargoFlags
    root: Path
    _known: dict[Path, tuple[_Package, _Answer]] = msgspec.field(default_factory=dict)
    _edges: dict[str, list[str]] = msgspec.field(default_factory=dict)
    _by_id: dict[str, _Package] = msgspec.field(default_factory=dict)

    async def resolve(self, manifest: Path) -> None:
        """Read the dependency graph of the project's own crate."""
        arguments = ("metadata", "--format-version=1", "--manifest-path", str(manifest))
        said = await ask_everywhere(
            (*arguments, *self.flags.selection(), *self.flags.general()),
            manifest,
            self.root,
            narrow="--filter-platform",
        )
        answer = self._learn(said)
        graph = answer.resolve or _Graph()
        self._edges = {node.id: [edge.pkg for edge in node.deps] for node in graph.nodes}
        self._by_id = {package.id: package for package in answer.packages}

    async def crate(self, manifest: Path) -> tuple[_Package, _Answer]:
        """Return what cargo says of one crate and its workspace."""
        path = _plain(manifest)
        if path not in self._known:
            _check_there(path)
            arguments = ("metadata", "--format-version=1", "--no-deps", "--manifest-path", str(path))
            self._learn(await ask_cargo((*arguments, *self.flags.general()), path, self.root))
        if path not in self._known:
            raise ConfigError(f"{path}: cargo does not know this crate")
        return self._known[path]

    def needed(self, package: _Package, answer: _Answer) -> list[Path]:
        """Return the manifests of the crates on disk that cargo loads for a crate, whether they are on or off."""
        member = package.id in answer.workspace_members
        found = [
            Path(one.path) / "Cargo.toml" for one in package.dependencies if one.path and (member or one.kind != "dev")
        ]
        # what a [patch] puts in place of a registry's crate is declared nowhere else
        graph = [self._by_id[name] for name in self._edges.get(package.id, ())]
        return [*found, *(Path(one.manifest_path) for one in graph if one.source is None)]

    def _learn(self, said: str) -> _Answer:
        try:
            answer = msgspec.json.decode(said, type=_Answer)
        except msgspec.DecodeError as error:
            raise ToolError(f"cargo metadata gave an answer that could not be read: {error}") from error
        for package in answer.packages:
            if package.id in answer.workspace_members:
                self._known.setdefault(Path(package.manifest_path), (package, answer))
        return answer


async def local_crates(manifest: Path, flags: CargoFlags, root: Path) -> tuple[LocalCrate, ...]:
    """Return the crate of ``manifest`` and every crate on disk that cargo loads for it, the own one first.

    Those are path dependencies of every kind, optional ones that are off too, and what ``[patch]`` names.

    Args:
        manifest: The Cargo.toml of the project's crate.
        flags: Flags that every call of cargo gets.
        root: The project's root.

    Raises:
        ToolError: cargo is missing or does not work.
        ConfigError: cargo refuses, or a path dependency is not there.
    """
    asked = _Asked(flags, root)
    await asked.resolve(manifest)
    found: dict[Path, LocalCrate] = {}
    pending = [manifest]
    patched: set[Path] = set()
    while pending:
        path = _plain(pending.pop(0))
        if path in found:
            continue
        package, answer = await asked.crate(path)
        home = Path(answer.workspace_root)
        found[path] = LocalCrate(package.name, path.parent, home, package.readme, package.license_file)
        pending += asked.needed(package, answer)
        if home not in patched and home == found[manifest].workspace:
            patched.add(home)
            pending += _patches(home)
    return tuple(found.values())


def _patches(workspace: Path) -> list[Path]:
    """Return the manifests that ``[patch]`` and ``[replace]`` of a workspace name: cargo loads unused ones too."""
    table: dict[str, Any] = read_toml(workspace / "Cargo.toml")
    tables = [*table.get("patch", {}).values(), table.get("replace", {})]
    rows = [row for one in tables if isinstance(one, dict) for row in one.values()]
    return [workspace / row["path"] / "Cargo.toml" for row in rows if isinstance(row, dict) and "path" in row]


def _plain(path: Path) -> Path:
    return Path(os.path.normpath(path))


def _check_there(manifest: Path) -> None:
    if not manifest.is_file():
        raise ConfigError(f"{manifest}: there is no such file, though a path dependency or [patch] names it")


async def listed_files(crate: LocalCrate, flags: CargoFlags, root: Path) -> tuple[str, ...]:
    """Return the files that cargo would package of a crate, relative to its directory.

    Raises:
        ToolError: cargo is missing or does not work.
        ConfigError: cargo refuses; has cargo's words.
    """
    arguments = ("package", "--list", "--allow-dirty", "--manifest-path", str(crate.manifest), *flags.general())
    return tuple(line for line in (await ask_cargo(arguments, crate.manifest, root)).splitlines() if line)
