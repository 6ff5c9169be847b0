"""The one crate of the dependency graph that becomes the wheel."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrix.errors import ConfigError, UsageError, did_you_mean
from matrix.files import as_written
from matrix.model import Target
from matrix.project.cargo import (
    CargoMetadata,
    CargoPackage,
    Dependency,
    DepKind,
    PackageTarget,
    ResolvedDep,
    ResolvedNode,
)
from matrix.project.platform_cfg import applies

__all__ = ["Crate", "check_features", "crate_packages", "crate_warnings", "pick_crate", "reachable"]

_APART = {"example", "test", "bench", "custom-build"}
_LIBRARY_TYPES = {"lib", "rlib", "dylib", "staticlib"}
LEGACY = "package.metadata.maturin"
# Keys that maturin 0.14 moved to [project], and refuses since.
MOVED = {
    "classifier": "classifiers",
    "classifiers": "classifiers",
    "data": "data (of [tool.maturin])",
    "description-content-type": "readme",
    "maintainer": "maintainers",
    "maintainer-email": "maintainers",
    "project-url": "urls",
    "provides-extra": "optional-dependencies",
    "requires-dist": "dependencies",
    "requires-external": "dependencies",
    "requires-python": "requires-python",
    "scripts": "scripts",
}


class Crate(msgspec.Struct, frozen=True, kw_only=True):
    """The crate that becomes the wheel, as cargo describes it.

    Attributes:
        name: Cargo package name.
        version: As in Cargo.toml (semver).
        id: cargo's package id.
        directory: Where its Cargo.toml is, absolute.
        targets: Libraries, binaries and the rest.
        features: ``[features]``: each with what it turns on, implicit ones of optional dependencies included.
        dependencies: As declared.
        description: Or ``None``.
        authors: ``Name <email>`` each.
        license: SPDX expression, or ``None``.
        license_file: Relative to ``directory``, or ``None``.
        repository: URL, or ``None``.
        homepage: URL, or ``None``.
        documentation: URL, or ``None``.
        keywords: As declared.
        readme: Relative to ``directory``, or ``None``; cargo finds ``README.md`` by itself.
        metadata: ``[package.metadata]``, or ``None``.
        graph: What each needed package needs, by package id, and on which platforms.
        scripts: Ids of the needed packages that have a build script.
        local: Directories of the needed packages that lie on this machine: path dependencies.
        packages: Every needed package by its id, the crate's own too.
    """

    name: str
    version: str
    id: str
    directory: Path
    targets: tuple[PackageTarget, ...]
    features: Mapping[str, tuple[str, ...]]
    dependencies: tuple[Dependency, ...]
    description: str | None = None
    authors: tuple[str, ...] = ()
    license: str | None = None
    license_file: str | None = None
    repository: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    keywords: tuple[str, ...] = ()
    readme: str | None = None
    metadata: Any = None
    graph: Mapping[str, tuple[ResolvedDep, ...]] = msgspec.field(default_factory=dict)
    scripts: frozenset[str] = frozenset()
    local: tuple[Path, ...] = ()
    packages: Mapping[str, CargoPackage] = msgspec.field(default_factory=dict)

    @property
    def libraries(self) -> tuple[PackageTarget, ...]:
        """The targets that can become the module: every cdylib, else the library, which is compiled as one then."""
        own = [one for one in self.targets if not _APART & set(one.kind)]
        found = tuple(one for one in own if "cdylib" in one.crate_types)
        return found or tuple(one for one in own if _LIBRARY_TYPES & set(one.crate_types))[:1]

    def names_of(self, crate_type: str) -> tuple[str, ...]:
        """Return the names of the targets built as ``cdylib``, ``bin``, …; examples and tests left out."""
        return tuple(one.name for one in self.targets if crate_type in one.crate_types and not _APART & set(one.kind))

    def needs(self, package: str, targets: Iterable[Target], kinds: Collection[str | None]) -> Iterator[str]:
        """Yield the packages that one needs on any of the platforms, by edges of these kinds (``build``, ``None``)."""
        for dep in self.graph.get(package, ()):
            edges = [kind for kind in dep.dep_kinds or (DepKind(),) if kind.kind in kinds]
            if any(applies(kind.target, target) for kind in edges for target in targets):
                yield dep.pkg

    def units(self, target: Target) -> int:
        """Return how many units a build for ``target`` compiles, about: packages and build scripts."""
        seen, pending = {self.id}, [self.id]
        while pending:
            for package in self.needs(pending.pop(), (target,), (None, "build")):
                if package not in seen:
                    seen.add(package)
                    pending.append(package)
        return len(seen) + len(seen & self.scripts)


def pick_crate(metadata: CargoMetadata, manifest: Path) -> Crate:
    """Return the crate that ``manifest`` describes.

    Raises:
        UsageError: The manifest is that of a workspace only; names the members that could be meant.
        ConfigError: The manifest sets metadata where nobody reads it.
    """
    packages = crate_packages(metadata)
    package = packages.get(metadata.resolve.root or "")
    if package is None:
        raise _virtual(metadata, packages, manifest)
    _check_legacy(package, manifest)
    needed = [*reachable(metadata)]
    own = next((node for node in metadata.resolve.nodes if node.id == package.id), ResolvedNode(id=package.id))
    return Crate(
        name=package.name,
        version=package.version,
        id=package.id,
        directory=Path(package.manifest_path).parent,
        targets=package.targets,
        features=package.features,
        dependencies=package.dependencies,
        description=package.description,
        authors=package.authors,
        license=package.license,
        license_file=package.license_file,
        repository=package.repository,
        homepage=package.homepage,
        documentation=package.documentation,
        keywords=package.keywords,
        readme=package.readme,
        metadata=package.metadata,
        graph={node.id: node.deps for node in (own, *needed)},
        scripts=frozenset(
            node.id
            for node in (own, *needed)
            if any("custom-build" in target.kind for target in packages[node.id].targets)
        ),
        packages={node.id: packages[node.id] for node in (own, *needed)},
        local=tuple(Path(packages[node.id].manifest_path).parent for node in needed if "path+file:" in node.id),
    )


def crate_packages(metadata: CargoMetadata) -> dict[str, CargoPackage]:
    """Return every package of the answer by its id."""
    return {package.id: package for package in metadata.packages}


def reachable(metadata: CargoMetadata) -> Iterator[ResolvedNode]:
    """Yield what the root crate needs to be built, itself left out, nearest first; dev-dependencies do not count."""
    nodes = {node.id: node for node in metadata.resolve.nodes}
    root = metadata.resolve.root or ""
    seen, pending = {root}, [root]
    while pending:
        following: list[str] = []
        for dep in (dep for one in pending if one in nodes for dep in nodes[one].deps):
            wanted = not dep.dep_kinds or any(kind.kind != "dev" for kind in dep.dep_kinds)
            if wanted and dep.pkg not in seen and dep.pkg in nodes:
                seen.add(dep.pkg)
                following.append(dep.pkg)
                yield nodes[dep.pkg]
        pending = following


def check_features(crate: Crate, features: Iterable[str], where: str) -> None:
    """Check that the crate has the features that a row of settings names.

    Args:
        crate: The crate that becomes the wheel.
        features: Its own features, and ``dependency/feature``.
        where: File and key for the error.

    Raises:
        ConfigError: It has no such feature, or no such dependency.
    """
    dependencies = {one.rename or one.name for one in crate.dependencies}
    for word in features:
        head, slash, _ = word.partition("/")
        known = dependencies if slash else set(crate.features)
        if head.removesuffix("?") not in known:
            thing = "dependency" if slash else "feature"
            hint = did_you_mean(head, known) or f"it has: {', '.join(sorted(known)) or 'none'}"
            raise ConfigError(f"{where}: crate {crate.name!r} has no {thing} {head!r}", hint=hint)


def crate_warnings(crate: Crate) -> tuple[str, ...]:
    """Return what the user should know of the manifest."""
    keys = ", ".join(_legacy(crate.metadata))
    return (f"Cargo.toml: [{LEGACY}] {keys}: not read from there; write it in pyproject.toml",) if keys else ()


def _legacy(metadata: Any) -> dict[str, Any]:
    table = metadata.get("maturin") if isinstance(metadata, dict) else None
    return table if isinstance(table, dict) else {}


def _virtual(metadata: CargoMetadata, packages: Mapping[str, CargoPackage], manifest: Path) -> UsageError:
    members = [packages[one] for one in metadata.workspace_members if one in packages]
    fitting = [one for one in members if any("cdylib" in target.crate_types for target in one.targets)] or members
    root = Path(metadata.workspace_root)
    paths = [as_written(Path(one.manifest_path), root) for one in fitting]
    hint = f"name one with -m or [tool.maturin] manifest-path: {', '.join(paths)}" if paths else None
    return UsageError(f"{manifest} is a workspace and no crate of its own", hint=hint)


def _check_legacy(package: CargoPackage, manifest: Path) -> None:
    moved = sorted(key for key in _legacy(package.metadata) if key in MOVED)
    if moved:
        raise ConfigError(
            f"{manifest}: [{LEGACY}] {', '.join(moved)}: metadata is not read from there (maturin dropped it in 0.14)",
            hint="write in pyproject.toml, under [project]: " + ", ".join(sorted({MOVED[key] for key in moved})),
        )
