"""The options of ``[tool.wheelmatrix]``: declared once, with the words that document them.

The descriptions here are the reference in README and the JSON Schema; nothing else says what a key
means. Keys are written in kebab-case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from matrix.driver import DockerOptions, XwinOptions
from matrix.errors import ConfigError
from matrix.project.checked import convert_table
from matrix.project.durations import Seconds

__all__ = [
    "Changes",
    "DockerOptions",
    "DriverOptions",
    "Include",
    "Options",
    "Override",
    "Select",
    "XwinOptions",
    "read_options",
]

WHERE = "pyproject.toml: [tool.wheelmatrix]"


class Select(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab", omit_defaults=True):
    """Selects cells by shell-style patterns (``*``, ``?``, ``[…]``); what is not named matches every cell."""

    interpreter: Annotated[
        str | None,
        Meta(
            description="Pattern of interpreter ids (`cp312`) or names (`3.12`, `pypy3.11`).",
            examples=["pypy*", "cp3*t"],
        ),
    ] = None
    target: Annotated[
        str | None,
        Meta(description="Pattern of target triples, or `native`.", examples=["*-musl", "aarch64-unknown-linux-gnu"]),
    ] = None
    compatibility: Annotated[
        str | None, Meta(description="Pattern of compatibility levels.", examples=["manylinux_2_28", "musllinux*"])
    ] = None
    id: Annotated[
        str | None, Meta(description="Pattern of whole cell ids.", examples=["cp312-x86_64-unknown-linux-gnu"])
    ] = None


class Changes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """What a row or an override changes in how a cell is built; ``None`` leaves it as it is."""

    features: Annotated[
        tuple[str, ...] | None, Meta(description="Cargo features, in place of the project's.", examples=[["simd"]])
    ] = None
    all_features: Annotated[bool | None, Meta(description="Whether every cargo feature is activated.")] = None
    no_default_features: Annotated[bool | None, Meta(description="Whether the default features are left out.")] = None
    profile: Annotated[str | None, Meta(description="Cargo profile.", examples=["release", "dist"])] = None
    env: Annotated[
        dict[str, str] | None,
        Meta(description="Environment variables set for the build.", examples=[{"OPENSSL_STATIC": "1"}]),
    ] = None
    driver: Annotated[
        str | None,
        Meta(
            description="Driver that builds it: `cargo`, `zig`, `xwin` or `docker`; `auto` lets wheelmatrix choose.",
            examples=["zig"],
        ),
    ] = None
    image: Annotated[
        str | None,
        Meta(
            description="Container image to build in, with the docker driver.",
            examples=["quay.io/pypa/manylinux_2_28_aarch64"],
        ),
    ] = None
    timeout: Annotated[
        Seconds | None, Meta(description="Time limit of its build.", examples=["20m", "90s", "1h", 1200])
    ] = None
    cargo_args: Annotated[
        tuple[str, ...] | None, Meta(description="More arguments for cargo.", examples=[["-Zbuild-std"]])
    ] = None
    rustc_args: Annotated[
        tuple[str, ...] | None,
        Meta(description="Arguments for rustc when it compiles the crate itself.", examples=[["-Ctarget-cpu=native"]]),
    ] = None
    strip: Annotated[bool | None, Meta(description="Whether symbols are stripped from the binary.")] = None


class Include(Changes, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """A row of ``include``: extends the cells it matches, or adds the cell it names."""

    interpreter: Annotated[
        str | None, Meta(description="Interpreter of the row, as in `interpreters`.", examples=["3.13t", "pypy3.11"])
    ] = None
    target: Annotated[
        str | None, Meta(description="Target of the row, as in `targets`.", examples=["aarch64-apple-darwin"])
    ] = None
    compatibility: Annotated[
        str | None,
        Meta(description="Compatibility level of the row, as in `compatibility`.", examples=["manylinux_2_28"]),
    ] = None
    name: Annotated[
        str | None,
        Meta(description="Name of the variant; its cells' ids end with it.", examples=["simd"]),
    ] = None


class Override(Changes, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Changes how the cells that ``select`` matches are built; later overrides win."""

    select: Annotated[Select, Meta(description="Which cells; required, and every pattern given must match.")]


class DriverOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Settings of one driver."""

    jobs: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="Most builds of this driver at once.", examples=[2]),
    ] = None


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The matrix and how it is run: the table ``[tool.wheelmatrix]`` of pyproject.toml."""

    interpreters: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description=(
                "Pythons to build for: versions, specifiers (released Pythons that the project and its bindings allow),"
                " names, paths, or `found` for every usable one on this machine. None given: the current `python3`."
            ),
            examples=[[">=3.10", "3.14t", "pypy3.11"], ["found"], ["python3.12"]],
        ),
    ] = ()
    targets: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description=(
                "Target triples to build for, `native` for this machine's own, `universal2-apple-darwin` for both"
                " kinds of Mac in one wheel. None given: what cargo's configuration names"
                " (`CARGO_BUILD_TARGET`, `build.target`), else `native`."
            ),
            examples=[["native"], ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-musl"]],
        ),
    ] = ()
    compatibility: Annotated[
        tuple[str | Annotated[tuple[str, ...], Meta(min_length=1)], ...],
        Meta(
            min_length=1,
            description=(
                "Platform-tag levels. Each gives one wheel for every target that it fits; of a nested list the best"
                " level met is taken. None given: the best level that the wheel meets."
            ),
            examples=[["manylinux_2_17", "musllinux_1_2"], [["manylinux_2_17", "manylinux_2_28"]], ["pypi"]],
        ),
    ] = ()
    exclude: Annotated[
        tuple[Select, ...],
        Meta(
            description="Cells to leave out: those that all patterns of a row match; `include` can bring one back.",
            examples=[[{"interpreter": "pypy*", "target": "*-musl"}]],
        ),
    ] = ()
    include: Annotated[
        tuple[Include, ...],
        Meta(
            description=(
                "Rows as in CI matrices: a row changes the cells that agree with the axes it names, and adds a cell"
                " when there is none, or when it has a `name`."
            ),
            examples=[[{"interpreter": "3.13", "name": "simd", "features": ["simd"]}]],
        ),
    ] = ()
    overrides: Annotated[
        tuple[Override, ...],
        Meta(
            description="Changes to how selected cells are built, applied in order.",
            examples=[[{"select": {"target": "aarch64-*"}, "profile": "dist", "timeout": "20m"}]],
        ),
    ] = ()
    jobs: Annotated[
        Annotated[int, Meta(ge=1, le=4096)] | None,
        Meta(
            description="Slots of the whole run (`-j`): the most rustc processes at once. None given: one a CPU.",
            examples=[4],
        ),
    ] = None
    timeout: Annotated[
        Seconds | None, Meta(description="Time limit of every build.", examples=["20m", "90s", "1h", 1200])
    ] = None
    fail_fast: Annotated[bool, Meta(description="Stop the other builds when one fails.")] = False
    drivers: Annotated[
        dict[str, DriverOptions],
        Meta(description="Settings of drivers, by name.", examples=[{"cargo": {"jobs": 2}}]),
    ] = {}
    xwin: Annotated[XwinOptions, Meta(description="Settings of the xwin driver.")] = XwinOptions()
    docker: Annotated[DockerOptions, Meta(description="Settings of the docker driver.")] = DockerOptions()


def read_options(table: Mapping[str, Any], where: str = WHERE) -> Options:
    """Return ``[tool.wheelmatrix]`` as options.

    Only keys and types are judged here; what an interpreter word or a triple means is not.

    Args:
        table: The table as TOML reads it.
        where: File and table for error messages.

    Raises:
        ConfigError: A key is unknown or a value does not fit; names the key.
    """
    options = convert_table(table, Options, where)
    if Select() in options.exclude:
        row = options.exclude.index(Select())
        raise ConfigError(
            f"{where} exclude[{row}]: the row names nothing, so it would leave out every cell",
            hint="name an interpreter, a target, a compatibility or an id",
        )
    if Include() in options.include:
        raise ConfigError(f"{where} include[{options.include.index(Include())}]: the row names nothing")
    return options
