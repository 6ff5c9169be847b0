"""The Pythons of this machine, and those known for a target without being here, as rows of a table."""

from __future__ import annotations

from matrix.platforms.discover import find_installations
from matrix.platforms.tables import absence, known_interpreter, released_versions
from matrix.platforms.targets import parse_target
from matrix.reporting.tables import InterpreterRow

__all__ = ["found_rows", "known_rows"]


async def found_rows() -> tuple[list[InterpreterRow], tuple[str, ...]]:
    """Return a row for every Python of this machine, and what is to be said of others."""
    found = await find_installations()
    rows = [
        InterpreterRow(interpreter=one.interpreter, executable=str(one.executable), source=one.source)
        for one in found.installations
    ]
    return rows, (*found.notes, *found.unsupported)


def known_rows(triple: str) -> list[InterpreterRow]:
    """Return a row for every released Python that a target has.

    Raises:
        UsageError: There is no such target.
    """
    target = parse_target(triple, "--target")
    return [
        InterpreterRow(interpreter=known_interpreter(one.implementation, one.version, target, threaded=one.threaded))
        for one in released_versions()
        if absence(one, target) is None
    ]
