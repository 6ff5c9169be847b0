"""A wheel's name against its binaries: levels that are not met, and tags that PyPI will not take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from matrix.auditing.audit import wrong_format
from matrix.auditing.claims import Claims
from matrix.auditing.described import Described, pure_root
from matrix.auditing.elf import Binary
from matrix.auditing.levels import Judgement, meets_level
from matrix.auditing.macho import MachO
from matrix.auditing.macos import limits
from matrix.auditing.natives import Native, not_audited
from matrix.auditing.pe import Pe
from matrix.auditing.stable_abi import taken_from_python
from matrix.auditing.verdict import Analysis, same_architecture
from matrix.auditing.windows import MACHINES
from matrix.errors import UsageError
from matrix.model import Finding
from matrix.platforms import pypi_rejects

__all__ = ["claim_findings", "elsewhere", "misplaced", "set_aside", "softened", "without_its_own"]


def claim_findings(analysis: Analysis, claims: Claims) -> Iterator[Finding]:
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
        if not same_architecture(arch, analysis.arch):
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
                message=_reason(found),
                hint=f"the best tag it meets is {analysis.verdict.overall_tag}",
            )
    for platform in claims.platforms:
        rejected = pypi_rejects(platform)
        if rejected is not None:
            yield Finding(code="not-on-pypi", severity="note", file="", message=rejected)


def _reason(found: Judgement) -> str:
    """Return why a level is not met, with what is at fault unless that is said already."""
    details = found.details.replace("\n", ", ")
    return found.reason if found.reason.endswith(details) else f"{found.reason}: {details}"


def elsewhere(binaries: Iterable[Native]) -> Iterator[Finding]:
    """Yield what to say of Mach-O and PE files in a wheel for any platform: programs may lie there, modules not."""
    for binary in binaries:
        if isinstance(binary, Binary):
            continue
        if binary.modules:
            message = f"the tag says any platform, but this is a module for {binary.arch}"
            yield Finding(code="tag-not-met", severity="error", file=binary.file, message=message)
        else:
            yield not_audited(binary.file, "programs and libraries of macOS and Windows in a wheel for any platform")


def misplaced(binaries: Iterable[Native], described: Described) -> Iterator[Finding]:
    """Yield a finding for each ELF file that installers put where only pure Python belongs.

    In a directory of its own for that it is an error; a whole wheel that calls itself pure works wherever both kinds
    share a directory, which is nearly everywhere.
    """
    root = pure_root(described.wheel)
    for binary in binaries:
        apart = ".data/purelib/" in binary.file
        if isinstance(binary, Binary) and (apart or (root and ".data/" not in binary.file)):
            yield Finding(
                code="binary-in-purelib",
                severity="error" if apart else "warning",
                file=binary.file,
                message="lies where only pure Python belongs",
            )


def without_its_own(claims: Claims, system: str, notes: Sequence[Finding]) -> Iterator[Finding]:
    """Yield an error for a wheel of which no binary is one of the system that its name says.

    Args:
        claims: What its name says.
        system: The system it is judged for.
        notes: What was found while its files were read; one that is damaged may have been its own.
    """
    claimed = any(name in platform for platform in claims.platforms for name in ("linux", "macosx", "win"))
    if claimed and not any(note.code == "bad-binary" for note in notes):
        yield wrong_format(system, "claims")


def set_aside(binaries: Sequence[Native], claims: Claims) -> tuple[list[Native], list[Finding]]:
    """Leave out libraries and programs of other architectures that lie beside the wheel's own.

    Wheels carry some for processes of another kind than their own, and none of them is a module that Python would
    import. They stay when nothing is of the wheel's architecture.

    Returns:
        The binaries to judge, and a warning for each of the others.
    """
    strange = [one for one in binaries if not one.modules and not _own(one, claims)]
    if len(strange) == len(binaries):
        return list(binaries), []
    warnings = [
        Finding(
            code="wrong-architecture",
            severity="warning",
            file=one.file,
            message=f"is built for {_spoken(one)}, which the tag does not say, and is not judged",
            hint="fine where it is only used on a machine of that kind",
        )
        for one in strange
    ]
    return [one for one in binaries if one not in strange], warnings


def _own(binary: Native, claims: Claims) -> bool:
    if isinstance(binary, Binary):
        return not claims.arch or binary.kind == "object" or same_architecture(claims.arch, binary.arch)
    if isinstance(binary, MachO):
        claimed = limits(claims.platforms)
        return not claimed or any(one.arch in claimed for one in binary.slices)
    machines = {MACHINES[platform] for platform in claims.platforms if platform in MACHINES}
    return not machines or binary.arch in machines or binary.kind == "executable" or binary.managed


def _spoken(binary: Native) -> str:
    if isinstance(binary, Pe):
        return "win32" if binary.arch == "32" else f"win_{binary.arch}"
    return binary.arch


def softened(findings: Iterable[Finding], binaries: Iterable[Native]) -> Iterator[Finding]:
    """Yield the findings; a file without PyInit_ that takes nothing of Python is a library that somebody named so."""
    plain = {binary.file for binary in binaries if not taken_from_python(binary)}
    for finding in findings:
        if finding.code == "missing-init" and finding.file in plain:
            yield msgspec.structs.replace(
                finding,
                severity="warning",
                message="is named as an extension module, but exports no PyInit_ and takes nothing from Python",
                hint="fine for a library that ctypes or cffi loads; else check features that leave the module out",
            )
        else:
            yield finding
