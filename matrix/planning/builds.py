"""Cells and the builds that serve them: what shares a binary, what everything is called, what starts first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from matrix.errors import UsageError
from matrix.estimates import likely_seconds
from matrix.model import Build, Cell, Settings, StableAbi
from matrix.planning.judging import Judged
from matrix.planning.pyo3_config import import_libraries, pyo3_config
from matrix.platforms.wheel_names import ANY_LEVEL, wheel_file_name
from matrix.project.bindings import ANY_FLOOR
from matrix.project.read import Project

__all__ = ["assemble", "check_files", "starting_order", "trimmed"]


class _Family(NamedTuple):
    """What tells one binary from another: platform, Python or stable ABI, settings, and who links it."""

    triple: str
    python: str
    settings: str
    driver: str
    mark: str


def assemble(
    judged: Sequence[Judged], project: Project, durations: Mapping[str, float]
) -> tuple[list[Cell], list[Build]]:
    """Return the cells in the order given, and one build for each binary that they need.

    Args:
        judged: What will be built.
        project: The project.
        durations: Seconds that builds took the last time, by id.
    """
    parts = [part for one in judged for part in one.parts]
    floors = _floors(parts)
    families: dict[_Family, list[Judged]] = {}
    for part in parts:
        families.setdefault(_family(part, _abi(part, floors)), []).append(part)
    ids = _build_ids(families)
    cells = []
    for one in judged:
        abis = [_abi(part, floors) for part in one.parts]
        names = [ids[_family(part, abi)] for part, abi in zip(one.parts, abis, strict=True)]
        # a file joined of two runs where both run
        abi = max((abi for abi in abis if abi is not None), key=lambda abi: abi.version, default=None)
        cells.append(_cell(one, abi, names, project))
    targets = {one.candidate.wish.target.triple: one.candidate.wish.target for one in parts}
    crates = {triple: project.crate.units(target) for triple, target in targets.items()}
    builds = [
        _build(
            ids[family],
            members,
            _abi(members[0], floors),
            project,
            expected=durations.get(ids[family]),
            units=crates[family.triple],
        )
        for family, members in families.items()
    ]
    return cells, builds


def check_files(cells: Iterable[Cell], builds: Iterable[Build]) -> None:
    """Refuse cells that would make the same file, except those that one stable-ABI wheel serves.

    Raises:
        UsageError: Two would; names both.
    """
    shared = {build.id for build in builds if build.stable_abi is not None}
    first: dict[tuple[str, str], Cell] = {}
    for cell in cells:
        # an open level is one of the target's own libc
        other = first.setdefault((cell.file, cell.target.libc if ANY_LEVEL in cell.file else ""), cell)
        if other is cell or (other.build == cell.build and other.joined == cell.joined and cell.build in shared):
            continue
        if cell.python_tag == other.python_tag and cell.interpreter != other.interpreter:
            hint = "one stable-ABI wheel serves both, so rows and overrides must treat them alike"
        else:
            hint = "exclude one of them, or ask for different compatibility levels"
        raise UsageError(f"{other.id} and {cell.id} would make the same file {cell.file}", hint=hint)


def starting_order(builds: Iterable[Build]) -> tuple[Build, ...]:
    """Return the builds as they start, the longest expected one first; what they wait for is the run's matter."""
    known = tuple(builds)
    seconds = likely_seconds(known)
    return tuple(sorted(known, key=lambda build: (-seconds[build.id], build.expected is not None)))


