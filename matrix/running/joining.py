"""Which cells an ended build completes: its own, and those that join its binary with another build's (universal2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from matrix.archives import join_slices
from matrix.model import Build, Cell, Outcome, Plan
from matrix.platforms import TAG_VARIABLES

__all__ = ["Joiner", "Made", "joined"]


class Made(NamedTuple):
    """What cells are made from.

    Attributes:
        name: Names what is remembered of it between runs.
        build: The build; for several, the first of them with the target of the cells.
        outcome: How it ended; for several, what all of them did together.
        cells: The cells, in plan order.
        slices: The builds whose binaries are still to be joined, and how each ended; empty when there is one.
    """

    name: str
    build: Build
    outcome: Outcome
    cells: tuple[Cell, ...]
    slices: tuple[tuple[Build, Outcome], ...] = ()

    def environs(self, run: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the variables that decide on the platform tag, of the run and of each build joined."""
        builds = [build for build, _ in self.slices] or [self.build]
        own = [{name: build.settings.env.get(name) for name in TAG_VARIABLES} for build in builds]
        said = [{name: value for name, value in env.items() if value is not None} for env in own]
        return [{**run, **env} for env in said]


class Joiner:
    """Holds good outcomes back until every build that a cell needs has ended well."""

    def __init__(self, plan: Plan) -> None:
        self._cells = {cell.id: cell for cell in plan.cells}
        self._ended: dict[str, tuple[Build, Outcome]] = {}

    def made(self, build: Build, outcome: Outcome) -> Iterator[Made]:
        """Yield what can be finished now that ``build`` has ended well."""
        self._ended[build.id] = (build, outcome)
        alone: list[Cell] = []
        together: dict[tuple[str, ...], list[Cell]] = {}
        for name in build.cells:
            cell = self._cells[name]
            if cell.joined:
                together.setdefault((cell.build, *cell.joined), []).append(cell)
            else:
                alone.append(cell)
        if alone:
            yield Made(build.id, build, outcome, tuple(alone))
        for builds, cells in together.items():
            if all(name in self._ended for name in builds):
                yield _together([self._ended[name] for name in builds], cells)


def _together(slices: list[tuple[Build, Outcome]], cells: list[Cell]) -> Made:
    first, outcome = slices[0]
    outcomes = [one for _, one in slices]
    return Made(
        name="+".join(build.id for build, _ in slices),
        build=msgspec.structs.replace(first, target=cells[0].target, cells=tuple(cell.id for cell in cells)),
        outcome=msgspec.structs.replace(
            outcome,
            compiled=sum(one.compiled for one in outcomes),
            fresh=sum(one.fresh for one in outcomes),
        ),
        cells=tuple(cells),
        slices=tuple(slices),
    )


def joined(made: Made, staging: Path) -> Made:
    """Join the binaries of several builds, each into one file; what one build made alone is returned as it is.

    Args:
        made: What was made.
        staging: A directory of this run; the files lie in a directory of its own below it.

    Raises:
        WheelmatrixError: A binary is no file that can be joined.
        OSError: A file cannot be read or written.
    """
    if not made.slices:
        return made
    folder = staging / made.name
    folder.mkdir(parents=True, exist_ok=True)
    others = [{one.crate: one for one in outcome.artifacts} for _, outcome in made.slices]
    artifacts = []
    for artifact in made.outcome.artifacts:
        if artifact.kind in {"generated", "stub"} or (artifact.kind == "companion" and "/DWARF/" not in artifact.crate):
            artifacts.append(artifact)
            continue
        files = [Path(same[artifact.crate].path) for same in others if artifact.crate in same]
        file = folder / (artifact.crate if artifact.kind == "companion" else files[0].name)
        file.parent.mkdir(parents=True, exist_ok=True)
        join_slices(files, file)
        artifacts.append(msgspec.structs.replace(artifact, path=str(file)))
    return made._replace(outcome=msgspec.structs.replace(made.outcome, artifacts=tuple(artifacts)))
