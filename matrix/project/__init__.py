"""Reads, checks and describes one project: pyproject.toml, and Cargo.toml through cargo.

Nothing is decided here: what a matrix word means belongs to platforms, what is built to planning.
"""

from __future__ import annotations

from matrix.project.bindings import ANY_FLOOR, Bindings, BindingsKind
from matrix.project.cargo import CargoFlags, find_cargo
from matrix.project.crate import Crate
from matrix.project.durations import Seconds, parse_duration
from matrix.project.features import ConditionalFeature, Features
from matrix.project.maturin_options import FileRow, MaturinOptions
from matrix.project.module import Module
from matrix.project.options import (
    Changes,
    DriverOptions,
    Include,
    Options,
    Override,
    Select,
    XwinOptions,
    read_options,
)
from matrix.project.profiles import check_profiles
from matrix.project.read import Project, foresee, read_project

__all__ = [
    "ANY_FLOOR",
    "Bindings",
    "BindingsKind",
    "CargoFlags",
    "Changes",
    "ConditionalFeature",
    "Crate",
    "DriverOptions",
    "Features",
    "FileRow",
    "Include",
    "MaturinOptions",
    "Module",
    "Options",
    "Override",
    "Project",
    "Seconds",
    "Select",
    "XwinOptions",
    "check_profiles",
    "find_cargo",
    "foresee",
    "parse_duration",
    "read_options",
    "read_project",
]
