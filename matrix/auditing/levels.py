"""Whether binaries meet the level that was wished for, and which level the wheel then carries."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from matrix.auditing.offences import Offence, version_key
from matrix.auditing.policies import Family, policy_for
from matrix.auditing.remarks import HINTS, symbol_list, versioned
from matrix.auditing.verdict import RUST_FLOOR, Analysis, offences_against
from matrix.model import Compatibility, Target

__all__ = ["BUILD", "Door", "Judgement", "meets", "meets_level"]

_LINUX = Compatibility(family="linux")
_NEVER = ("wrong-format", "wrong-architecture", "macos-too-new")
_NO_MODULE = ("missing-init", "misnamed-init")
_UNLESS_LOCAL = ("links-libpython", *_NO_MODULE)
_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)*)")
_LIBC_NAMES = {"glibc": "glibc", "musl": "musl", "bionic": "Android's libc"}


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What the user can do about a refusal, in the words of the command that refuses.

    Attributes:
        level: The flag that names a level.
        local: What leaves the claim away, or empty where nothing does.
        search: How a directory of libraries is named.
        elsewhere: What leaves a library to others, or empty where nothing does.
    """

    level: str
    local: str = ""
    search: str
    elsewhere: str = ""


BUILD = Door(
    level="--compatibility", local="--compatibility linux to keep the wheel local", search="in LD_LIBRARY_PATH"
)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a wish for a level.

    Attributes:
        ok: Whether a wheel with these binaries may be made.
        level: The level it then carries; ``linux`` claims nothing. ``None`` when it may not.
        reason: Why not, in one line; empty when it may.
        details: The symbols and libraries at fault.
        hint: What to do about it, or ``None``.
    """

    ok: bool
    level: Compatibility | None = None
    reason: str = ""
    details: str = ""
    hint: str | None = None


def meets(analysis: Analysis, wish: Compatibility, target: Target) -> Judgement:
    """Judge the binaries of a build against a wish.

    A choice of several levels gets the first that is met. ``auto`` gets the best known level, never one below
    Rust's own floor, and plain ``linux`` when there is none; an extension module that links libpython is refused,
    for interpreters without a shared one cannot import it.
    A target other than Linux has no levels, and ``linux`` stands for "no claim"; binaries of macOS and Windows must be
    for its architecture and run on the oldest macOS that the wheel's tag will name.

    Args:
        analysis: What the audit found.
        wish: The level asked for.
        target: What the build was made for.
    """
    if target.os != "linux":
        return _elsewhere(analysis, wish)
    if analysis.foreign:
        return _foreign(analysis, target)
    other = _other_libc(analysis, target)
    if other is not None or wish.family == "linux":
        return other or Judgement(ok=True, level=_LINUX)
    no_module = _refused(analysis, _NO_MODULE)
    if no_module is not None:
        return no_module
    return _auto(analysis) if wish.family == "auto" else meets_level(analysis, wish, target.machine)


def _elsewhere(analysis: Analysis, wish: Compatibility) -> Judgement:
    """Refuse what the system of the tag could not load, and without ``linux`` also what no Python could import."""
    refused = _refused(analysis, [*_NEVER, *(_UNLESS_LOCAL if wish.family != "linux" else ())])
    return refused or Judgement(ok=True, level=_LINUX)


def _refused(analysis: Analysis, codes: Sequence[str]) -> Judgement | None:
    """Refuse for the first of these codes that an error has."""
    errors = [finding for finding in analysis.verdict.findings if finding.severity == "error"]
    for code in codes:
        found = [finding for finding in errors if finding.code == code]
        if found:
            files = symbol_list([finding.file for finding in found if finding.file], limit=5)
            return Judgement(ok=False, reason=found[0].message, details=files, hint=found[0].hint)
    return None


def _other_libc(analysis: Analysis, target: Target) -> Judgement | None:
    """Refuse binaries whose C library is not the target's: the suffix and the tag would be another platform's."""
    own = {"gnu": "glibc", "musl": "musl"}.get(target.libc.removesuffix("eabihf").removesuffix("eabi"))
    others = sorted({_LIBC_NAMES[binary.libc] for binary in analysis.binaries if binary.libc not in {"", own}})
    if own is None or not others:
        return None
    return Judgement(
        ok=False,
        reason=f"linked against {' and '.join(others)}, but {target.triple} has {own}",
        hint="check build.target and CARGO_BUILD_TARGET of cargo's configuration; name the target with --target",
    )


def _foreign(analysis: Analysis, target: Target) -> Judgement:
    found = sorted({binary.arch for binary in analysis.foreign})
    files = sorted({binary.file for binary in analysis.foreign})
    return Judgement(
        ok=False,
        reason=f"built for {' and '.join(found)}, but {target.triple} is {target.machine}",
        details=symbol_list(files, limit=5),
        hint="check the linker, and build.target and CARGO_BUILD_TARGET of cargo's configuration",
    )


def _auto(analysis: Analysis) -> Judgement:
    linked = [binary for binary in analysis.binaries if binary.modules and binary.libpython]
    if linked:
        return Judgement(
            ok=False,
            reason=f"links {linked[0].libpython}, which an extension module must not",
            details=symbol_list([binary.file for binary in linked], limit=5),
            hint=f"{HINTS['links-libpython']}; {BUILD.local}",
        )
    policy = analysis.policy
    if policy is None:
        return Judgement(ok=True, level=_LINUX)
    floor = RUST_FLOOR if policy.family == "manylinux" else policy.version
    return Judgement(ok=True, level=Compatibility(family=policy.family, version=max(policy.version, floor)))


def meets_level(
    analysis: Analysis, wish: Compatibility, machine: str, *, verb: str = "asked for", door: Door = BUILD
) -> Judgement:
    """Judge binaries against a manylinux or musllinux level, or a choice of several.

    Args:
        analysis: What the audit found.
        wish: The level.
        machine: Architecture in its platform tag.
        verb: How the reason begins: ``asked for`` or ``claims``.
        door: What the hint may name.

    Raises:
        UsageError: The level is no musllinux level we know.
    """
    family: Family = "musllinux" if wish.family == "musllinux" else "manylinux"
    libc = {"manylinux": "glibc", "musllinux": "musl"}[family]
    others = sorted({_LIBC_NAMES[binary.libc] for binary in analysis.binaries if binary.libc not in {"", libc}})
    if others:
        return Judgement(
            ok=False,
            reason=f"{verb} {wish}, but it is linked against {' and '.join(others)}",
            hint=f"a {family} wheel needs a target whose libc is {libc}",
        )
    against: list[Offence] = []
    for version in wish.among or (wish.version or (0, 0),):
        policy = policy_for(family, version, machine, analysis.extra)
        if policy is None:
            return Judgement(
                ok=False,
                reason=f"{verb} {wish}, which does not exist for {machine}",
                hint=": ".join(filter(None, (f"a wheel for {machine} can only be tagged linux", door.local))),
            )
        against = offences_against(policy, analysis)
        if not against:
            return Judgement(ok=True, level=Compatibility(family=family, version=version))
    kind = next((found.kind for found in against if found.kind == "symbol-version"), against[0].kind)
    return Judgement(
        ok=False,
        reason=f"{verb} {wish}, {_need([found for found in against if found.kind == kind])}",
        details=_details(against),
        hint="; ".join(filter(None, (HINTS[kind], _instead(analysis, door)))),
    )


def _instead(analysis: Analysis, door: Door) -> str:
    """Say what the binaries do meet."""
    best = _auto(analysis).level
    met = "" if best is None or best.family == "linux" else f"{door.level} {best} is met"
    return ", ".join(filter(None, (met, door.local)))


def _need(against: Sequence[Offence]) -> str:
    """Name what is at fault, given offences of one kind."""
    kind = against[0].kind
    if kind == "symbol-version":
        versions = sorted({found.name for found in against}, key=version_key)
        glibc = [version for version in versions if _GLIBC.fullmatch(version)]
        return f"needs glibc {glibc[-1].removeprefix('GLIBC_')}" if glibc else f"needs {symbol_list(versions[::-1])}"
    listed = symbol_list(sorted({found.name for found in against}))
    match kind:
        case "forbidden-symbol":
            return f"uses {listed} of {against[0].library}"
        case "links-libpython":
            return f"links {listed}"
        case "isa-level":
            return f"runs on {listed} processors only"
        case _:
            return f"needs {listed}"


def _details(against: Sequence[Offence]) -> str:
    """Return a line for each kind of offence: the newest symbol versions first, in alphabetical order within one."""
    by_version = sorted(
        (found for found in against if found.kind == "symbol-version"),
        key=lambda found: version_key(found.name),
        reverse=True,
    )
    symbols = list(dict.fromkeys(name for found in by_version for name in versioned(found)))
    others = list(dict.fromkeys(found.name for found in against if found.kind != "symbol-version"))
    lines = [symbol_list(symbols, limit=3)] if symbols else []
    if others:
        lines.append(symbol_list(others, limit=5))
    return "\n".join(lines)
