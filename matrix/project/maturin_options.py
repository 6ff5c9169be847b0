"""The options of ``[tool.maturin]``, as maturin 1.x knows them: read, or named in a warning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from matrix.errors import ConfigError, did_you_mean
from matrix.project.checked import convert_table, known_keys, unknown_keys
from matrix.project.features import ConditionalFeature

__all__ = ["STANDING", "CargoTarget", "FileRow", "MaturinOptions", "Sbom", "TargetOptions", "read_maturin_options"]

WHERE = "pyproject.toml: [tool.maturin]"

Format: TypeAlias = Literal["sdist", "wheel"]

# Keys of maturin before 1.0 that maturin itself no longer obeys, and what took their place.
FORMER = {
    "cargo-extra-args": "features, profile, locked and the other cargo keys",
    "rustc-extra-args": "rustc-args",
}


# What keys do here beyond what they do in maturin, or do not do.
STANDING = {
    "bindings": "more: `rust-cpython` too",
    "sdist-include": "more: obeyed as in 0.13, with a warning",
    "compatibility": "more: a list makes a wheel for each level",
    "sbom": "more: for each wheel's own target and features, and the same bytes every time",
    "generate-ci": "not yet: no such command; `wheelmatrix new` writes a workflow",
}


class FileRow(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A row of ``include`` or ``exclude``.

    Attributes:
        path: Glob pattern relative to the project's root; inside ``OUT_DIR`` when ``source`` says so.
        format: Archives it is for; ``None`` for all.
        source: ``out-dir`` when the files come from a build script's ``OUT_DIR``.
        to: Directory in the wheel that such files go to.
        crate_name: Crate whose ``OUT_DIR`` is meant; ``None`` for the project's own.
    """

    path: str
    format: Format | tuple[Format, ...] | None = None
    source: Literal["out-dir"] | None = msgspec.field(default=None, name="from")
    to: str | None = None
    crate_name: str | None = msgspec.field(default=None, name="crate_name")

    def is_for(self, archive: Format) -> bool:
        """Whether the row is meant for this kind of archive."""
        if self.source is not None:
            return archive == "wheel"
        return self.format is None or archive in ((self.format,) if isinstance(self.format, str) else self.format)


