"""METADATA and WHEEL: whether they are as their specifications say, and fit the file name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from email.parser import Parser
from typing import NamedTuple

from matrix.auditing.claims import Claims
from matrix.model import Finding, Severity

__all__ = ["Described", "described_findings", "pure_root"]

_LICENCES_SINCE = (2, 4)
_GRAVE = frozenset({"name", "version"})
_TOO_EARLY = "introduced in metadata version"  # fields that tools wrote before there was a version that has them
_SHOWN = 300


class Described(NamedTuple):
    """What a wheel says of itself.

    Attributes:
        directory: Its ``.dist-info`` directory.
        wheel: Text of WHEEL.
        metadata: Content of METADATA, ``None`` when there is none.
        files: Every file of the wheel.
    """

    directory: str
    wheel: str
    metadata: bytes | None
    files: Collection[str]


def described_findings(described: Described, claims: Claims) -> Iterator[Finding]:
    """Yield what is wrong with METADATA and WHEEL."""
    yield from _directory(described, claims)
    yield from _wheel(described, claims)
    yield from _metadata(described, claims)


def pure_root(wheel: str) -> bool:
    """Whether the text of a WHEEL file says that the root of the archive is pure Python."""
    return any(line.replace(" ", "").lower() == "root-is-purelib:true" for line in wheel.splitlines())


def _directory(described: Described, claims: Claims) -> Iterator[Finding]:
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    name, _, version = described.directory.removesuffix(".dist-info").partition("-")
    if canonicalize_name(name) != canonicalize_name(claims.name) or not _same_version(version, claims.version):
        yield Finding(
            code="metadata-differs",
            severity="error",
            file=described.directory,
            message=f"the file name says {claims.name} {claims.version}; installers refuse that",
        )


def _wheel(described: Described, claims: Claims) -> Iterator[Finding]:
    file = f"{described.directory}/WHEEL"
    fields = Parser().parsestr(described.wheel, headersonly=True)

    def wrong(message: str) -> Finding:
        return Finding(code="wheel-file-invalid", severity="error", file=file, message=message)

    version = str(fields.get("Wheel-Version", "")).strip()
    if not version:
        yield wrong("it has no Wheel-Version, so installers refuse it")
    elif version.partition(".")[0] != "1":
        yield wrong(f"Wheel-Version {version[:40]!r} is unknown to installers")
    root = str(fields.get("Root-Is-Purelib", "")).strip().lower()
    if root not in {"true", "false"}:
        yield wrong("Root-Is-Purelib is neither true nor false" if root else "it has no Root-Is-Purelib")
    build = str(fields.get("Build", "")).strip()
    if build != claims.build:
        yield wrong(f"its build number is {build[:40] or 'missing'}, the file name's is {claims.build or 'missing'}")
    written = {tag for text in fields.get_all("Tag", []) for tag in _expanded(str(text).strip())}
    if written != set(claims.tags):
        what = ", ".join(sorted(written))[:200] or "it has none"
        message = f"its tags are not those of the file name: {what}"
        yield Finding(code="tags-differ", severity="warning", file=file, message=message)


def _expanded(tag: str) -> set[str]:
    from packaging.tags import parse_tag  # noqa: PLC0415

    return {str(one) for one in parse_tag(tag)} if tag.count("-") == 2 else {tag}


def _metadata(described: Described, claims: Claims) -> Iterator[Finding]:
    from packaging.metadata import Metadata, parse_email  # noqa: PLC0415 - only an audit of a wheel needs it
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    file = f"{described.directory}/METADATA"
    if described.metadata is None:
        yield Finding(code="metadata-missing", severity="error", file=file, message="there is none")
        return
    raw, _ = parse_email(described.metadata)
    name, version = str(raw.get("name", "")), str(raw.get("version", ""))
    if canonicalize_name(name) != canonicalize_name(claims.name) or not _same_version(version, claims.version):
        message = f"it is of {name[:100]} {version[:100]}, the file name of {claims.name} {claims.version}"
        yield Finding(code="metadata-differs", severity="error", file=file, message=message)
    try:
        Metadata.from_email(described.metadata, validate=True)
    except Exception as group:  # noqa: BLE001 - an ExceptionGroup, packaging's own before Python 3.11
        for error in getattr(group, "exceptions", (group,)):
            yield Finding(
                code="metadata-invalid",
                severity=_severity(error),
                file=file,
                message=" ".join(str(error).split())[:_SHOWN],
            )
    yield from _licences(described, file, str(raw.get("metadata_version", "")), raw.get("license_files") or [])


def _severity(error: Exception) -> Severity:
    """Only without a name and a version is a wheel of no use; fields that came too early are taken everywhere."""
    if str(getattr(error, "field", "")).lower() in _GRAVE:
        return "error"
    return "note" if _TOO_EARLY in str(error) else "warning"


def _licences(described: Described, file: str, version: str, named: Collection[str]) -> Iterator[Finding]:
    """PyPI takes no wheel whose licence files are elsewhere (PEP 639), from the version of METADATA that says so."""
    major, _, minor = version.partition(".")
    if not (major.isdigit() and minor.isdigit() and (int(major), int(minor)) >= _LICENCES_SINCE):
        return
    for path in named:
        if f"{described.directory}/licenses/{path}" not in described.files:
            message = f"License-File {path[:200]} is not in {described.directory}/licenses"
            yield Finding(code="licence-missing", severity="error", file=file, message=message)


def _same_version(one: str, other: str) -> bool:
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other
