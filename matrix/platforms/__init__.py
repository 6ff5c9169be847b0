"""What Python and Rust call the platforms of this world, and the Pythons found on this machine or known from tables.

Targets and levels are parsed here, interpreters found and asked, and what an index accepts is known.
"""

from __future__ import annotations

from matrix.platforms.candidates import World
from matrix.platforms.compatibility import (
    AUTO,
    LINUX,
    PYPI,
    Wish,
    fits,
    misfit,
    parse_compatibility,
    rust_floor,
)
from matrix.platforms.discover import Discovery, Installation, default_interpreter, find_installations, find_named
from matrix.platforms.inspect import inspect_executables
from matrix.platforms.platform_tags import TAG_VARIABLES, deployment_target, platform_tags
from matrix.platforms.pypi import pypi_rejects
from matrix.platforms.requests import InterpreterRequest, expand, matches, parse_request, unmatched
from matrix.platforms.tables import (
    OLDEST,
    Release,
    absence,
    known_interpreter,
    known_interpreters,
    released_versions,
    suits,
)
from matrix.platforms.targets import UNIVERSAL2, archflags_target, host_target, known_triples, parse_target, slices

__all__ = [
    "AUTO",
    "LINUX",
    "OLDEST",
    "PYPI",
    "TAG_VARIABLES",
    "UNIVERSAL2",
    "Discovery",
    "Installation",
    "InterpreterRequest",
    "Release",
    "Wish",
    "World",
    "absence",
    "archflags_target",
    "default_interpreter",
    "deployment_target",
    "expand",
    "find_installations",
    "find_named",
    "fits",
    "host_target",
    "inspect_executables",
    "known_interpreter",
    "known_interpreters",
    "known_triples",
    "matches",
    "misfit",
    "parse_compatibility",
    "parse_request",
    "parse_target",
    "platform_tags",
    "pypi_rejects",
    "released_versions",
    "rust_floor",
    "slices",
    "suits",
    "unmatched",
]
