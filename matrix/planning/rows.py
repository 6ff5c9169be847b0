"""The exceptions to the axes: exclude and include rows, and overrides that change how cells are built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache

from matrix.errors import UsageError
from matrix.model import Compatibility, LeftOut
from matrix.planning.axes import KEY, Level, TargetWish, levels_meant
from matrix.planning.candidates import Axes, Candidate, Row
from matrix.planning.interpreters import Pick, pick_interpreters
from matrix.platforms import parse_compatibility
from matrix.project.options import Changes, Options, Select

__all__ = ["apply_rows", "selected"]


def apply_rows(axes: Axes, options: Options) -> tuple[list[Candidate], list[LeftOut], list[str]]:
    """Return the candidates that remain after exclude, include and overrides.

    As in CI matrices, exclude comes first, so a row of include can bring a cell back.

    Returns:
        The candidates with what changes them; those left out, with the row at fault; warnings about rows that
        match nothing.
    """
    kept: dict[str, Candidate] = {}
    left: dict[str, LeftOut] = {}
    used: set[str] = set()
    for candidate in axes.all():
        row = next((i for i, one in enumerate(options.exclude) if selected(one, candidate, axes)), None)
        if row is None:
            kept.setdefault(candidate.id, candidate)
        else:
            used.add(f"exclude[{row}]")
            left[candidate.id] = candidate.left_out(f"exclude[{row}] in pyproject.toml")
    for included in axes.rows:
        _include(included, axes, kept)
    changed = [_overridden(candidate, axes, options, used) for candidate in kept.values()]
    return (
        changed,
        [one for one in left.values() if one.id not in kept],
        [] if axes.request.narrows else list(_unused(options, used)),
    )


def selected(select: Select, candidate: Candidate, axes: Axes) -> bool:
    """Whether every pattern of ``select`` matches a candidate.

    An interpreter is known by its id and as people write it (``cp313t``, ``3.13t``, ``python3.13t``), the
    host's target as ``native`` too.
    """
    if select.target is not None and not _target_matches(select.target, candidate.wish, axes):
        return False
    if select.interpreter is not None and not any(
        fnmatchcase(name, select.interpreter) for name in _names(candidate.pick.id)
    ):
        return False
    if select.compatibility is not None and not _level_matches(select.compatibility, candidate.level.level):
        return False
    return select.id is None or fnmatchcase(candidate.id, select.id)


def _target_matches(pattern: str, wish: TargetWish, axes: Axes) -> bool:
    if pattern == "native":
        return wish.target == axes.facts.host.target
    return fnmatchcase(wish.target.triple, pattern)


@lru_cache(maxsize=256)
def _names(interpreter: str) -> tuple[str, ...]:
    """Return what a Python is called besides its id: ``pp311`` is ``pypy3.11`` too."""
    for prefix, names in (
        ("cp3", ("", "python", "cpython")),
        ("pp3", ("pypy",)),
        ("graalpy3", ("graalpy",)),
    ):
        if interpreter.startswith(prefix):
            version = f"3.{interpreter.removeprefix(prefix)}"
            return (interpreter, *(f"{name}{version}" for name in names))
    return (interpreter,)


@lru_cache(maxsize=256)
def _level(pattern: str) -> Compatibility | None:
    """Return the level that a pattern without wildcards means: ``2014`` is ``manylinux_2_17``."""
    try:
        wish = parse_compatibility(pattern)
    except UsageError:
        return None
    return wish if isinstance(wish, Compatibility) else None


def _level_matches(pattern: str, level: Compatibility) -> bool:
    return fnmatchcase(str(level), pattern) or level == _level(pattern)


def _include(row: Row, axes: Axes, kept: dict[str, Candidate]) -> None:
    """Extend the candidates that agree with a row; where there is none, or it has a name, add candidates."""
    agreeing: list[Candidate] = []
    new: list[Candidate] = []
    for wish in _row_targets(row, axes):
        picks, levels = _row_picks(row, wish, axes), _row_levels(row, wish, axes)
        ids, wanted = {pick.id for pick in picks}, {level.level for level in levels}
        agreeing += [
            one
            for one in kept.values()
            if one.wish.target == wish.target and one.pick.id in ids and one.level.level in wanted and not one.name
        ]
        new += axes.combine(wish, picks, levels, axes.levels.pypi)
    name = row.include.name
    pypi = row.levels is not None and row.levels.pypi
    for one in agreeing or new:
        changed = one._replace(pypi=one.pypi or pypi, changes=(*one.changes, (row.origin, row.include)))
        if name is None:
            kept[one.id] = changed
            continue
        variant = changed._replace(id=f"{one.id}-{name}", name=name)
        if variant.id in kept:
            raise UsageError(
                f"{row.origin}: {variant.id} stands in the matrix already",
                hint="give every variant a name of its own",
            )
        kept[variant.id] = variant


def _row_targets(row: Row, axes: Axes) -> Sequence[TargetWish]:
    if row.wish is None:
        return axes.targets
    known = [wish for wish in axes.targets if row.wish.target == wish.target]
    return known or ([] if axes.request.targets is not None else [row.wish])


def _row_picks(row: Row, wish: TargetWish, axes: Axes) -> Sequence[Pick]:
    picks = axes.picks(wish)
    if row.word is None or axes.any_python:
        return picks
    known = {pick.id: pick for pick in picks}
    flagged = axes.request.interpreters is not None or axes.request.find
    named = pick_interpreters([row.word], wish.target, axes.facts)
    return [known.get(pick.id, pick) for pick in named if not flagged or pick.id in known]


def _row_levels(row: Row, wish: TargetWish, axes: Axes) -> Sequence[Level]:
    levels = axes.target_levels(wish)
    if row.levels is None or not row.levels.choices:
        return levels
    known = {level.level: level for level in levels}
    flagged = axes.request.compatibility is not None
    meant = levels_meant(row.levels, wish.target)
    return [known.get(level.level, level) for level in meant if not flagged or level.level in known]


def _overridden(candidate: Candidate, axes: Axes, options: Options, used: set[str]) -> Candidate:
    changes: list[tuple[str, Changes]] = []
    for index, override in enumerate(options.overrides):
        if selected(override.select, candidate, axes):
            used.add(f"overrides[{index}]")
            changes.append((f"{KEY} overrides[{index}]", override))
    return candidate._replace(changes=(*candidate.changes, *changes)) if changes else candidate


def _unused(options: Options, used: Iterable[str]) -> Iterator[str]:
    rows = [f"exclude[{index}]" for index in range(len(options.exclude))]
    rows += [f"overrides[{index}]" for index in range(len(options.overrides))]
    for row in rows:
        if row not in used:
            yield f"{KEY} {row} matches no cell"
