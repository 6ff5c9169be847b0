"""The whole decision: project, request and facts become a plan. Pure; nothing is run or read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from matrix.errors import UsageError, did_you_mean
from matrix.model import Cell, LeftOut, Plan, StableAbi
from matrix.planning.builds import assemble, check_files, starting_order, trimmed
from matrix.planning.candidates import Candidate, read_axes, unmeant_levels
from matrix.planning.judging import Judge, Judged, check_drivers
from matrix.planning.request import Facts, Request
from matrix.planning.rows import apply_rows
from matrix.planning.settings import Recipes
from matrix.project.bindings import ANY_FLOOR
from matrix.project.read import Project

__all__ = ["make_plan"]

_SHOWN = 3  # left-out cells told when nothing remains


def make_plan(project: Project, request: Request, facts: Facts) -> Plan:
    """Return what will be built, and what is left out with its reason.

    Args:
        project: The project, read and checked.
        request: What the flags said.
        facts: What was found on this machine; see ``needed_lookups`` for what must be looked up before.

    Raises:
        UsageError: A word means nothing, a flag names what cannot be built, two cells would make the same file,
            ``--only`` matches nothing, or nothing remains to be built.
        ConfigError: The matrix names a driver that does not exist.
    """
    request = msgspec.structs.replace(request, skip_audit=request.skip_audit or project.maturin.skips_audit)
    check_drivers(project, facts)
    axes = read_axes(
        request,
        project.options,
        facts,
        stable=_stand_in(project),
        maturin=project.maturin.levels,
        any_python=project.bindings.any_python,
    )
    candidates, excluded, warnings = apply_rows(axes, project.options)
    warnings = [*warnings, *unmeant_levels(axes)]
    verdicts = _judge(candidates, project, request, facts)
    cells, builds = assemble(verdicts.judged, project, facts.durations)
    left = [*excluded, *verdicts.left_out]
    if request.only:
        cells, left = _only(request.only, cells, left, lenient=request.surveys)
        builds = trimmed(builds, (cell.id for cell in cells))
    if not cells and not request.surveys:
        raise _nothing(left, project)
    check_files(cells, builds)
    return Plan(
        project=project.name,
        version=project.version,
        bindings=project.bindings.label,
        cells=tuple(cells),
        builds=starting_order(builds),
        left_out=tuple(left),
        warnings=tuple(dict.fromkeys([*project.warnings, *warnings, *verdicts.warnings])),
    )


class _Verdicts(NamedTuple):
    judged: list[Judged]
    left_out: list[LeftOut]
    warnings: list[str]


def _judge(candidates: Iterable[Candidate], project: Project, request: Request, facts: Facts) -> _Verdicts:
    """Judge every candidate; what a specifier merely does not mean is neither built nor left out."""
    recipes, judge = Recipes(project, request, facts), Judge(project, request, facts)
    found = _Verdicts([], [], [])
    fruitless: dict[str, bool] = {}
    for candidate in candidates:
        parts = [(part, recipes.recipe(part)) for part in candidate.parts]
        verdict = judge.judge(candidate, recipes.recipe(candidate), parts)
        silent = not isinstance(verdict, Judged) and verdict.about_python and candidate.pick.broad
        fruitless[candidate.pick.origin] = fruitless.get(candidate.pick.origin, True) and silent
        if isinstance(verdict, Judged):
            found.judged.append(verdict)
            found.warnings.extend(judge.warnings(candidate))
            image = verdict.recipe.settings.image
            if image is not None and verdict.choice.image is None:
                found.warnings.append(f"image {image!r} is not used: {verdict.choice.driver} builds in no container")
        elif not silent:
            found.left_out.append(candidate.left_out(verdict.reason, verdict.hint, missing=verdict.missing))
    for origin, fruit in fruitless.items():
        if fruit:
            found.warnings.append(f"{origin}: no released Python that {_allowed(project)}")
    return found


def _allowed(project: Project) -> str:
    requires = f" and requires-python {project.requires_python!r}" if project.requires_python else ""
    return f"{project.bindings.label}{requires} allow{'' if requires else 's'}"


def _stand_in(project: Project) -> tuple[StableAbi, ...]:
    """Return the stable ABIs, with the oldest Python of the bindings for a floor that no feature names."""
    oldest = project.bindings.ranges.get("cpython")
    return tuple(
        StableAbi(kind=abi.kind, version=oldest[0]) if abi.version == ANY_FLOOR and oldest else abi
        for abi in project.bindings.stable
    )


def _only(
    patterns: Sequence[str], cells: Sequence[Cell], left: Sequence[LeftOut], *, lenient: bool = False
) -> tuple[list[Cell], list[LeftOut]]:
    """Return what the patterns of ``--only`` pick; when ``lenient``, what is left out may be picked too.

    Raises:
        UsageError: A pattern picks nothing, or only what is left out.
    """
    for pattern in patterns:
        if any(fnmatchcase(cell.id, pattern) for cell in cells):
            continue
        gone = next((one for one in left if fnmatchcase(one.id, pattern)), None)
        if gone is not None and lenient:
            continue
        if gone is not None:
            raise UsageError(f"--only {pattern}: {gone.id} is left out: {gone.reason}")
        ids = [cell.id for cell in cells]
        hint = (
            did_you_mean(pattern, ids) or f"cells of this matrix: {', '.join(ids[:_SHOWN])}{' …' * (len(ids) > _SHOWN)}"
        )
        raise UsageError(f"--only {pattern}: no cell has such an id", hint=hint)
    return (
        [cell for cell in cells if any(fnmatchcase(cell.id, pattern) for pattern in patterns)],
        [one for one in left if any(fnmatchcase(one.id, pattern) for pattern in patterns)],
    )


def _nothing(left: Sequence[LeftOut], project: Project) -> UsageError:
    if not left:
        return UsageError(
            f"nothing to build: the matrix asks for no Python that {_allowed(project)}",
            hint="see -i, -f and [tool.wheelmatrix] interpreters",
        )
    reasons = dict.fromkeys(one.reason for one in left)
    first = next(one.id for one in left)
    more = f" ({len(left)} cells)" if len(left) > 1 else ""
    hint = next((one.hint for one in left if one.hint is not None), None)
    what = "cannot be built here" if all(one.missing for one in left) else "is left out"
    return UsageError(f"nothing to build: {first} {what}: {'; '.join(list(reasons)[:_SHOWN])}{more}", hint=hint)
