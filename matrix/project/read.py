"""Reads one project: where its files are, what they say, and what cargo says of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from matrix.errors import ConfigError, WheelmatrixError
from matrix.model import StableAbi
from matrix.project.bindings import Bindings, binding_warnings, detect_bindings, read_scoped, stable_abis
from matrix.project.cargo import CargoFlags, CargoMetadata, ask_ahead, ask_cargo, read_metadata
from matrix.project.crate import Crate, check_features, crate_warnings, pick_crate
from matrix.project.features import Features, activated, split_features
from matrix.project.fence import Fence
from matrix.project.identity import identity_warnings, project_name, project_requires_python, project_version
from matrix.project.locate import Files, find_files, find_outer_pyproject
from matrix.project.locked import all_fetched
from matrix.project.maturin_options import MaturinOptions, read_maturin_options
from matrix.project.module import Module, check_scripts, describe_module, module_warnings
from matrix.project.options import Options, read_options
from matrix.project.pymodules import check_module_name
from matrix.project.toml import read_toml

__all__ = ["Project", "effective_features", "foresee", "merge_flags", "read_project"]


class Project(msgspec.Struct, frozen=True, kw_only=True, dict=True):  # dict: for what is looked up once
    """One project, read and checked. Paths are absolute.

    Attributes:
        root: Where pyproject.toml is, else where Cargo.toml is.
        pyproject: pyproject.toml, or ``None``.
        table: The whole of pyproject.toml; empty without one.
        manifest: Cargo.toml of the crate.
        workspace_root: Root of its cargo workspace.
        target_dir: cargo's target directory: ``--target-dir``, else what cargo says.
        build_dir: cargo's build directory where it has one of its own (``build.build-dir``), or ``None``.
        crate: The crate that becomes the wheel.
        name: Distribution name, as written.
        version: PEP 440, normalised.
        requires_python: PEP 440 specifier, or ``None``.
        module: What Python will import.
        bindings: How the crate meets Python.
        features: Features of every build that says nothing else.
        flags: The flags of the command line with ``[tool.maturin]``'s merged in.
        maturin: ``[tool.maturin]``.
        options: ``[tool.wheelmatrix]``.
        warnings: What the user should know.
        fetched: Whether every crate that the lock file names is on this machine.
    """

    root: Path
    pyproject: Path | None
    table: Mapping[str, Any] = msgspec.field(default_factory=dict)
    manifest: Path
    workspace_root: Path
    target_dir: Path
    crate: Crate
    name: str
    version: str
    requires_python: str | None
    module: Module
    bindings: Bindings
    features: Features
    flags: CargoFlags
    maturin: MaturinOptions
    options: Options
    warnings: tuple[str, ...] = ()
    build_dir: Path | None = None
    fetched: bool = False

    @property
    def sources(self) -> tuple[Path, ...]:
        """Directories with everything that cargo reads of the project: its root, workspace and path dependencies."""
        return tuple(dict.fromkeys((self.root, self.workspace_root, self.manifest.parent, *self.crate.local)))

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Directories that cargo writes to."""
        return (self.target_dir,) if self.build_dir is None else (self.target_dir, self.build_dir)

    @cached_property
    def fence(self) -> Fence:
        """What nothing that is packed may lie outside of."""
        return Fence(self.sources)

    def stable_for(
        self, features: tuple[str, ...], *, all_features: bool = False, no_default_features: bool = False
    ) -> tuple[StableAbi, ...]:
        """Return the stable ABIs that a build with these features has.

        The features that the project is read with give :attr:`Bindings.stable`; a matrix row, an override or a
        conditional feature may turn others on.
        """
        if self.bindings.kind not in ("pyo3", "pyo3-ffi"):
            return ()
        usual = self._asked(self.features.names, self.features.all_features, self.features.no_default_features)
        asked = self._asked(features, all_features, no_default_features)
        from_elsewhere = self.bindings.features - usual
        return stable_abis(from_elsewhere | asked)

    def programs_for(
        self, features: tuple[str, ...], *, all_features: bool = False, no_default_features: bool = False
    ) -> tuple[str, ...]:
        """Return the programs of a build with these features: cargo skips one whose ``required-features`` are off."""
        wanted = (*features, *self.crate.features) if all_features else features
        on = activated(self.crate.features, wanted, default=not no_default_features)
        needed = {one.name: one.required_features for one in self.crate.targets if "bin" in one.crate_types}
        return tuple(name for name in self.module.bins if on.issuperset(needed.get(name, ())))

    def _asked(self, names: tuple[str, ...], all_features: bool, no_default_features: bool) -> frozenset[str]:
        """Return the pyo3 features that the crate itself turns on."""
        bindings = [one for one in self.crate.dependencies if one.name in ("pyo3", "pyo3-ffi")]
        named = {one.rename or one.name for one in bindings}
        wanted = (*names, *self.crate.features) if all_features else names
        words = activated(self.crate.features, wanted, default=not no_default_features)
        asked = {word.partition("/")[2] for word in words if word.partition("/")[0] in named}
        asked.update(feature for one in bindings for feature in one.features)
        return activated(self.bindings.table, asked, default=False)


