"""What cargo says of a project: ``cargo metadata``, typed, and its words when it fails.

Cargo.toml is cargo's to read: manifests in the wild are TOML 1.1, inherit from workspaces and use
features of the cargo at hand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from matrix import ahead
from matrix.errors import ConfigError, ToolError, did_you_mean
from matrix.model import Command
from matrix.process import capture, environment
from matrix.project.program import find_cargo
from matrix.project.refusals import refusal

__all__ = [
    "CargoFlags",
    "CargoMetadata",
    "CargoPackage",
    "CargoPlaces",
    "Dependency",
    "PackageTarget",
    "Resolve",
    "ResolvedDep",
    "ResolvedNode",
    "ask_ahead",
    "ask_cargo",
    "ask_everywhere",
    "find_cargo",
    "read_metadata",
]

TIMEOUT = 600.0  # seconds; a first `cargo metadata` may have to download every crate


class CargoFlags(msgspec.Struct, frozen=True, kw_only=True):
    """Flags of the command line that every call of cargo gets.

    Attributes:
        manifest_path: ``-m``: the Cargo.toml to build.
        features: ``-F``: features, each word a space or comma separated list.
        all_features: ``--all-features``.
        no_default_features: ``--no-default-features``.
        frozen: ``--frozen``.
        locked: ``--locked``.
        offline: ``--offline``.
        config: ``--config`` values.
        unstable: ``-Z`` values.
        ignore_rust_version: ``--ignore-rust-version``.
        target_dir: ``--target-dir``.
    """

    manifest_path: Path | None = None
    features: tuple[str, ...] = ()
    all_features: bool = False
    no_default_features: bool = False
    frozen: bool = False
    locked: bool = False
    offline: bool = False
    config: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()
    ignore_rust_version: bool = False
    target_dir: Path | None = None

    def general(self) -> tuple[str, ...]:
        """Return the arguments that every cargo command understands."""
        words = [f"--{name}" for name in ("frozen", "locked", "offline") if getattr(self, name)]
        for value in self.config:
            words += ["--config", value]
        for value in self.unstable:
            words += ["-Z", value]
        return tuple(words)

    def selection(self) -> tuple[str, ...]:
        """Return the arguments that choose features."""
        words = [f"--features={','.join(self.features)}"] if self.features else []
        if self.all_features:
            words.append("--all-features")
        if self.no_default_features:
            words.append("--no-default-features")
        return tuple(words)


class PackageTarget(msgspec.Struct, frozen=True):
    """A library, binary or other target of a package."""

    name: str
    kind: tuple[str, ...]
    crate_types: tuple[str, ...]
    src_path: str
    required_features: tuple[str, ...] = msgspec.field(default=(), name="required-features")


class Dependency(msgspec.Struct, frozen=True):
    """A dependency as a manifest declares it."""

    name: str
    kind: str | None = None
    features: tuple[str, ...] = ()
    rename: str | None = None


class CargoPackage(msgspec.Struct, frozen=True):
    """A package of the dependency graph."""

    name: str
    version: str
    id: str
    manifest_path: str
    source: str | None = None
    targets: tuple[PackageTarget, ...] = ()
    features: dict[str, tuple[str, ...]] = {}
    dependencies: tuple[Dependency, ...] = ()
    metadata: Any = None
    description: str | None = None
    authors: tuple[str, ...] = ()
    license: str | None = None
    license_file: str | None = None
    repository: str | None = None
    homepage: str | None = None
    documentation: str | None = None
    keywords: tuple[str, ...] = ()
    readme: str | None = None


class DepKind(msgspec.Struct, frozen=True):
    """How a package depends on another: ``None`` (normal), ``dev`` or ``build``; and on which platform."""

    kind: str | None = None
    target: str | None = None


class ResolvedDep(msgspec.Struct, frozen=True):
    """An edge of the dependency graph."""

    pkg: str
    dep_kinds: tuple[DepKind, ...] = ()


class ResolvedNode(msgspec.Struct, frozen=True):
    """A package with its edges and the features that are on."""

    id: str
    deps: tuple[ResolvedDep, ...] = ()
    features: tuple[str, ...] = ()


class Resolve(msgspec.Struct, frozen=True):
    """The dependency graph; ``root`` is absent for a virtual workspace."""

    nodes: tuple[ResolvedNode, ...]
    root: str | None = None


class CargoPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where cargo writes, as ``cargo metadata`` says it with and without dependencies."""

    target_directory: str
    build_directory: str | None = None

    @property
    def build_dir(self) -> Path | None:
        """The build directory where it is one of its own (``build.build-dir``), else ``None``."""
        named = self.build_directory
        return Path(named) if named is not None and named != self.target_directory else None


