"""Platform-tag policies: which libraries and symbol versions a level allows (PEP 600, PEP 656).

The tables lie in ``policies.toml`` as caps and ranges and are unfolded here, once per family and architecture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

import msgspec

from matrix.errors import UsageError

__all__ = ["ARCHITECTURES", "Family", "Policy", "musl_soname", "policies", "policy_for"]

Family: TypeAlias = Literal["manylinux", "musllinux"]
_Version: TypeAlias = tuple[int, ...]
_Level: TypeAlias = tuple[int, int]

ARCHITECTURES = ("x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64", "loongarch64")
"""The architectures that have policies, named as platform tags name them."""

_FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC", "ZLIB", "LIBATOMIC")
_NUMBERED = re.compile(r"(?P<prefix>(?:[A-Z0-9]+_)?)(?P<number>\d+(?:\.\d+)*)")
_MUSL_ARCHITECTURE = {"i686": "x86", "armv7l": "armv7"}  # musl's own names, where they differ


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What binaries may need to carry a level's tag.

    Attributes:
        family: ``manylinux`` or ``musllinux``.
        version: The level, e.g. ``(2, 17)``.
        arch: Architecture as in platform tags.
        priority: The higher, the more systems run it.
        aliases: Older names without the architecture: ``("manylinux2014",)``.
        libraries: SONAMEs that every such system has.
        forbidden: Symbols that must not be asked of a library, by SONAME.
        versions: Versions allowed, by symbol family: ``{"GLIBC": {"2.2.5", …}}``.
        glibc_cap: For a level between the known ones: any GLIBC version up to it is allowed too.
    """

    family: Family
    version: _Level
    arch: str
    priority: int
    aliases: tuple[str, ...] = ()
    libraries: frozenset[str]
    forbidden: Mapping[str, frozenset[str]] = {}
    versions: Mapping[str, frozenset[str]] = {}
    glibc_cap: _Level | None = None

    @property
    def name(self) -> str:
        """The level without the architecture: ``manylinux_2_17``."""
        return f"{self.family}_{self.version[0]}_{self.version[1]}"

    @property
    def tag(self) -> str:
        """The platform tag: ``manylinux_2_17_x86_64``."""
        return f"{self.name}_{self.arch}"

    def allows(self, symbol_version: str) -> bool:
        """Whether ``GLIBC_2.17`` and the like may be needed; families that no policy speaks of always may."""
        family, _, version = symbol_version.partition("_")
        allowed = self.versions.get(family)
        if allowed is None or version in allowed:
            return True
        if family != "GLIBC" or self.glibc_cap is None:
            return False
        number = _number(version)
        return number is not None and number[:2] <= self.glibc_cap


def policies(family: Family, arch: str, extra: Sequence[Policy] = ()) -> tuple[Policy, ...]:
    """Return the policies of an architecture, the one met by most systems first; empty when there are none.

    Args:
        family: ``manylinux`` or ``musllinux``.
        arch: As in platform tags.
        extra: Policies that stand beside the known ones, or in place of those of the same level.
    """
    known = _known(family, arch)
    added = {policy.version: policy for policy in extra if (policy.family, policy.arch) == (family, arch)}
    if not added:
        return known
    return tuple(sorted((*(one for one in known if one.version not in added), *added.values()), key=_level_of))


def _level_of(policy: Policy) -> _Level:
    return policy.version


@cache
def _known(family: Family, arch: str) -> tuple[Policy, ...]:
    table = _tables()[family]
    if arch not in table["architectures"]:
        return ()
    span = [_level(text) for text in table["architectures"][arch]]
    first, last = span[0], span[-1] if len(span) > 1 else None
    return tuple(
        _policy(family, arch, level, priority)
        for level, priority in ((_level(text), priority) for text, priority in table["levels"].items())
        if first <= level and (last is None or level <= last)
    )