async def read_project(where: Path, flags: CargoFlags, *, bindings: str | None = None) -> Project:
    """Read the project in a directory.

    Args:
        where: The directory the user is in.
        flags: Flags that every call of cargo gets.
        bindings: ``-b``: bindings in place of those detected.

    Raises:
        UsageError: There is no project here, or a flag cannot be obeyed.
        ConfigError: A file of the project cannot be read or obeyed.
        ToolError: cargo is missing or does not work.
    """
    files = find_files(where, flags.manifest_path)
    if files.pyproject is None and flags.manifest_path is not None:
        files = await _look_outside(files)
    table, maturin, merged, warnings = _settings(files, flags)
    options = read_options(_tool(table, "wheelmatrix"))
    warnings = (*warnings, *_misspelt(table))
    metadata = await read_metadata(files.manifest, merged, files.root)
    crate = pick_crate(metadata, files.manifest)
    scoped = await read_scoped(files.manifest, merged, files.root) if len(metadata.workspace_members) > 1 else None
    found = detect_bindings(metadata, crate, wish=bindings or maturin.bindings, scoped=scoped)
    module = describe_module(files, table, crate, found, maturin)
    _check_settings(crate, maturin, options)
    check_module_name(crate, found, module, maturin)
    if found.kind == "bin":
        check_scripts(table)
    project = Project(
        root=files.root,
        pyproject=files.pyproject,
        table=table,
        manifest=files.manifest,
        workspace_root=Path(metadata.workspace_root),
        target_dir=_target_dir(where, flags, metadata),
        build_dir=metadata.build_dir,
        crate=crate,
        name=project_name(table, crate.name),
        version=project_version(table, crate.version),
        requires_python=project_requires_python(table),
        module=module,
        bindings=found,
        features=effective_features(flags, maturin),
        flags=merged,
        maturin=maturin,
        options=options,
        fetched=all_fetched(metadata),
        warnings=(
            *warnings,
            *crate_warnings(crate),
            *identity_warnings(table, crate.version),
            *module_warnings(module, files.root),
            *binding_warnings(found, _dependencies(table)),
        ),
    )
    _check_places(project)
    return project


def foresee(where: Path, flags: CargoFlags) -> None:
    """Let cargo begin to answer what :func:`read_project` will ask it; a fault is told by that, not here."""
    with suppress(WheelmatrixError):
        files = find_files(where, flags.manifest_path)
        _, _, merged, _ = _settings(files, flags)
        ask_ahead(files.manifest, merged, files.root)


def _settings(files: Files, flags: CargoFlags) -> tuple[Mapping[str, Any], MaturinOptions, CargoFlags, tuple[str, ...]]:
    """Return pyproject.toml, ``[tool.maturin]``, the flags with its own merged in, and what to warn of."""
    table = read_toml(files.pyproject) if files.pyproject is not None else {}
    maturin, warnings = read_maturin_options(_tool(table, "maturin"))
    return table, maturin, merge_flags(flags, maturin), tuple(warnings)


