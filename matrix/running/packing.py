"""Audits what a build made, judges it, and packs the wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from matrix.archives import write_wheel
from matrix.archives.editable import parted, place_in_tree
from matrix.auditing import Analysis, Judgement, audit_binaries, flag_weak_needs, meets
from matrix.model import Cell, Compatibility, Outcome, Verdict
from matrix.platforms import platform_tags, pypi_rejects
from matrix.platforms.wheel_names import wheel_file_name, wheel_tags
from matrix.repairing import Repair
from matrix.running.claims import Claims
from matrix.running.ends import End
from matrix.running.ingredients import Ingredients, entries_of, inputs_of, same_sources
from matrix.running.joining import Made, joined
from matrix.running.mending import mended, who_links, with_repair

__all__ = ["Packer"]

AUTO = Compatibility(family="auto")
LINUX = Compatibility(family="linux")
WEAK = "weak-symbol-version"


class Packer:
    """Makes wheels; every step blocks and belongs in a thread, or in another process, to which it can be sent."""

    def __init__(self, ingredients: Ingredients, staging: Path, claims: Claims) -> None:
        """Prepare to pack.

        Args:
            ingredients: What every wheel is made from.
            staging: Directory for copies of binaries.
            claims: The file names that builds of the run have taken.
        """
        self._ingredients = ingredients
        self._staging = staging
        self._claims = claims

    def joined(self, made: Made) -> Made:
        """Join the binaries of several builds; see :func:`joined`."""
        return joined(made, self._staging)

    def analysed(self, made: Made) -> Analysis:
        """Audit every binary that goes into the wheel: the module, and what lies beside it."""
        entries = entries_of(self._ingredients, made.build, made.outcome)
        beside = {one.path for one in made.outcome.artifacts if one.kind == "companion"}  # nothing loads them
        paths = [(entry.path, entry.source) for entry in entries if isinstance(entry.source, Path)]
        files = [(name, path) for name, path in paths if str(path) not in beside]
        return audit_binaries(files, made.build.target, self._platforms(made, LINUX))

    def _platforms(self, made: Made, level: Compatibility) -> tuple[str, ...]:
        environs = self._environs(made)
        return platform_tags(made.build.target, level, environs[0], environs if made.slices else ())

    def packed(self, made: Made, cell: Cell, analysis: Analysis | None) -> End:
        """Judge, tag and write one wheel."""
        repair, judgement, notes = self._judge(made, analysis, cell)
        audited = repair.analysis if repair is not None else analysis
        verdict = audited.verdict if audited is not None else None
        if not judgement.ok or judgement.level is None:
            return End(
                status="failed",
                reason=judgement.reason,
                details="\n".join(
                    filter(None, (judgement.details, who_links(made, verdict.external if verdict else ())))
                ),
                hint=judgement.hint,
                verdict=verdict,
            )
        given = self._ingredients
        platforms = self._platforms(made, judgement.level)
        refused = next((why for tag in platforms if (why := pypi_rejects(tag)) is not None), None)
        if cell.pypi and refused is not None:
            return End(
                status="failed",
                reason=f"PyPI would not take it: {refused}",
                hint="leave pypi out of --compatibility to keep it local",
                verdict=verdict,
            )
        metadata = given.metadata
        file = wheel_file_name(metadata.name, metadata.version, cell.python_tag, cell.abi_tag, platforms)
        self._claims.take(file, made.name)
        bundled = repair.bundled if repair is not None else ()
        inputs = inputs_of(given, made, cell, bundled)
        copies, verdict = _with_weak_versions_flagged(made.outcome, judgement.level, verdict, cell)
        entries = entries_of(given, made.build, made.outcome, copies)
        if repair is not None and given.repairs is not None:
            into = self._staging / made.name / f"repaired-{cell.id}"
            entries = with_repair(given.repairs, repair, entries, into, metadata, file)
        if given.tree is not None:
            entries, placed = parted(entries, metadata.distribution)
            place_in_tree(placed, given.tree)
        wheel = write_wheel(
            given.out / file,
            entries,
            metadata,
            wheel_tags(cell.python_tag, cell.abi_tag, platforms),
            compression=given.compression,
            modified=given.modified,
        )
        if inputs_of(given, made, cell, bundled) != inputs or not same_sources(bundled):
            inputs = ""  # a source changed while it was packed: the next run must not trust this wheel
        return End(status="built", wheel=wheel, verdict=verdict, bundled=bundled, inputs=inputs, notes=notes)

    def _judge(
        self, made: Made, analysis: Analysis | None, cell: Cell
    ) -> tuple[Repair | None, Judgement, tuple[str, ...]]:
        """Return the repair that the wheel needs, whether and at which level it may be made, and what to warn of."""
        given = self._ingredients
        if analysis is None:
            asked = cell.compatibility
            return None, Judgement(ok=True, level=LINUX if asked.family == "auto" else asked), ()
        judgement = meets(analysis, cell.compatibility, cell.target)
        if given.repairs is not None:
            platforms = self._platforms(made, LINUX)
            repair = mended(given.repairs, made, cell, analysis, given.metadata.distribution, platforms)
            if isinstance(repair, Judgement):
                return None, *_unmended(repair, judgement, cell)
            if repair is not None:
                good = Judgement(ok=True, level=repair.level)
                whole = good if cell.target.os == "linux" else meets(repair.analysis, cell.compatibility, cell.target)
                return repair, whole, ()
        if judgement.ok or given.audit != "warn":
            return None, judgement, ()
        return None, meets(analysis, AUTO, cell.target), (judgement.reason,)

    def _environs(self, made: Made) -> list[dict[str, str]]:
        return made.environs(self._ingredients.environ)


def _unmended(why: Judgement, judgement: Judgement, cell: Cell) -> tuple[Judgement, tuple[str, ...]]:
    """Fail a cell for Linux whose libraries cannot be brought along; elsewhere its tag claims nothing of them."""
    if cell.target.os == "linux":
        return why, ()
    return judgement, (f"{why.reason}: {why.details.replace(chr(10), '; ')}",)


def _with_weak_versions_flagged(
    outcome: Outcome, level: Compatibility, verdict: Verdict | None, cell: Cell
) -> tuple[dict[str, Path], Verdict | None]:
    """Make the level true for weak symbols too, in copies of the binaries; see ``flag_weak_needs``.

    Returns:
        The copies by the path of the artifact, and what is left to say.
    """
    if verdict is None or not any(finding.code == WEAK for finding in verdict.findings):
        return {}, verdict
    copies = {}
    for binary in map(Path, [one.path for one in outcome.artifacts if one.kind in {"cdylib", "bin"}]):
        copy = binary.with_name(f"{cell.id}-{binary.name}")
        shutil.copy2(binary, copy)
        if flag_weak_needs(copy, level, cell.target.machine):
            copies[str(binary)] = copy
    if not copies:
        return {}, verdict
    findings = tuple(finding for finding in verdict.findings if finding.code != WEAK)
    return copies, msgspec.structs.replace(verdict, findings=findings)