def policy_for(family: Family, version: _Level, arch: str, extra: Sequence[Policy] = ()) -> Policy | None:
    """Return the policy of a level; ``None`` when the architecture has none in that family.

    A manylinux level that is not in the tables (PEP 600 allows any) caps GLIBC at exactly that version and takes
    libraries and other symbols from the next lower known level, or from the lowest one there is.

    Raises:
        UsageError: The level is no musllinux level we know.
    """
    known = policies(family, arch, extra)
    exact = [policy for policy in known if policy.version == version]
    if exact or not known:
        return exact[0] if exact else None
    if family == "musllinux":
        raise UsageError(
            f"musllinux_{version[0]}_{version[1]} is not a level known for {arch}",
            hint=f"known are {', '.join(policy.name for policy in known)}",
        )
    base = max((policy for policy in known if policy.version < version), default=known[0], key=lambda p: p.version)
    glibc = frozenset(
        text for text in base.versions["GLIBC"] if (number := _number(text)) is None or number[:2] <= version
    )
    return msgspec.structs.replace(
        base,
        version=version,
        priority=base.priority - 1 if base.version < version else base.priority + 1,
        aliases=(),
        versions={**base.versions, "GLIBC": glibc},
        glibc_cap=version,
    )


def _policy(family: Family, arch: str, level: _Level, priority: int) -> Policy:
    table = _tables()[family]
    libraries = {
        musl_soname(library, arch)
        for since, names in table["libraries"].items()
        if _level(since) <= level
        for library in names.split()
    }
    alias = table.get("aliases", {}).get(f"{level[0]}_{level[1]}")
    return Policy(
        family=family,
        version=level,
        arch=arch,
        priority=priority,
        aliases=(alias,) if alias else (),
        libraries=frozenset(libraries),
        forbidden=_forbidden(table["forbidden"], level),
        versions=_versions(table, arch, level) if "versions" in table else {},
    )


def musl_soname(library: str, arch: str) -> str:
    """Return a SONAME as musl systems have it: Alpine's libc carries the architecture."""
    return f"libc.musl-{_MUSL_ARCHITECTURE.get(arch, arch)}.so.1" if library == "libc.so" else library


def _forbidden(rows: list[dict[str, str]], level: _Level) -> dict[str, frozenset[str]]:
    forbidden: dict[str, frozenset[str]] = {}
    for row in rows:
        if "until" not in row or level < _level(row["until"]):
            forbidden[row["library"]] = forbidden.get(row["library"], frozenset()) | set(row["symbols"].split())
    return forbidden


def _versions(table: dict[str, Any], arch: str, level: _Level) -> dict[str, frozenset[str]]:
    caps: dict[str, _Version] = {}
    for since, row in table["caps"].items():
        if _level(since) <= level:
            caps.update({family: tuple(map(int, cap.split("."))) for family, cap in row.items()})
    caps["GLIBC"] = level
    rows = {**table["versions"]["common"], **table["versions"][arch]}
    return {family: frozenset(_within(rows[family], caps.get(family, ()), level)) for family in _FAMILIES}


def _within(text: str, cap: _Version, level: _Level) -> Iterator[str]:
    """Yield the versions of a row that ``level`` has."""
    since: dict[str, _Level | None] = {}
    for word in text.split():
        versions, _, named = word.partition("@")
        since.update(dict.fromkeys(_range(versions), _level(named) if named else None))
    for version, start in since.items():
        number = _number(version)
        if (start <= level) if start is not None else (number is not None and number <= cap):
            yield version


def _range(text: str) -> list[str]:
    """Unfold ``2.4..2.9``, which counts the last number up."""
    first, _, last = text.partition("..")
    if not last:
        return [first]
    stem, _, low = first.rpartition(".")
    return [f"{stem}.{number}" for number in range(int(low), int(last.rpartition(".")[2]) + 1)]


def _number(version: str) -> _Version | None:
    """Return the number in ``2.17`` or ``LDBL_3.4.7``; ``None`` for a name such as ``PRIVATE``."""
    match = _NUMBERED.fullmatch(version)
    return tuple(map(int, match["number"].split("."))) if match else None


def _level(text: str) -> _Level:
    major, _, minor = text.partition("_")
    return int(major), int(minor)


@cache
def _tables() -> dict[str, Any]:
    import tomli  # noqa: PLC0415 - only a run that audits needs the tables

    return tomli.loads(files(__package__).joinpath("policies.toml").read_text(encoding="utf-8"))
