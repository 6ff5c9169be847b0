"""Decides: project, flags and what this machine has become a plan of cells and builds.

Pure functions over frozen values: axes become candidates, rows change or drop them, each is judged, and
what shares a binary shares a build. Nothing here runs a process, reads a file or looks at the environment.
"""

from __future__ import annotations

from matrix.planning.lookups import Lookups, needed_lookups
from matrix.planning.plan import make_plan
from matrix.planning.request import Facts, Request

__all__ = [
    "Facts",
    "Lookups",
    "Request",
    "make_plan",
    "needed_lookups",
]
