"""Reads, checks and describes one project: pyproject.toml, and Cargo.toml through cargo.

Nothing is decided here: what a matrix word means belongs to platforms, what is built to planning.
"""

from __future__ import annotations

from matrix.project.durations import Seconds, parse_duration
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

__all__ = [
    "Changes",
    "DriverOptions",
    "Include",
    "Options",
    "Override",
    "Seconds",
    "Select",
    "XwinOptions",
    "parse_duration",
    "read_options",
]
