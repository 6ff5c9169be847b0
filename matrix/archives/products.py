"""What runs write into the out directory, which may lie inside the project: never packed again."""

from __future__ import annotations

from pathlib import Path

import msgspec

from matrix.files import PAGE, REPORT, TEMPORARY
from matrix.platforms.wheel_names import escape_name

__all__ = ["Products"]


class Products(msgspec.Struct, frozen=True):
    """The files of earlier runs and of this one that are no part of the project, though they may lie in it.

    Only what a run of this project writes itself counts: everything else in the out directory is the user's own.

    Attributes:
        out: The out directory, absolute.
        name: Name of the distribution; its wheels and source distributions count.
        others: More files: the report, and the page beside it.
    """

    out: Path
    name: str
    others: tuple[Path, ...] = ()

    @classmethod
    def of(cls, name: str, out: Path, report: Path | None = None) -> Products:
        """Return what runs of a distribution write into ``out``, and their report when it is somewhere else."""
        reports = (out / REPORT, *([report] if report is not None else []))
        return cls(out, name, tuple(one for each in reports for one in (each, each.with_name(PAGE))))

    def hold(self, path: Path) -> bool:
        """Return whether a file is one of them."""
        named = path.name.lower().startswith(f"{escape_name(self.name)}-")
        archive = named and path.name.endswith((".whl", ".tar.gz"))
        unfinished = path.name.startswith(TEMPORARY) and path.name.endswith(".tmp")
        if archive or unfinished:
            return path.parent.resolve() == self.out.resolve()
        return any(path.name == one.name and path.resolve() == one.resolve() for one in self.others)
