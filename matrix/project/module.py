"""What Python will import: the module's name, where its Python code is, and what lies beside it."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrix.errors import ConfigError
from matrix.files import as_written
from matrix.project.bindings import Bindings
from matrix.project.crate import Crate
from matrix.project.locate import Files
from matrix.project.maturin_options import MaturinOptions
from matrix.project.toml import read_toml

__all__ = ["Module", "check_scripts", "describe_module", "module_warnings"]

WHERE = "pyproject.toml: [tool.maturin]"


class Module(msgspec.Struct, frozen=True, kw_only=True):
    """The native module and the Python code around it.

    Attributes:
        name: Last part of the module's name, e.g. ``_rust``; the file is ``NAME`` + extension suffix.
        package: Dotted parent, e.g. ``cryptography.hazmat.bindings``, or empty.
        lib_name: Name of the cargo target that makes it (cdylib; for bin the first program).
        python_source: Directory that Python packages are in, absolute.
        mixed: Whether Python code of the project goes with it: its top package exists.
        directory: Directory of the native module in the wheel, with ``/``. A module outside a package
            lies in one of its own name, which gets an ``__init__.py`` unless the project has it.
        python_packages: More packages of ``python_source`` that go into the wheel.
        data: The wheel's data directory, absolute, or ``None``.
        bins: Names of the programs, for bin.
    """

    name: str
    package: str
    lib_name: str
    python_source: Path
    mixed: bool
    directory: str
    python_packages: tuple[str, ...] = ()
    data: Path | None = None
    bins: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """The module's name as configured: ``package.name``."""
        return f"{self.package}.{self.name}" if self.package else self.name

    @property
    def top(self) -> str:
        """The top package, or the module itself when it is in none."""
        return self.full_name.partition(".")[0]


def describe_module(
    files: Files, table: Mapping[str, Any], crate: Crate, bindings: Bindings, options: MaturinOptions
) -> Module:
    """Return the module that the crate becomes.

    Its name is ``[tool.maturin] module-name``, else ``[lib] name``, else the project's, else the crate's.

    Args:
        files: The project's files.
        table: pyproject.toml.
        crate: The crate that becomes the wheel.
        bindings: Its bindings.
        options: ``[tool.maturin]``.

    Raises:
        ConfigError: A name is no module name, or a directory that is named does not exist.
    """
    kind = "bin" if bindings.kind == "bin" else "cdylib"
    made = _targets(crate, kind, options)
    full_name = options.module_name or _default_name(files, table, crate, program=kind == "bin")
    if kind != "bin":
        _check_name(full_name, options)
    source = _python_source(files.root, table, options)
    package, _, name = full_name.rpartition(".")
    top = source / full_name.partition(".")[0]
    mixed = top.is_dir() and ((top / "__init__.py").is_file() or not (top / "Cargo.toml").is_file())
    if not mixed and options.python_source is not None:
        raise ConfigError(
            f"{WHERE} python-source is {options.python_source!r}, but there is no package {top.name!r} in it",
            hint=f"create {_shown(top, files.root)}/__init__.py, correct module-name, or drop python-source",
        )
    return Module(
        name=name,
        package=package,
        lib_name=made[0],
        python_source=source,
        mixed=mixed,
        directory=package.replace(".", "/") if package and mixed else name,
        python_packages=options.python_packages,
        data=_data(files.root, full_name, options),
        bins=made if kind == "bin" else (),
    )


def module_warnings(module: Module, root: Path) -> tuple[str, ...]:
    """Return what the user should know of the layout."""
    if not module.package or module.mixed:
        return ()
    where = _shown(module.python_source, root)
    said = f"there is no package {module.top!r} in {where}, so the module is imported as {module.name!r}"
    return (f"{WHERE} module-name: {said}, not {module.full_name!r}",)


def _targets(crate: Crate, kind: str, options: MaturinOptions) -> tuple[str, ...]:
    types = dict.fromkeys(crate.names_of("bin"), ("bin",)) if kind == "bin" else _libraries(crate)
    names = tuple(types)
    if options.targets is None:
        return names
    chosen = options.targets
    kept = tuple(name for name in names if any(one.name == name and one.kind in (None, *types[name]) for one in chosen))
    if not kept:
        wanted = ", ".join(repr(one.name) for one in options.targets)
        raise ConfigError(
            f"{WHERE} targets: no {kind} target of crate {crate.name!r} is called {wanted or 'so'}",
            hint=f"it has: {', '.join(names)}" if names else None,
        )
    return kept


def _libraries(crate: Crate) -> dict[str, tuple[str, ...]]:
    return {one.name: one.crate_types for one in crate.libraries}


def check_scripts(table: Mapping[str, Any]) -> None:
    """Refuse entry points beside programs: both are scripts of the environment, and maturin takes one kind alone.

    Raises:
        ConfigError: ``[project.scripts]`` holds any.
    """
    project = table.get("project")
    scripts = project.get("scripts") if isinstance(project, dict) else None
    if scripts:
        raise ConfigError(
            "pyproject.toml: [project.scripts]: entry points and programs (bin bindings) do not go into one wheel",
            hint="drop the table: every program of the crate is a script of the wheel under its own name",
        )


def _default_name(files: Files, table: Mapping[str, Any], crate: Crate, *, program: bool) -> str:
    """Return the module's name when ``module-name`` is absent; beside programs the project's goes as it is."""
    implied = crate.name.replace("-", "_")
    library = next((one.name for one in crate.targets if {"lib", "cdylib", "rlib", "dylib"} & set(one.kind)), implied)
    project = table.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    told = name if program else str(name).replace("-", "_")
    if library != implied or not isinstance(name, str) or told == library:
        return library
    # cargo does not say whether [lib] name was written or made from the crate's name, and only a written
    # one comes before the project's.
    try:
        written = read_toml(files.manifest).get("lib", {})
    except ConfigError:  # cargo has read it, so it is newer than our TOML reader
        return library
    return library if isinstance(written, dict) and "name" in written else name


def _check_name(full_name: str, options: MaturinOptions) -> None:
    for part in full_name.split("."):
        if not part.isidentifier() or keyword.iskeyword(part):
            key = "module-name" if options.module_name is not None else "module-name (not set, so taken from the crate)"
            raise ConfigError(
                f"{WHERE} {key}: {full_name!r} cannot be imported by Python: {part!r} is not an identifier",
                hint='write it as in module-name = "package._native", with the last part as in #[pymodule]',
            )


def _python_source(root: Path, table: Mapping[str, Any], options: MaturinOptions) -> Path:
    if options.python_source is not None:
        source = root / options.python_source
        if not source.is_dir():
            raise ConfigError(
                f"{WHERE} python-source: {options.python_source!r} is no directory",
                hint="create it, or drop the key",
            )
        return source.resolve()
    project = table.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    packages = [*options.python_packages, *([name.replace("-", "_")] if isinstance(name, str) else [])]
    in_src = name is not None and any((root / "src" / one / "__init__.py").is_file() for one in packages)
    return root / "src" if in_src and (root / "rust" / "Cargo.toml").is_file() else root


def _data(root: Path, full_name: str, options: MaturinOptions) -> Path | None:
    if options.data is not None:
        if not (root / options.data).is_dir():
            raise ConfigError(f"{WHERE} data: {options.data!r} is no directory", hint="create it, or drop the key")
        return (root / options.data).resolve()
    implied = root / f"{full_name}.data"
    return implied if implied.is_dir() else None


def _shown(path: Path, root: Path) -> str:
    return "the project's root" if path == root else as_written(path, root)