def _floors(judged: Iterable[Judged]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the floors of stable ABIs that name none: the oldest Python that shares the binary."""
    floors: dict[tuple[str, str], tuple[int, int]] = {}
    for one in judged:
        interpreter = one.candidate.pick.interpreter
        if one.recipe.abi is not None and one.recipe.abi.version == ANY_FLOOR and interpreter is not None:
            key = (one.candidate.wish.target.triple, one.recipe.key)
            floors[key] = min(floors.get(key, interpreter.version), interpreter.version)
    return floors


def _abi(one: Judged, floors: Mapping[tuple[str, str], tuple[int, int]]) -> StableAbi | None:
    abi = one.recipe.abi
    if abi is None or abi.version != ANY_FLOOR:
        return abi
    return StableAbi(kind=abi.kind, version=floors[one.candidate.wish.target.triple, one.recipe.key])


def _family(one: Judged, abi: StableAbi | None) -> _Family:
    python = one.candidate.pick.id if abi is None else f"{abi.kind}-{abi.python_tag}"
    choice = one.choice
    return _Family(one.candidate.wish.target.triple, python, one.recipe.key, choice.driver, choice.mark)


def _build_ids(families: Mapping[_Family, Sequence[Judged]]) -> dict[_Family, str]:
    """Return an id for each binary: Python and target, the name of a variant, and only where that is not enough a hash.

    The build that no row changes keeps the plain id, so that its lane stays when rows come and go.
    """
    stems: dict[str, list[_Family]] = {}
    for family, members in families.items():
        names = {one.candidate.name for one in members}
        suffix = "" if "" in names else f"-{members[0].candidate.name}"
        suffix += "-pgo" if members[0].recipe.settings.pgo else ""
        stems.setdefault(f"{family.python}-{family.triple}{family.mark}{suffix}", []).append(family)
    return {family: name for stem, sharing in stems.items() for family, name in _told_apart(stem, sharing, families)}


def _told_apart(
    stem: str, sharing: Sequence[_Family], families: Mapping[_Family, Sequence[Judged]]
) -> Iterator[tuple[_Family, str]]:
    for family in sharing:
        plain = any(one.recipe.plain for one in families[family])
        if len(sharing) == 1 or plain:
            yield family, stem
        else:
            yield family, f"{stem}-{hashlib.sha256(family.settings.encode()).hexdigest()[:8]}"


def _cell(one: Judged, abi: StableAbi | None, builds: Sequence[str], project: Project) -> Cell:
    candidate = one.candidate
    interpreter = candidate.pick.interpreter
    tags = ("py3", "none") if interpreter is None else (interpreter.python_tag, interpreter.abi_tag)
    python_tag, abi_tag = tags if abi is None else (abi.python_tag, abi.abi_tag)
    return Cell(
        id=candidate.id,
        interpreter=interpreter,
        target=candidate.wish.target,
        compatibility=candidate.level.level,
        pypi=candidate.pypi,
        named=candidate.pick.named or candidate.wish.named,
        build=builds[0],
        joined=tuple(builds[1:]),
        python_tag=python_tag,
        abi_tag=abi_tag,
        file=wheel_file_name(project.name, project.version, python_tag, abi_tag, one.platforms),
        why=one.choice.why,
    )


def _build(
    name: str,
    members: Sequence[Judged],
    abi: StableAbi | None,
    project: Project,
    *,
    expected: float | None,
    units: int,
) -> Build:
    first = members[0]
    pythons = [one.candidate.pick.interpreter for one in members if one.candidate.pick.interpreter is not None]
    # build scripts may run a Python of their own accord; the oldest one here that is served is the safest
    python = min(pythons, key=lambda one: (not one.runnable, one.version, one.abi_flags), default=None)
    target, bindings = first.candidate.wish.target, project.bindings
    # a program that links libpython is told only of one that cannot be asked
    told = bindings.kind in {"pyo3", "pyo3-ffi"} or (bindings.embeds and first.lib_dir is not None)
    libraries = import_libraries(python, abi, target, bindings.version) if told else ()
    return Build(
        id=name,
        target=target,
        # flags of a profile are the target's alone, and no build script's
        explicit_target=first.candidate.wish.explicit or first.choice.explicit or first.recipe.settings.pgo,
        libc=first.choice.libc,
        interpreter=python,
        stable_abi=abi,
        bindings=bindings.kind,
        driver=first.choice.driver,
        settings=_settings(first),
        cells=tuple(one.candidate.id for one in members),
        pyo3_config=pyo3_config(python, abi, target, bindings.version, first.lib_dir) if told else None,
        import_libraries=libraries if first.lib_dir is None else (),
        manifest=_manifest(project),
        crate=project.crate.name,
        lib_name=project.module.lib_name,
        bindgen=bindings.bindgen,
        bins=first.recipe.programs,
        expected=expected,
        units=units,
    )


def _settings(one: Judged) -> Settings:
    settings, image = one.recipe.settings, one.choice.image
    return settings if image is None else msgspec.structs.replace(settings, image=image)


def _manifest(project: Project) -> str:
    """Return Cargo.toml as seen from the project's root, which need not hold it."""
    return os.path.relpath(project.manifest, project.root).replace(os.sep, "/")


def trimmed(builds: Iterable[Build], kept: Iterable[str]) -> list[Build]:
    """Return the builds that still serve a kept cell, with those cells alone."""
    wanted = set(kept)
    found = []
    for build in builds:
        cells = tuple(cell for cell in build.cells if cell in wanted)
        if cells:
            found.append(msgspec.structs.replace(build, cells=cells))
    return found
