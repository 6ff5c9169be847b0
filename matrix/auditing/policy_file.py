"""Policies of one's own: levels read from a file, in auditwheel's JSON or as TOML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrix.auditing.policies import ARCHITECTURES, Family, Policy, musl_soname, policy_for
from matrix.errors import UsageError

__all__ = ["read_policies"]

_NAME = re.compile(r"(manylinux|musllinux)_(\d{1,4})_(\d{1,4})", re.ASCII)
_FLAG = "--policy"
_FORM = 'it is a list of {name = "manylinux_2_28", lib_whitelist = ["libfoo.so.1"]}, as auditwheel has it'


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    """A policy as auditwheel writes it; all but the name may be missing."""

    name: str
    aliases: list[str] = []
    priority: int | None = None
    symbol_versions: dict[str, dict[str, list[str]]] = {}
    lib_whitelist: list[str] = []
    blacklist: dict[str, list[str]] = {}


def read_policies(path: Path) -> tuple[Policy, ...]:
    """Read a policy file.

    It is auditwheel's JSON list of policies, or TOML with the same rows under ``[[policies]]``. A row with
    ``symbol_versions`` is the whole policy of its level on the architectures named there; one without adds its
    libraries and symbols to the level that is known.

    Args:
        path: The file; one that ends in ``.json`` is JSON.

    Raises:
        UsageError: It cannot be read, or is not of that form.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error} ({_FLAG})") from error
    try:
        rows = msgspec.convert(_rows(path, data), list[_Row])
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"{path}: {error} ({_FLAG})", hint=_FORM) from error
    return tuple(policy for row in rows if row.name != "linux" for policy in _policies(path, row))


def _rows(path: Path, data: bytes) -> Any:
    if path.suffix == ".json":
        return msgspec.json.decode(data)
    import tomli  # noqa: PLC0415 - only who brings a file needs it

    document = tomli.loads(data.decode("utf-8"))
    if set(document) != {"policies"}:
        raise ValueError("it has one key, policies")
    return document["policies"]


def _policies(path: Path, row: _Row) -> Iterator[Policy]:
    match = _NAME.fullmatch(row.name)
    if match is None:
        raise UsageError(f"{path}: {row.name[:80]!r} is not the name of a level ({_FLAG})", hint=_FORM)
    family: Family = "musllinux" if match[1] == "musllinux" else "manylinux"
    version = int(match[2]), int(match[3])
    forbidden = {library: frozenset(symbols) for library, symbols in row.blacklist.items()}
    for arch, versions in row.symbol_versions.items():
        yield Policy(
            family=family,
            version=version,
            arch=arch,
            priority=row.priority or 0,
            aliases=tuple(row.aliases),
            libraries=_libraries(row, family, arch),
            forbidden=forbidden,
            versions={name: frozenset(allowed) for name, allowed in versions.items()},
        )
    if row.symbol_versions:
        return
    known = [policy for arch in ARCHITECTURES if (policy := policy_for(family, version, arch)) is not None]
    for policy in known:
        yield msgspec.structs.replace(
            policy,
            libraries=policy.libraries | _libraries(row, family, policy.arch),
            forbidden=_joined(policy.forbidden, forbidden),
        )


def _libraries(row: _Row, family: Family, arch: str) -> frozenset[str]:
    musl = family == "musllinux"
    return frozenset(musl_soname(library, arch) if musl else library for library in row.lib_whitelist)


def _joined(one: Mapping[str, frozenset[str]], other: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return {name: one.get(name, frozenset()) | other.get(name, frozenset()) for name in {*one, *other}}