def effective_features(flags: CargoFlags, maturin: MaturinOptions) -> Features:
    """Return the features to build with: those of the command line replace ``[tool.maturin] features``.

    ``all-features`` and ``no-default-features`` hold when either place says so.
    """
    names = split_features(flags.features)
    written = () if names else maturin.features
    always = [one if isinstance(one, str) else one.feature for one in written if not _depends_on_python(one)]
    return Features(
        names=names or split_features(always),
        conditional=tuple(one for one in written if not isinstance(one, str) and _depends_on_python(one)),
        all_features=flags.all_features or maturin.all_features,
        no_default_features=flags.no_default_features or maturin.no_default_features,
    )


def merge_flags(flags: CargoFlags, maturin: MaturinOptions) -> CargoFlags:
    """Return the flags with those of ``[tool.maturin]`` merged in; the command line comes first."""
    features = effective_features(flags, maturin)
    return msgspec.structs.replace(
        flags,
        features=features.names,
        all_features=features.all_features,
        no_default_features=features.no_default_features,
        frozen=flags.frozen or maturin.frozen,
        locked=flags.locked or maturin.locked,
        config=flags.config or maturin.config,
        unstable=flags.unstable or maturin.unstable_flags,
    )


def _check_settings(crate: Crate, maturin: MaturinOptions, options: Options) -> None:
    """Check the features that cargo was not asked about, because only some cells get them."""
    conditional = [one.feature for one in maturin.features if not isinstance(one, str)]
    check_features(crate, split_features(conditional), "pyproject.toml: [tool.maturin] features")
    rows = (("include", options.include), ("overrides", options.overrides))
    for key, index, row in ((key, index, row) for key, listed in rows for index, row in enumerate(listed)):
        where = f"pyproject.toml: [tool.wheelmatrix] {key}[{index}].features"
        check_features(crate, split_features(row.features or ()), where)


def _check_places(project: Project) -> None:
    """Refuse directories outside the project, before anything is taken from there."""
    for key, written in (("python-source", project.maturin.python_source), ("data", project.maturin.data)):
        if written is not None:
            project.fence.named(written, project.root, f"pyproject.toml: [tool.maturin] {key}")


def _depends_on_python(feature: object) -> bool:
    return bool(getattr(feature, "python_version", None) or getattr(feature, "python_implementation", None))


async def _look_outside(files: Files) -> Files:
    """Look for pyproject.toml above a manifest that was named with ``-m``."""
    arguments = ("locate-project", "--workspace", "--message-format=plain", "--manifest-path", str(files.manifest))
    workspace = Path((await ask_cargo(arguments, files.manifest, files.root)).strip()).parent
    return Files(files.manifest, find_outer_pyproject(files.manifest, workspace))


def _target_dir(where: Path, flags: CargoFlags, metadata: CargoMetadata) -> Path:
    return (where / flags.target_dir).resolve() if flags.target_dir is not None else Path(metadata.target_directory)


def _dependencies(table: Mapping[str, Any]) -> tuple[str, ...]:
    project = table.get("project")
    found = project.get("dependencies") if isinstance(project, dict) else None
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _tool(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    tools = table.get("tool", {})
    options = tools.get(name, {}) if isinstance(tools, dict) else {}
    if not isinstance(options, dict):
        raise ConfigError(f"pyproject.toml: [tool.{name}] must be a table")
    return options


def _misspelt(table: Mapping[str, Any]) -> list[str]:
    """Warn of tables that look like one of ours and are nobody's."""
    found = []
    tools = table.get("tool", {})
    for name in tools if isinstance(tools, dict) else ():
        near = get_close_matches(name, ("wheelmatrix", "maturin"), n=1, cutoff=0.85)
        if near and near != [name]:
            found.append(f"pyproject.toml: [tool.{name}] is read by nobody here; did you mean [tool.{near[0]}]?")
    return found
