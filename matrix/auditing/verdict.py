"""The verdict on the binaries of one wheel: the best level they truly meet, and what there is to say.

It never depends on the machine that audits: no library is looked up anywhere but among the binaries themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from matrix.auditing.elf import Binary, Libc
from matrix.auditing.macho import MachO
from matrix.auditing.natives import Native, init_findings
from matrix.auditing.offences import Offence, counted_needs, offences, version_key
from matrix.auditing.pe import Pe
from matrix.auditing.policies import Family, Policy, policies, policy_for
from matrix.auditing.reach import unreached
from matrix.auditing.remarks import explain, level_note, remarks
from matrix.auditing.symbols import VersionNeed
from matrix.model import Finding, Verdict

__all__ = ["RUST_FLOOR", "Analysis", "analyse", "family_of", "judge", "offences_against", "same_architecture"]

RUST_FLOOR = (2, 17)
"""The glibc that Rust's standard library needs since 1.64; no level below it is worth a claim."""
_GLIBC = re.compile(r"GLIBC_2\.(\d{1,4})(?:\.\d+)*")
_ALSO = {"armv6l": "armv7l"}  # one hard-float ABI; the file does not say which instructions it uses


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """The binaries of one wheel, and the verdict on them.

    Attributes:
        arch: Architecture they are judged for, as platform tags name it; empty when there is nothing to judge.
        libc: C library they are judged for: the one they are linked against, else the one expected.
        binaries: The ELF files that a system loads.
        machos: The Mach-O files that a system loads, those of another architecture included.
        pes: The PE files, likewise.
        internal: SONAMEs and file names of the libraries among them.
        foreign: Files built for another architecture.
        policy: The best policy met, or ``None``.
        extra: Policies that count beside the known ones.
        weak: Whether versions count that only weak symbols ask for.
        notes: Findings made before the verdict, about files that were not judged.
        verdict: What the report says of them.
    """

    arch: str
    libc: Libc
    binaries: tuple[Binary, ...] = ()
    machos: tuple[MachO, ...] = ()
    pes: tuple[Pe, ...] = ()
    internal: frozenset[str] = frozenset()
    foreign: tuple[Native, ...] = ()
    policy: Policy | None = None
    extra: tuple[Policy, ...] = ()
    weak: bool = False
    notes: tuple[Finding, ...] = ()
    verdict: Verdict

    @property
    def natives(self) -> tuple[Native, ...]:
        """The files judged, of whatever format."""
        return (*self.binaries, *self.machos, *self.pes)


def judge(binaries: Iterable[Binary], *, arch: str = "", libc: Libc = "", notes: Sequence[Finding] = ()) -> Verdict:
    """Return the verdict alone; see :func:`analyse`."""
    return analyse(binaries, arch=arch, libc=libc, notes=notes).verdict


def analyse(
    binaries: Iterable[Binary],
    *,
    arch: str = "",
    libc: Libc = "",
    notes: Sequence[Finding] = (),
    extra: tuple[Policy, ...] = (),
    weak: bool = False,
    provided: frozenset[str] = frozenset(),
) -> Analysis:
    """Judge the binaries of one wheel together.

    Args:
        binaries: Every ELF file of the wheel.
        arch: Architecture expected, as platform tags name it; by default that of the first file.
        libc: C library expected; decides when the files need none (PEP 656: they may carry both families).
        notes: Findings made before, to be handed on first.
        extra: Policies that count beside the known ones.
        weak: Whether versions count that only weak symbols ask for, as they do for the loader of a finished wheel.
        provided: Names of libraries that count as part of the wheel though it does not hold them.
    """
    loaded = [binary for binary in binaries if binary.kind != "object"]
    arch = arch or next((binary.arch for binary in loaded), "")
    own = tuple(binary for binary in loaded if same_architecture(arch, binary.arch))
    foreign = tuple(binary for binary in loaded if binary not in own)
    seen = sorted({binary.libc for binary in own if binary.libc})
    libc = libc if libc in seen or not seen else seen[0]
    internal = (
        frozenset(
            name
            for binary in own
            if binary.kind == "library"
            for name in (binary.file.rpartition("/")[2], binary.soname)
            if name
        )
        | provided
    )
    draft = Analysis(
        arch=arch,
        libc=libc,
        binaries=own,
        internal=internal,
        foreign=foreign,
        extra=extra,
        weak=weak,
        notes=tuple(notes),
        verdict=Verdict(overall_tag="", sym_tag=""),
    )
    policy = None if foreign or len(seen) > 1 else _best(draft)
    judged = msgspec.structs.replace(draft, policy=policy)
    return msgspec.structs.replace(judged, verdict=_verdict(judged, seen, notes))


def same_architecture(arch: str, found: str) -> bool:
    """Whether a file of architecture ``found`` runs where platform tags of ``arch`` say it does."""
    return found == _ALSO.get(arch, arch)


def family_of(libc: Libc) -> Family | None:
    """Return the family of levels for a C library; manylinux when the binaries need none."""
    if libc == "bionic":
        return None
    return "musllinux" if libc == "musl" else "manylinux"


