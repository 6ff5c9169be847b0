"""Audits finished wheels, made by anyone: what they claim against what their files are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from matrix.auditing.claim_findings import claim_findings, elsewhere, misplaced, set_aside, softened, without_its_own
from matrix.auditing.claims import BadWheelError, Claims, read_claims
from matrix.auditing.described import described_findings
from matrix.auditing.elf import Binary
from matrix.auditing.macho import MachO
from matrix.auditing.macos import analyse_macos
from matrix.auditing.members import read_members
from matrix.auditing.natives import FORMATS, Native, not_audited
from matrix.auditing.offences import PYFPE, counted_needs, is_loader, version_key
from matrix.auditing.outcome import Audits, Upgrade, WheelAudit
from matrix.auditing.pe import Pe
from matrix.auditing.policies import Policy, policies
from matrix.auditing.rules import Selection, advised
from matrix.auditing.spelling import spelling_findings
from matrix.auditing.stable_abi import stable_abi_findings
from matrix.auditing.suffixes import python_findings, suffix_findings
from matrix.auditing.verdict import Analysis, analyse, family_of, offences_against
from matrix.auditing.windows import analyse_windows
from matrix.errors import UsageError
from matrix.model import Finding, Verdict

__all__ = ["Audits", "Upgrade", "WheelAudit", "audit_wheel", "audit_wheels", "system_of"]

_THREADS = 4  # inflating and hashing run beside each other, the rest does not


def audit_wheels(
    paths: Iterable[Path], *, extra: tuple[Policy, ...] = (), selection: Selection | None = None
) -> Audits:
    """Audit wheels, some at a time; one that cannot be read is an error finding and does not stop the others.

    Args:
        paths: The wheels.
        extra: Policies that count beside the known ones.
        selection: Which findings are reported; all by default.

    Raises:
        UsageError: A path names no file.
    """
    named = list(paths)
    for path in named:
        if not path.is_file():
            raise UsageError(f"no such wheel: {path}")

    def audited(path: Path) -> WheelAudit:
        audit = _audited(path, extra)
        if selection is None:
            return audit
        return msgspec.structs.replace(audit, findings=tuple(filter(selection.keeps, audit.findings)))

    with ThreadPoolExecutor(min(_THREADS, len(named) or 1, os.cpu_count() or 1)) as threads:
        return Audits(wheels=tuple(threads.map(audited, named)))


def audit_wheel(path: Path, extra: tuple[Policy, ...] = ()) -> WheelAudit:
    """Audit one wheel, streaming it from the archive. Nothing in it is executed, and no other file is looked at.

    Args:
        path: The wheel.
        extra: Policies that count beside the known ones.

    Raises:
        BadWheelError: It is no wheel, damaged, or made to harm who opens it.
    """
    claims = read_claims(path.name)
    system = system_of(claims)
    anywhere = "any" in claims.platforms
    members = read_members(path, FORMATS[system], others=anywhere)
    binaries, strange = set_aside(members.binaries, claims)
    notes = [*members.notes, *strange, *misplaced(binaries, members.described)]
    if members.native and not members.binaries:
        notes += without_its_own(claims, system, notes)
    if anywhere:
        notes += elsewhere(binaries)
    analysis = _analysis(binaries, claims, system, notes, extra)
    verdict = analysis.verdict
    findings = (
        *softened(verdict.findings, analysis.natives),
        *claim_findings(analysis, claims),
        *suffix_findings(analysis.natives, claims),
        *python_findings(analysis.pes, claims),
        *stable_abi_findings(analysis.natives, claims),
        *described_findings(members.described, claims),
        *spelling_findings(members.described.files, claims.platforms),
        *members.records,
    )
    return WheelAudit(
        file=path.name,
        pure=not members.native,
        tags=claims.tags,
        overall_tag=verdict.overall_tag if members.native else "any",
        sym_tag=verdict.sym_tag if members.native else "any",
        pyfpe=any(not PYFPE.isdisjoint(binary.undefined) for binary in analysis.binaries),
        ucs2=any(binary.ucs2 for binary in analysis.binaries),
        unsupported_isa=verdict.isa is not None,
        needed_libs=verdict.libraries,
        versioned_symbols=_versions(analysis),
        external_libs=dict.fromkeys(_external(analysis)),
        policy_upgrades=_upgrades(analysis, verdict),
        findings=tuple(map(advised, findings)),
    )


def _audited(path: Path, extra: tuple[Policy, ...]) -> WheelAudit:
    try:
        return audit_wheel(path, extra)
    except BadWheelError as error:
        message = error.message.removeprefix(f"{path.name}: ")
        finding = Finding(code="bad-wheel", severity="error", file="", message=message, hint=error.hint)
        return WheelAudit(file=path.name, pure=False, tags=(), overall_tag="", sym_tag="", findings=(advised(finding),))


def system_of(claims: Claims) -> str:
    """Return the system that a wheel is judged for: Linux, unless its tags name others alone."""
    if any(platform == "any" or "linux" in platform for platform in claims.platforms):
        return "linux"
    if any(platform.startswith("macosx") for platform in claims.platforms):
        return "macos"
    return "windows" if any(platform.startswith("win") for platform in claims.platforms) else "linux"


def _analysis(
    binaries: Sequence[Native], claims: Claims, system: str, notes: list[Finding], extra: tuple[Policy, ...]
) -> Analysis:
    if system == "macos":
        machos = [binary for binary in binaries if isinstance(binary, MachO)]
        return analyse_macos(machos, claims.platforms, notes)
    if system == "windows":
        return analyse_windows([one for one in binaries if isinstance(one, Pe)], claims.platforms, notes)
    judged = any(platform == "any" or "linux" in platform for platform in claims.platforms)
    elves = [binary for binary in binaries if isinstance(binary, Binary)] if judged else []
    if not judged:
        notes += [not_audited(one.file, "ELF files in a wheel for another system") for one in binaries]
    return analyse(elves, arch=claims.arch, libc=claims.libc, notes=notes, extra=extra, weak=True)


def _versions(analysis: Analysis) -> dict[str, tuple[str, ...]]:
    """Return every symbol version needed, by library, without the loader's own."""
    found: dict[str, set[str]] = {}
    for need in (need for binary in analysis.binaries for need in counted_needs(binary, weak=True)):
        if not is_loader(need.library):
            found.setdefault(need.library, set()).add(need.version)
    return {library: tuple(sorted(found[library], key=version_key)) for library in sorted(found)}


