"""The plan for programs: what ``wheelmatrix plan --json`` prints, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from matrix.masking import mask_argv
from matrix.model import Build, Cell, LeftOut, Plan, Settings
from matrix.schemas import json_schema

__all__ = ["PlanDocument", "PlannedBuild", "PlannedCell", "PlannedProject", "describe_plan", "plan_document", "schema"]


class PlannedProject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose wheels are planned."""

    name: Annotated[str, Meta(description="Distribution name.")]
    version: Annotated[str, Meta(description="PEP 440 version.")]
    bindings: Annotated[str, Meta(description="Bindings and their locked version.", examples=["pyo3 0.30.1"])]


class PlannedCell(msgspec.Struct, frozen=True, kw_only=True):
    """One wanted wheel."""

    id: Annotated[str, Meta(description="Unique in the plan; what `--only` takes.")]
    interpreter: Annotated[str | None, Meta(description="Id of its Python.", examples=["cp312"])]
    target: Annotated[str, Meta(description="Rust target triple.")]
    compatibility: Annotated[str, Meta(description="Level wished for.", examples=["auto", "manylinux_2_28"])]
    pypi: Annotated[bool, Meta(description="Whether PyPI must take the wheel.")]
    build: Annotated[str, Meta(description="Id of the build that makes its binary.")]
    joined: Annotated[
        tuple[str, ...], Meta(description="Ids of further builds joined with it into one file (universal2).")
    ] = ()
    file: Annotated[str, Meta(description="Expected file name; `*` stands for what the audit will choose.")]
    found: Annotated[bool, Meta(description="Whether its Python is on this machine; else tables know it.")]
    why: Annotated[str, Meta(description="Why its driver was chosen.")]


class PlannedBuild(msgspec.Struct, frozen=True, kw_only=True):
    """One compile."""

    id: Annotated[str, Meta(description="Unique in the plan; names lane and log.")]
    target: Annotated[str, Meta(description="Rust target triple.")]
    interpreter: Annotated[str | None, Meta(description="Id of the Python it is compiled against.")]
    stable_abi: Annotated[str | None, Meta(description="Stable ABI and floor.", examples=["abi3-cp39"])]
    driver: Annotated[str, Meta(description="Name of the driver.")]
    settings: Annotated[
        Settings, Meta(description="How it is made, secrets hidden; `***` is a variable's value, null unsets it.")
    ]
    command: Annotated[
        tuple[str, ...] | None,
        Meta(description="Program and arguments that it would run, with this machine's paths; secrets hidden."),
    ]
    cells: Annotated[tuple[str, ...], Meta(description="Ids of the cells it serves.")]
    files: Annotated[tuple[str, ...], Meta(description="Files its cells make, each once.")]
    expected: Annotated[float | None, Meta(description="Seconds it took the last time.")]


class PlanDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What would happen; builds in the order they start."""

    version: Annotated[Literal[1], Meta(description="Version of this format.")] = 1
    project: PlannedProject
    cells: tuple[PlannedCell, ...]
    builds: tuple[PlannedBuild, ...]
    left_out: Annotated[tuple[LeftOut, ...], Meta(description="What is not built, each with its reason.")] = ()
    warnings: tuple[str, ...] = ()


def plan_document(plan: Plan, commands: Mapping[str, tuple[str, ...]] | None = None) -> str:
    """Return the plan as JSON, indented.

    Args:
        plan: The plan.
        commands: Program and arguments of each build, by its id, as far as known.
    """
    text = msgspec.json.encode(describe_plan(plan, commands), order="deterministic")
    return msgspec.json.format(text, indent=2).decode()


def describe_plan(plan: Plan, commands: Mapping[str, tuple[str, ...]] | None = None) -> PlanDocument:
    """Return the plan as a document; see :func:`plan_document`."""
    files = {cell.id: cell.file for cell in plan.cells}
    return PlanDocument(
        project=PlannedProject(name=plan.project, version=plan.version, bindings=plan.bindings),
        cells=tuple(_cell(cell) for cell in plan.cells),
        builds=tuple(_build(build, files, (commands or {}).get(build.id)) for build in plan.builds),
        left_out=plan.left_out,
        warnings=plan.warnings,
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return json_schema(PlanDocument, "wheelmatrix plan, version 1")


def _cell(cell: Cell) -> PlannedCell:
    return PlannedCell(
        id=cell.id,
        interpreter=None if cell.interpreter is None else cell.interpreter.id,
        target=cell.target.triple,
        compatibility=str(cell.compatibility),
        pypi=cell.pypi,
        build=cell.build,
        joined=cell.joined,
        file=cell.file,
        found=cell.interpreter is not None and cell.interpreter.runnable,
        why=cell.why,
    )


def _build(build: Build, files: Mapping[str, str], command: tuple[str, ...] | None) -> PlannedBuild:
    abi = build.stable_abi
    settings = msgspec.structs.replace(
        build.settings,
        env={name: None if value is None else "***" for name, value in build.settings.env.items()},
        cargo_args=mask_argv(build.settings.cargo_args),
        rustc_args=mask_argv(build.settings.rustc_args),
    )
    return PlannedBuild(
        id=build.id,
        target=build.target.triple,
        interpreter=None if build.interpreter is None else build.interpreter.id,
        stable_abi=None if abi is None else f"{abi.kind}-{abi.python_tag}",
        driver=build.driver,
        settings=settings,
        command=None if command is None else mask_argv(command),
        cells=build.cells,
        files=tuple(dict.fromkeys(files[cell] for cell in build.cells)),
        expected=build.expected,
    )
