"""Audits finished wheels, made by anyone: what they claim against what their binaries meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from matrix.auditing.audit import wrong_format
from matrix.auditing.claims import BadWheelError, Claims, read_claims
from matrix.auditing.elf import Binary
from matrix.auditing.levels import meets_level
from matrix.auditing.macho import MachO
from matrix.auditing.macos import analyse_macos
from matrix.auditing.members import Members, read_members
from matrix.auditing.natives import FORMATS, not_audited
from matrix.auditing.pe import Pe
from matrix.auditing.policies import policies
from matrix.auditing.suffixes import python_findings, suffix_findings
from matrix.auditing.verdict import Analysis, analyse, family_of, offences_against
from matrix.auditing.windows import analyse_windows
from matrix.errors import UsageError
from matrix.model import Finding, Verdict
from matrix.platforms import pypi_rejects

__all__ = ["Audits", "Upgrade", "WheelAudit", "audit_wheel", "audit_wheels"]


class Upgrade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What keeps a wheel from a level.

    Attributes:
        libs_to_eliminate: Libraries needed that it does not allow.
        blacklisted_symbols: Symbols used that it forbids, by library.
        versioned_symbols: Symbol versions needed that it does not have, by library.
    """

    libs_to_eliminate: tuple[str, ...] = ()
    blacklisted_symbols: dict[str, tuple[str, ...]] = {}
    versioned_symbols: dict[str, tuple[str, ...]] = {}


class WheelAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one wheel; fields that auditwheel has too are named as there.

    Attributes:
        file: Name of the wheel.
        pure: Whether it holds no binary of any format.
        tags: Every tag in its name, expanded and sorted.
        overall_tag: The best platform tag its binaries meet; ``any`` for a pure wheel, empty when nothing in it
            could be judged.
        sym_tag: The best one by symbol versions alone.
        pyfpe: Whether a binary uses fpectl, which only some builds of Python have.
        unsupported_isa: Whether a binary asks for more than the architecture's base instructions.
        versioned_symbols: Symbol versions needed, by library.
        external_libs: Libraries that not even the narrowest level allows, or that neither macOS or Windows nor the
            wheel has; values are always null.
        policy_upgrades: What keeps it from each wider level.
        findings: What there is to say.
    """

    file: str
    pure: bool
    tags: tuple[str, ...]
    overall_tag: str
    sym_tag: str
    pyfpe: bool = False
    unsupported_isa: bool = False
    versioned_symbols: dict[str, tuple[str, ...]] = {}
    external_libs: dict[str, None] = {}
    policy_upgrades: dict[str, Upgrade] = {}
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


class Audits(msgspec.Struct, frozen=True, kw_only=True):
    """What ``wheelmatrix audit --json`` prints.

    Attributes:
        version: Of this format.
        wheels: In the order they were named.
    """

    version: int = 1
    wheels: tuple[WheelAudit, ...]

    @property
    def exit_code(self) -> int:
        """0 when every wheel keeps what it claims, else 1."""
        return int(any(wheel.failed for wheel in self.wheels))


def audit_wheels(paths: Iterable[Path]) -> Audits:
    """Audit wheels one after another; one that cannot be read is an error finding and does not stop the others.

    Raises:
        UsageError: A path names no file.
    """
    named = list(paths)
    for path in named:
        if not path.is_file():
            raise UsageError(f"no such wheel: {path}")
    return Audits(wheels=tuple(map(_audited, named)))


def audit_wheel(path: Path) -> WheelAudit:
    """Audit one wheel, streaming it from the archive.

    Raises:
        BadWheelError: It is no wheel, damaged, or made to harm who opens it.
    """
    claims = read_claims(path.name)
    system = _system(claims)
    anywhere = "any" in claims.platforms
    members = read_members(path, FORMATS[system], others=anywhere)
    notes = _notes(members, claims, system)
    if anywhere:
        notes += _elsewhere(members)
    analysis = _analysis(members, claims, system, notes)
    verdict = analysis.verdict
    findings = (
        *verdict.findings,
        *_claim_findings(analysis, claims),
        *suffix_findings(analysis.natives, claims),
        *python_findings(analysis.pes, claims),
    )
    return WheelAudit(
        file=path.name,
        pure=not members.native,
        tags=claims.tags,
        overall_tag=verdict.overall_tag if members.native else "any",
        sym_tag=verdict.sym_tag if members.native else "any",
        pyfpe=any(finding.code == "pyfpe-symbol" for finding in findings),
        unsupported_isa=verdict.isa is not None,
        versioned_symbols=verdict.symbols,
        external_libs=dict.fromkeys(verdict.external),
        policy_upgrades=_upgrades(analysis, verdict),
        findings=tuple(findings),
    )


def _audited(path: Path) -> WheelAudit:
    try:
        return audit_wheel(path)
    except BadWheelError as error:
        message = error.message.removeprefix(f"{path.name}: ")
        finding = Finding(code="bad-wheel", severity="error", file="", message=message, hint=error.hint)
        return WheelAudit(file=path.name, pure=False, tags=(), overall_tag="", sym_tag="", findings=(finding,))


def _system(claims: Claims) -> str:
    """Return the system that a wheel is judged for: Linux, unless its tags name others alone."""
    if any(platform == "any" or "linux" in platform for platform in claims.platforms):
        return "linux"
    if any(platform.startswith("macosx") for platform in claims.platforms):
        return "macos"
    return "windows" if any(platform.startswith("win") for platform in claims.platforms) else "linux"


def _analysis(members: Members, claims: Claims, system: str, notes: list[Finding]) -> Analysis:
    if system == "macos":
        machos = [binary for binary in members.binaries if isinstance(binary, MachO)]
        return analyse_macos(machos, claims.platforms, notes)
    if system == "windows":
        return analyse_windows([one for one in members.binaries if isinstance(one, Pe)], claims.platforms, notes)
    judged = any(platform == "any" or "linux" in platform for platform in claims.platforms)
    elves = [binary for binary in members.binaries if isinstance(binary, Binary)] if judged else []
    if not judged:
        notes += [not_audited(one.file, "ELF files in a wheel for another system") for one in members.binaries]
    return analyse(elves, arch=claims.arch, libc=claims.libc, notes=notes)


def _elsewhere(members: Members) -> Iterator[Finding]:
    """Yield what to say of Mach-O and PE files in a wheel for any platform: programs may lie there, modules not."""
    for binary in members.binaries:
        if isinstance(binary, Binary):
            continue
        if binary.modules:
            message = f"the tag says any platform, but this is a module for {binary.arch}"
            yield Finding(code="tag-not-met", severity="error", file=binary.file, message=message)
        else:
            yield not_audited(binary.file, "programs and libraries of macOS and Windows in a wheel for any platform")


def _notes(members: Members, claims: Claims, system: str) -> list[Finding]:
    notes = list(members.notes)
    notes += [
        Finding(
            code="binary-in-purelib",
            severity="error",
            file=binary.file,
            message="lies where only pure Python belongs",
            hint="set Root-Is-Purelib to false, or move it to platlib",
        )
        for binary in members.binaries
        if isinstance(binary, Binary)
        and (".data/purelib/" in binary.file or (_pure_root(members.wheel) and ".data/" not in binary.file))
    ]
    claimed = any(name in platform for platform in claims.platforms for name in ("linux", "macosx", "win"))
    broken = any(note.code == "bad-binary" for note in notes)
    if claimed and members.native and not members.binaries and not broken:
        notes.append(wrong_format(system, "claims"))
    written = {line.partition(":")[2].strip() for line in members.wheel.splitlines() if line.startswith("Tag:")}
    if written and written != set(claims.tags):
        notes.append(
            Finding(
                code="tags-differ",
                severity="warning",
                file="WHEEL",
                message=f"its tags are not those of the file name: {', '.join(sorted(written))[:200]}",
            )
        )
    return notes


def _pure_root(wheel: str) -> bool:
    return any(line.replace(" ", "").lower() == "root-is-purelib:true" for line in wheel.splitlines())


def _claim_findings(analysis: Analysis, claims: Claims) -> Iterator[Finding]:
    """Yield where the name claims more than is met, and what PyPI will not take."""
    if analysis.binaries and "any" in claims.platforms:
        yield Finding(
            code="tag-not-met",
            severity="error" if any(binary.modules for binary in analysis.binaries) else "warning",
            file="",
            message=f"the tag says any platform, but it holds binaries for {analysis.arch}",
            hint=f"the best tag it meets is {analysis.verdict.overall_tag}",
        )
    judged = analysis.binaries and not analysis.foreign
    for level, arch in claims.levels if judged else ():
        if arch != analysis.arch:
            message = f"claims {level} for {arch}, but its binaries are for {analysis.arch}"
            yield Finding(code="tag-not-met", severity="error", file="", message=message)
            continue
        try:
            found = meets_level(analysis, level, arch, verb="claims")
        except UsageError as error:
            yield Finding(code="unknown-level", severity="warning", file="", message=error.message, hint=error.hint)
            continue
        if not found.ok:
            yield Finding(
                code="tag-not-met",
                severity="error",
                file="",
                message=": ".join(filter(None, (found.reason, found.details.replace("\n", ", ")))),
                hint=f"the best tag it meets is {analysis.verdict.overall_tag}",
            )
    for platform in claims.platforms:
        rejected = pypi_rejects(platform)
        if rejected is not None:
            yield Finding(code="not-on-pypi", severity="note", file="", message=rejected)


def _upgrades(analysis: Analysis, verdict: Verdict) -> dict[str, Upgrade]:
    family = family_of(analysis.libc)
    upgrades: dict[str, Upgrade] = {}
    for policy in policies(family, analysis.arch) if family and analysis.binaries else ():
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