class CargoTarget(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """A row of ``targets``: a cargo target to build, by name and kind."""

    name: str
    kind: Literal["bin", "cdylib", "dylib", "lib", "rlib", "staticlib"] | None = None


class TargetOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """``[tool.maturin.target.TRIPLE]``."""

    macos_deployment_target: str | None = None
    macosx_deployment_target: str | None = None

    @property
    def deployment_target(self) -> str | None:
        """The oldest macOS to run on, e.g. ``11.0``."""
        return self.macos_deployment_target or self.macosx_deployment_target


class Sbom(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """``[tool.maturin.sbom]``: what describes the wheel's ingredients (PEP 770)."""

    rust: bool | None = None
    auditwheel: bool | None = None
    include: tuple[str, ...] = ()


class MaturinOptions(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """``[tool.maturin]``. Paths are as written, relative to the project's root.

    ``manylinux`` is another name of ``compatibility``; use :attr:`levels` to read either.
    ``skip_auditwheel`` is the older way to write ``auditwheel = "skip"``; use :attr:`skips_audit`.
    """

    module_name: Annotated[
        str | None,
        Meta(description="Import name, as `package._native`. Absent: the library's name, the project's, the crate's."),
    ] = None
    include: Annotated[
        tuple[str | FileRow, ...],
        Meta(
            description=(
                "More files: globs, or tables with `path` and `format` (`sdist`, `wheel`); `from` and `to`"
                " take them out of a build script's `OUT_DIR`."
            )
        ),
    ] = ()
    exclude: Annotated[
        tuple[str | FileRow, ...],
        Meta(description="Files left out: globs, or tables with `path` and `format` (`sdist`, `wheel`)."),
    ] = ()
    bindings: Annotated[
        str | None,
        Meta(
            description="Bindings, in place of those detected: `pyo3`, `pyo3-ffi`, `bin`, `cffi`, `uniffi` or"
            " `rust-cpython`."
        ),
    ] = None
    compatibility: Annotated[
        str | tuple[str, ...] | None,
        Meta(description="Platform-tag level when neither `[tool.wheelmatrix]` nor a flag names one."),
    ] = None
    manylinux: Annotated[str | tuple[str, ...] | None, Meta(description="Another name of `compatibility`.")] = None
    auditwheel: Annotated[
        Literal["repair", "check", "warn", "skip"] | None,
        Meta(description="`repair` (default) brings libraries along, `check` does not, `warn` only says so."),
    ] = None
    skip_auditwheel: Annotated[bool, Meta(description='Older way to write `auditwheel = "skip"`.')] = False
    strip: Annotated[bool, Meta(description="Whether symbols are stripped from the binary.")] = False
    sdist_include: Annotated[
        tuple[str, ...], Meta(description="Older way to write rows of `include` for source distributions.")
    ] = ()
    sdist_generator: Annotated[
        Literal["cargo", "git"],
        Meta(description="Which files a source distribution takes: those cargo would package, or those git tracks."),
    ] = "cargo"
    python_source: Annotated[str | None, Meta(description="Directory that holds the Python packages.")] = None
    python_packages: Annotated[
        tuple[str, ...], Meta(description="More packages of `python-source` for the wheel.")
    ] = ()
    data: Annotated[str | None, Meta(description="The wheel's data directory. Absent: `MODULE.data`.")] = None
    targets: Annotated[
        tuple[CargoTarget, ...] | None, Meta(description="Cargo targets to build, by `name` and `kind`.")
    ] = None
    target: Annotated[
        dict[str, TargetOptions],
        Meta(description="`[tool.maturin.target.TRIPLE] macos-deployment-target`: the oldest macOS to run on."),
    ] = {}
    profile: Annotated[str | None, Meta(description="Cargo profile, unless a flag or a row says otherwise.")] = None
    editable_profile: Annotated[str | None, Meta(description="Cargo profile of editable installs.")] = None
    features: Annotated[
        tuple[str | ConditionalFeature, ...],
        Meta(
            description=(
                "Cargo features; a table with `python-version` or `python-implementation` is for some Pythons only."
                " `-F` replaces them."
            )
        ),
    ] = ()
    all_features: Annotated[bool, Meta(description="Whether every cargo feature is activated.")] = False
    no_default_features: Annotated[bool, Meta(description="Whether the default features are left out.")] = False
    manifest_path: Annotated[
        str | None,
        Meta(
            description="Cargo.toml to build. Absent: `rust/Cargo.toml` beside Python code in `src`, else `Cargo.toml`."
        ),
    ] = None
    frozen: Annotated[bool, Meta(description="As `--frozen`.")] = False
    locked: Annotated[bool, Meta(description="As `--locked`.")] = False
    config: Annotated[
        tuple[str, ...], Meta(description="As `--config`, for every call of cargo; a flag replaces it.")
    ] = ()
    unstable_flags: Annotated[
        tuple[str, ...], Meta(description="As `-Z`, for every call of cargo; a flag replaces it.")
    ] = ()
    rustc_args: Annotated[
        tuple[str, ...], Meta(description="Arguments for rustc when it compiles the crate itself.")
    ] = ()
    use_base_python: Annotated[
        bool,
        Meta(description="Whether a Python front end's build is for the Python that its environment was made from."),
    ] = False
    sbom: Annotated[
        Sbom | None,
        Meta(
            description="What describes the wheel's ingredients (PEP 770): `rust` (on unless false) lists the crates as"
            " CycloneDX, `include` names more files, `auditwheel` (on unless false) the libraries that came along."
        ),
    ] = None
    include_import_lib: Annotated[
        bool, Meta(description="Whether the import library of a module for Windows lies beside it.")
    ] = False
    pgo_command: Annotated[
        str | None, Meta(description="With `--pgo`: text for the shell that uses the module, at the project's root.")
    ] = None
    pgo_dependency_group: Annotated[
        str | None,
        Meta(
            description="With `--pgo`: dependency group (PEP 735) that the command needs. Absent: `dev` if it exists."
        ),
    ] = None
    generate_ci: Annotated[dict[str, Any] | None, Meta(description="Read by `maturin generate-ci` alone.")] = None

    @property
    def levels(self) -> tuple[str, ...]:
        """The compatibility levels asked for, by either name of the key."""
        levels = self.compatibility if self.compatibility is not None else self.manylinux
        return (levels,) if isinstance(levels, str) else levels or ()

    @property
    def skips_audit(self) -> bool:
        """Whether the wheel is not to be audited."""
        return self.auditwheel == "skip" if self.auditwheel is not None else self.skip_auditwheel

    def files(self, key: Literal["include", "exclude"], archive: Format) -> tuple[FileRow, ...]:
        """Return the rows of ``include`` or ``exclude`` that are meant for this kind of archive, in order."""
        written = self.include if key == "include" else self.exclude
        older = (FileRow(path=one, format="sdist") for one in self.sdist_include) if key == "include" else ()
        rows = (*(FileRow(path=one) if isinstance(one, str) else one for one in written), *older)
        return tuple(row for row in rows if row.is_for(archive))


def read_maturin_options(table: Mapping[str, Any], where: str = WHERE) -> tuple[MaturinOptions, tuple[str, ...]]:
    """Return ``[tool.maturin]`` as options, and what the user should know about it.

    Args:
        table: The table as TOML reads it.
        where: File and table for messages.

    Raises:
        ConfigError: A value does not fit its key; names the key.
    """
    options = convert_table(table, MaturinOptions, where)
    if options.compatibility is not None and options.manylinux is not None:
        raise ConfigError(f"{where} compatibility and manylinux are two names of one key", hint="keep one of them")
    for key, rows in (("include", options.include), ("exclude", options.exclude)):
        for index, row in enumerate(rows):
            if isinstance(row, FileRow) and row.source is not None and row.to is None:
                raise ConfigError(f"{where} {key}[{index}]: a row with from needs a to", hint='write to = "package/"')
    return options, tuple(_warnings(table, where))


def _warnings(table: Mapping[str, Any], where: str) -> list[str]:
    said = [
        f"{where} {key} is a key of maturin before 1.0 and does nothing; now: {now}"
        for key, now in FORMER.items()
        if key in table
    ]
    if "sdist-include" in table:
        now = 'include = [{ path = "…", format = "sdist" }]'
        said.append(f"{where} sdist-include is a key of maturin before 1.0, which maturin no longer obeys; now: {now}")
    said += _unknown({key: value for key, value in table.items() if key not in FORMER}, MaturinOptions, where)
    said += _unknown(table.get("sbom", {}), Sbom, f"{where} sbom:")
    for triple, inner in table.get("target", {}).items():
        said += _unknown(inner, TargetOptions, f"{where} target.{triple}:")
    return said


def _unknown(table: Mapping[str, Any], kind: type[msgspec.Struct], where: str) -> list[str]:
    said = []
    for key in unknown_keys(table, kind):
        near = did_you_mean(key, known_keys(kind))
        said.append(f"{where} unknown key {key!r} is ignored" + (f"; {near}" if near else ""))
    return said