def _external(analysis: Analysis) -> list[str]:
    """Return the libraries that the widest level does not allow, as auditwheel lists them; sorted."""
    family = family_of(analysis.libc)
    widest = policies(family, analysis.arch, analysis.extra)[:1] if family and analysis.binaries else ()
    if not widest:
        return list(analysis.verdict.external)
    kinds = {"external-library", "links-libpython"}
    return sorted({found.name for found in offences_against(widest[0], analysis) if found.kind in kinds})


def _upgrades(analysis: Analysis, verdict: Verdict) -> dict[str, Upgrade]:
    family = family_of(analysis.libc)
    upgrades: dict[str, Upgrade] = {}
    for policy in policies(family, analysis.arch, analysis.extra) if family and analysis.binaries else ():
        if policy.tag == verdict.overall_tag:
            break
        against = offences_against(policy, analysis)
        if against:
            found: dict[str, dict[str, set[str]]] = {}
            for offence in against:
                found.setdefault(offence.kind, {}).setdefault(offence.library, set()).add(offence.name)
            libraries = {**found.get("external-library", {}), **found.get("links-libpython", {})}
            upgrades[policy.tag] = Upgrade(
                libs_to_eliminate=tuple(sorted(libraries)),
                blacklisted_symbols=_sorted(found.get("forbidden-symbol", {})),
                versioned_symbols=_sorted(found.get("symbol-version", {})),
            )
    return upgrades


def _sorted(names: dict[str, set[str]]) -> dict[str, tuple[str, ...]]:
    return {library: tuple(sorted(names[library])) for library in sorted(names)}
