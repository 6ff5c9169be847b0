"""Candidates: one for every combination of the axes, before anything is decided about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from matrix.errors import UsageError
from matrix.model import LeftOut, StableAbi
from matrix.planning.axes import (
    KEY,
    Level,
    LevelWishes,
    TargetWish,
    Word,
    interpreter_words,
    level_axis,
    level_wishes,
    levels_meant,
    levels_of,
    target_axis,
    target_wish,
)
from matrix.planning.cross import cross_default
from matrix.planning.interpreters import ANY_PYTHON, Pick, default_pick, pick_interpreters
from matrix.planning.request import Facts, Request
from matrix.platforms import slices
from matrix.project.options import Changes, Include, Options

__all__ = ["Axes", "Candidate", "Row", "read_axes", "unmeant_levels"]

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)  # names lanes and logs


class Candidate(NamedTuple):
    """One wheel that is asked for.

    Attributes:
        id: Id of the cell: Python and target, the level when the target has several, the name of a variant.
        pick: The Python.
        wish: The target.
        level: The level.
        pypi: Whether PyPI must take the wheel.
        name: Name of the variant, or empty.
        changes: What rows change in how it is built, in order, each with where it was written.
    """

    id: str
    pick: Pick
    wish: TargetWish
    level: Level
    pypi: bool
    name: str = ""
    changes: tuple[tuple[str, Changes], ...] = ()

    def left_out(self, reason: str, hint: str | None = None, *, missing: bool = False) -> LeftOut:
        """Return what is told when it is not built."""
        triple = self.wish.target.triple
        return LeftOut(id=self.id, reason=reason, interpreter=self.pick.id, target=triple, hint=hint, missing=missing)

    @property
    def parts(self) -> tuple[Candidate, ...]:
        """What is built for it: itself, or the same for each architecture that is joined in universal2."""
        targets = slices(self.wish.target)
        if len(targets) == 1:
            return (self,)
        return tuple(self._replace(wish=self.wish._replace(target=target, explicit=True)) for target in targets)


class Row(NamedTuple):
    """A row of ``include``, with what its words mean; ``None`` for an axis that it does not name."""

    include: Include
    origin: str
    word: Word | None
    wish: TargetWish | None
    levels: LevelWishes | None


class Axes(msgspec.Struct, frozen=True, kw_only=True):
    """The three axes as they were written, and what they mean for any target.

    Attributes:
        targets: The targets axis.
        words: The interpreters axis; empty for the current ``python3``.
        levels: The compatibility axis.
        rows: The include rows.
        request: The flags.
        facts: What was found on this machine.
        stable: Stable ABIs of the project: the first's floor stands in when there is no Python at all.
        any_python: Whether one wheel serves every Python, so that the interpreters axis has a single point.
    """

    targets: tuple[TargetWish, ...]
    words: tuple[Word, ...]
    levels: LevelWishes
    rows: tuple[Row, ...]
    request: Request
    facts: Facts
    stable: Sequence[StableAbi]
    any_python: bool = False

    def picks(self, wish: TargetWish) -> tuple[Pick, ...]:
        """Return the Pythons for a target."""
        if self.any_python:
            return (ANY_PYTHON,)
        if not self.words:
            told = cross_default(wish.target, self.facts)
            return (told or default_pick(wish.target, self.facts, self.stable),)
        return pick_interpreters(self.words, wish.target, self.facts)

    def target_levels(self, wish: TargetWish) -> tuple[Level, ...]:
        """Return the levels for a target."""
        return level_axis(self.levels, wish.target, skip_audit=self.request.skip_audit)

    def several(self, wish: TargetWish) -> bool:
        """Whether the axis and the include rows ask for several levels of a target, so that ids must tell them."""
        levels = {level.level for level in self.target_levels(wish)}
        if self.request.compatibility is None:
            for row in self.rows:
                if row.levels is not None and (row.wish is None or row.wish.target == wish.target):
                    levels |= {level.level for level in levels_meant(row.levels, wish.target)}
        return len(levels) > 1

    def combine(
        self,
        wish: TargetWish,
        picks: Iterable[Pick],
        levels: Sequence[Level],
        pypi: bool,
    ) -> Iterator[Candidate]:
        """Yield every combination of Pythons and levels on a target."""
        several = self.several(wish)
        for pick in picks:
            stem = f"{pick.id}-{wish.target.triple}"
            for level in levels:
                yield Candidate(f"{stem}-{level.level}" if several else stem, pick, wish, level, pypi)

    def all(self) -> list[Candidate]:
        """Return every combination of the three axes, target by target."""
        return [
            candidate
            for wish in self.targets
            for candidate in self.combine(wish, self.picks(wish), self.target_levels(wish), self.levels.pypi)
        ]


def unmeant_levels(axes: Axes) -> Iterator[str]:
    """Yield a warning for every Linux target that none of the levels asked for is about."""
    words = ", ".join(dict.fromkeys(str(level) for levels, _ in axes.levels.choices for level in levels))
    for wish in axes.targets:
        if words and wish.target.os == "linux" and not levels_meant(axes.levels, wish.target):
            yield f"no level asked for ({words}) is one of {wish.target.triple}: its wheels get the best level met"


def read_axes(
    request: Request,
    options: Options,
    facts: Facts,
    *,
    stable: Sequence[StableAbi] = (),
    maturin: Sequence[str] = (),
    any_python: bool = False,
) -> Axes:
    """Return the axes that flags, matrix and ``[tool.maturin]`` ask for.

    Args:
        request: The flags.
        options: The matrix.
        facts: What was found on this machine.
        stable: Stable ABIs of the project.
        maturin: ``compatibility`` of ``[tool.maturin]``.
        any_python: Whether one wheel serves every Python.

    Raises:
        UsageError: A word means nothing, a target or a level is not known, or a variant's name is unfit.
    """
    host = facts.host.target
    rows = []
    for index, include in enumerate(options.include):
        origin = f"{KEY} include[{index}]"
        if include.name is not None and not _NAME.fullmatch(include.name):
            raise UsageError(
                f"{origin}.name: {include.name!r} cannot be part of a file name",
                hint="use letters, digits, '.', '_' and '-', a letter or digit first",
            )
        rows.append(
            Row(
                include,
                origin,
                None
                if include.interpreter is None
                else Word(include.interpreter, f"{origin}.interpreter", named=False),
                None
                if include.target is None
                else target_wish(include.target, host, f"{origin}.target", explicit_host=request.explicit_host),
                None
                if include.compatibility is None
                else levels_of([(include.compatibility, f"{origin}.compatibility")], named=False),
            )
        )
    return Axes(
        targets=target_axis(request, options, host),
        words=tuple(interpreter_words(request, options)),
        levels=level_wishes(request, options, maturin),
        rows=tuple(rows),
        request=request,
        facts=facts,
        stable=stable,
        any_python=any_python,
    )