def offences_against(policy: Policy, analysis: Analysis) -> list[Offence]:
    """Return what the policy does not allow in any of the binaries, in file order."""
    return list(_against(policy, analysis))


def _against(policy: Policy, analysis: Analysis) -> Iterator[Offence]:
    for binary in analysis.binaries:
        yield from offences(policy, binary, analysis.internal, weak=analysis.weak)


def _candidates(analysis: Analysis) -> tuple[Policy, ...]:
    """Return the policies to try, the widest first.

    musl has no symbol versions that would tell its levels apart, so only the newest is claimed. glibc newer than
    every known level is a level of its own (PEP 600).
    """
    family = family_of(analysis.libc)
    if family is None or not analysis.binaries:
        return ()
    known = policies(family, analysis.arch, analysis.extra)
    if family == "musllinux" or not known:
        return known[-1:]
    needs = [need.version for binary in analysis.binaries for need in _needs(binary, analysis)]
    newest = max((int(match[1]) for need in needs if (match := _GLIBC.fullmatch(need))), default=0)
    newer = newest > known[-1].version[1]
    beyond = policy_for(family, (2, newest), analysis.arch, analysis.extra) if newer else None
    return known if beyond is None else (*known, beyond)


def _needs(binary: Binary, analysis: Analysis) -> Iterable[VersionNeed]:
    return counted_needs(binary, analysis.internal, weak=analysis.weak)


def _best(analysis: Analysis) -> Policy | None:
    for policy in _candidates(analysis):
        if next(_against(policy, analysis), None) is None:
            return policy
    return None


def _verdict(analysis: Analysis, libcs: Sequence[str], notes: Sequence[Finding]) -> Verdict:
    if not analysis.binaries and not analysis.foreign:
        return Verdict(overall_tag="", sym_tag="", findings=tuple(notes))
    plain = f"linux_{analysis.arch}"
    candidates = _candidates(analysis)
    by_symbols = next((policy for policy in candidates if not _too_new(policy, analysis)), None)
    external: list[str] = []
    if candidates:
        kinds = {"external-library", "links-libpython"}
        external = [found.name for found in offences_against(candidates[-1], analysis) if found.kind in kinds]
    return Verdict(
        overall_tag=plain if analysis.policy is None else analysis.policy.tag,
        sym_tag=plain if by_symbols is None else by_symbols.tag,
        libraries=tuple(sorted({library for binary in analysis.binaries for library in binary.needed})),
        external=tuple(sorted(set(external))),
        symbols=_symbols(analysis),
        isa=max((binary.isa for binary in analysis.binaries if binary.isa), default=None),
        links_libpython=any(binary.libpython for binary in analysis.binaries),
        findings=(*notes, *_findings(analysis, libcs, candidates)),
    )


def _too_new(policy: Policy, analysis: Analysis) -> bool:
    return any(not policy.allows(need.version) for binary in analysis.binaries for need in _needs(binary, analysis))


def _symbols(analysis: Analysis) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for binary in analysis.binaries:
        for need in _needs(binary, analysis):
            found.setdefault(need.library, set()).add(need.version)
    return {library: tuple(sorted(found[library], key=version_key)) for library in sorted(found)}


def _findings(analysis: Analysis, libcs: Sequence[str], candidates: Sequence[Policy]) -> list[Finding]:
    findings = [
        Finding(
            code="wrong-architecture",
            severity="error",
            file=binary.file,
            message=f"is built for {binary.arch}, not for {analysis.arch}",
            hint="soft-float Arm has no platform tag of its own" if binary.arch == "armv5tel" else None,
        )
        for binary in analysis.foreign
    ]
    if len(libcs) > 1:
        findings += [
            Finding(
                code="mixed-libc",
                severity="error",
                file=binary.file,
                message=f"is linked against {binary.libc}, other files of the wheel are not",
            )
            for binary in analysis.binaries
            if binary.libc not in {"", analysis.libc}
        ]
    if candidates and analysis.policy is None and not analysis.foreign:
        findings += explain(offences_against(candidates[-1], analysis), binaries=analysis.binaries)
    elif not candidates and analysis.binaries:
        findings.append(
            Finding(
                code="no-policy",
                severity="note",
                file="",
                message=f"there are no platform-tag levels for {analysis.libc or 'static'} binaries of {analysis.arch}",
            )
        )
    if analysis.policy is not None and analysis.policy in candidates[1:]:
        wider = candidates[candidates.index(analysis.policy) - 1]
        if wider.version >= RUST_FLOOR:
            findings.append(level_note(analysis.policy, offences_against(wider, analysis)))
    return [
        *findings,
        *remarks(analysis.binaries, _at_floor(analysis.policy, analysis.extra)),
        *unreached(analysis.binaries),
        *init_findings(analysis.binaries),
    ]


def _at_floor(policy: Policy | None, extra: tuple[Policy, ...]) -> Policy | None:
    """Return the policy that a wheel will be tagged with."""
    if policy is None or policy.family != "manylinux" or policy.version >= RUST_FLOOR:
        return policy
    return policy_for("manylinux", RUST_FLOOR, policy.arch, extra)
