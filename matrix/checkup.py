"""What ``wheelmatrix doctor`` finds, as one versioned document: for the table, for programs, for who installs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from matrix.schemas import json_schema

__all__ = [
    "CheckedDriver",
    "CheckedImage",
    "CheckedProject",
    "CheckedTool",
    "Checkup",
    "Pythons",
    "Remark",
    "Standards",
    "checkup_document",
    "schema",
]


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """Something that hinders a build and that no program installs."""

    text: Annotated[str, Meta(description="What it is, in one line.")]
    hint: Annotated[str | None, Meta(description="What to do about it.")] = None


class CheckedTool(msgspec.Struct, frozen=True, kw_only=True):
    """A program that a driver or a repair needs, or can use."""

    name: Annotated[str, Meta(description="Its name on PATH.", examples=["cargo-zigbuild"])]
    path: Annotated[str | None, Meta(description="Where it was found; null when it is missing or too old.")]
    version: Annotated[str | None, Meta(description="What it says its version is.", examples=["0.15.2"])]
    needed: Annotated[bool, Meta(description="Whether the matrix cannot be built without it.")]
    install: Annotated[str, Meta(description="The command that installs it.")]


class CheckedImage(msgspec.Struct, frozen=True, kw_only=True):
    """A container image that the matrix builds in."""

    name: Annotated[str, Meta(description="Its name.", examples=["quay.io/pypa/manylinux_2_28_x86_64"])]
    here: Annotated[bool, Meta(description="Whether it is on this machine; else it is pulled when it is needed.")]


class CheckedDriver(msgspec.Struct, frozen=True, kw_only=True):
    """A driver and its tools."""

    name: Annotated[str, Meta(description="Name of the driver.")]
    needed: Annotated[bool, Meta(description="Whether the matrix needs it.")]
    ready: Annotated[bool, Meta(description="Whether everything that the matrix needs of it is here.")]
    tools: tuple[CheckedTool, ...]
    images: Annotated[tuple[CheckedImage, ...], Meta(description="Container images that it builds in.")] = ()
    remarks: Annotated[tuple[Remark, ...], Meta(description="What else keeps it from building.")] = ()


class Standards(msgspec.Struct, frozen=True, kw_only=True):
    """Standard libraries of the toolchain, as far as the matrix needs them."""

    found: Annotated[tuple[str, ...], Meta(description="Targets that can be compiled for.")] = ()
    missing: Annotated[tuple[str, ...], Meta(description="Targets whose standard library is missing.")] = ()
    install: Annotated[str, Meta(description="The command that adds them; empty where rustup is missing.")] = ""


class Pythons(msgspec.Struct, frozen=True, kw_only=True):
    """Interpreters of the matrix."""

    found: Annotated[tuple[str, ...], Meta(description="Those on this machine.", examples=[["3.12", "3.13t"]])] = ()
    tables: Annotated[tuple[str, ...], Meta(description="Those that built-in tables stand in for.")] = ()


class CheckedProject(msgspec.Struct, frozen=True, kw_only=True):
    """Whose matrix was looked at."""

    name: Annotated[str, Meta(description="Distribution name.")]
    version: Annotated[str, Meta(description="PEP 440 version.")]
    bindings: Annotated[str, Meta(description="Bindings and their locked version.", examples=["pyo3 0.30.1"])]
    cells: Annotated[int, Meta(description="Cells of the matrix.", ge=0)]
    buildable: Annotated[int, Meta(description="Those that some driver builds with what is here.", ge=0)]


class Checkup(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a matrix can be built on this machine, and what is missing."""

    version: Annotated[Literal[1], Meta(description="Version of this format.")] = 1
    host: Annotated[str, Meta(description="Rust target triple of this machine.")]
    project: Annotated[CheckedProject | None, Meta(description="The project; null where there is none to read.")]
    ready: Annotated[bool, Meta(description="Whether the whole matrix can be built.")]
    drivers: tuple[CheckedDriver, ...]
    repair: Annotated[
        CheckedTool | None, Meta(description="What brings libraries along; null where no Linux wheel is built.")
    ] = None
    header: Annotated[
        CheckedTool | None,
        Meta(
            description="What writes headers for cffi bindings; null where no wheel needs it, or none may be installed."
        ),
    ] = None
    stds: Standards = Standards()
    pythons: Pythons = Pythons()
    problems: Annotated[tuple[Remark, ...], Meta(description="What no driver here can do, and other hindrances.")] = ()
    commands: Annotated[tuple[str, ...], Meta(description="Commands that install what is missing, in order.")] = ()


def checkup_document(checkup: Checkup) -> str:
    """Return it as JSON, indented."""
    return msgspec.json.format(msgspec.json.encode(checkup, order="deterministic"), indent=2).decode()


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the document."""
    return json_schema(Checkup, "wheelmatrix doctor, version 1")