class CargoMetadata(CargoPlaces, frozen=True, kw_only=True):
    """The answer of ``cargo metadata``, as far as it is needed."""

    packages: tuple[CargoPackage, ...]
    workspace_members: tuple[str, ...]
    workspace_root: str
    resolve: Resolve


async def read_metadata(manifest: Path, flags: CargoFlags, root: Path) -> CargoMetadata:
    """Return what ``cargo metadata`` says of ``manifest``, for every platform.

    Args:
        manifest: The Cargo.toml.
        flags: Features and flags to resolve with.
        root: The project's root; cargo runs there, so that its configuration files apply.

    Raises:
        ToolError: cargo is missing or does not work.
        ConfigError: cargo refuses the project; has cargo's words.
    """
    arguments = _metadata_of(manifest)
    try:
        answer = await ask_everywhere(
            (*arguments, *flags.selection(), *flags.general()), manifest, root, narrow="--filter-platform"
        )
    except ConfigError as error:
        unknown = re.search(r"does not (?:contain|have) (?:this|these) features?: ([^\s,]+)", error.message)
        if unknown is None:
            raise
        answer = await ask_cargo((*arguments, "--no-deps", *flags.general()), manifest, root)
        raise ConfigError(error.message, hint=_near_feature(unknown[1], answer, manifest)) from error
    try:
        return msgspec.json.decode(answer, type=CargoMetadata)
    except msgspec.DecodeError as error:
        raise ToolError(f"cargo metadata gave an answer that could not be read: {error}") from error


def ask_ahead(manifest: Path, flags: CargoFlags, root: Path) -> None:
    """Start what :func:`read_metadata` will want to know, and what the report will.

    Raises:
        ToolError: There is no cargo.
    """
    command = _asking((*_metadata_of(manifest), *flags.selection(), *flags.general()))
    ahead.ask(command.argv, cwd=root, env=environment(command))
    ahead.ask((command.argv[0], "--version"), cwd=root, env=os.environ)


def _metadata_of(manifest: Path) -> tuple[str, ...]:
    return ("metadata", "--format-version=1", "--manifest-path", str(manifest))


async def ask_everywhere(
    arguments: tuple[str, ...], manifest: Path, root: Path, *, narrow: str, wide: tuple[str, ...] = ()
) -> str:
    """Ask cargo about every platform, or about the host alone when crates of others cannot be had.

    A machine without network often has the crates of its own platform only (``cargo fetch --target …``).

    Args:
        arguments: The question.
        manifest: The Cargo.toml it is about.
        root: The project's root.
        narrow: The option that names one platform.
        wide: The arguments that ask about all.

    Raises:
        ToolError: cargo is missing or does not work.
        ConfigError: cargo refuses; has cargo's words.
    """
    try:
        return await ask_cargo((*arguments, *wide), manifest, root)
    except ConfigError as error:
        if not re.search(r"offline|frozen|download|network|spurious|registry", error.message):
            raise
        host = re.search(r"^host: (\S+)$", await ask_cargo(("-vV",), manifest, root), re.MULTILINE)
        if host is None:
            raise
        with suppress(ConfigError):
            return await ask_cargo((*arguments, narrow, host[1]), manifest, root)
        raise


async def ask_cargo(arguments: tuple[str, ...], manifest: Path, root: Path) -> str:
    """Return what a short cargo command writes to stdout.

    Raises:
        ToolError: cargo is missing or does not work.
        ConfigError: cargo refuses; has cargo's words.
    """
    command = _asking(arguments)
    done = await capture(command, root=root, timeout=TIMEOUT)
    if done.exit:
        raise refusal(arguments[0], manifest, root, done.stderr)
    return done.stdout


def _asking(arguments: Sequence[str]) -> Command:
    return Command(argv=(find_cargo(), *arguments), env={"CARGO_TERM_COLOR": "never", "CARGO_TERM_VERBOSE": None})


def _near_feature(word: str, answer: str, manifest: Path) -> str | None:
    class Listing(msgspec.Struct):
        packages: tuple[CargoPackage, ...]

    packages = msgspec.json.decode(answer, type=Listing).packages
    known = next((sorted(one.features) for one in packages if Path(one.manifest_path) == manifest), [])
    return did_you_mean(word, known) or (f"its features: {', '.join(known)}" if known else "it has no features")
