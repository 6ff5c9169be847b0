"""Findings in words: why a level is not met, and what else is worth knowing about a binary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from matrix.auditing.elf import Binary
from matrix.auditing.offences import Offence, OffenceKind, version_key
from matrix.auditing.policies import Policy
from matrix.auditing.reach import leaves
from matrix.model import Finding

__all__ = ["HINTS", "explain", "level_note", "remarks", "symbol_list", "versioned"]

HINTS: dict[OffenceKind, str] = {
    "forbidden-symbol": "it is private to that library; link the library statically instead",
    "symbol-version": "build on a system with an older glibc, such as an image of that level",
    "external-library": "link it statically, or let wheelmatrix repair bring it along",
    "links-libpython": "an extension module takes Python's symbols from the interpreter that loads it; do not link it",
    "isa-level": "build without target-cpu or target-feature flags",
    "pyfpe-symbol": "build against a Python made without fpectl (PEP 513)",
    "ucs2-symbol": "build against a Python with wide Unicode (PEP 513)",
}


def explain(offences: Iterable[Offence], *, binaries: Sequence[Binary]) -> list[Finding]:
    """Turn offences into findings, one line each.

    They are warnings: a wheel that claims no level may do all of it. Only an extension module that links
    libpython is an error, because an interpreter without a shared one cannot import it.
    """
    extensions = {binary.file for binary in binaries if binary.modules}
    return [
        Finding(
            code=offence.kind,
            severity="error" if offence.kind == "links-libpython" and offence.file in extensions else "warning",
            file=offence.file,
            message=_sentence(offence),
            hint=HINTS[offence.kind],
        )
        for offence in offences
    ]


def remarks(binaries: Iterable[Binary], policy: Policy | None) -> list[Finding]:
    """Return what is worth knowing whatever the level, file by file."""
    return [finding for binary in binaries for finding in _remarks(binary, policy)]


def level_note(policy: Policy, against: Sequence[Offence]) -> Finding:
    """Say what keeps the binaries from the next wider level; ``against`` is not empty."""
    by_version = sorted(
        (offence for offence in against if offence.kind == "symbol-version"),
        key=lambda offence: version_key(offence.name),
        reverse=True,
    )
    names = [name for offence in by_version for name in versioned(offence)] or [offence.name for offence in against]
    return Finding(
        code="level-set-by",
        severity="note",
        file=against[0].file,
        message=f"{policy.name} is the widest level: needs {symbol_list(list(dict.fromkeys(names)))}",
    )


def versioned(offence: Offence) -> list[str]:
    """Return the symbols of an offence with their version: ``pthread_create@GLIBC_2.34``."""
    return [f"{symbol}@{offence.name}" for symbol in offence.symbols] or [offence.name]


def symbol_list(names: Sequence[str], limit: int = 2) -> str:
    """Join names for people: ``a, b (3 more)``."""
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" ({more} more)" if more > 0 else "")


def _sentence(offence: Offence) -> str:
    name, library = offence.name, offence.library
    words: dict[OffenceKind, str] = {
        "forbidden-symbol": f"uses {name} of {library}, which no level may rely on",
        "symbol-version": f"needs {symbol_list(versioned(offence))} of {library}",
        "external-library": f"needs {name}, which no level allows",
        "links-libpython": f"links {name}, which an extension module must not",
        "isa-level": f"runs on {name} processors only",
        "pyfpe-symbol": f"uses {name}, which only some builds of Python have",
        "ucs2-symbol": f"uses {name}, which a Python 2 with wide Unicode does not have",
    }
    return words[offence.kind]


def _remarks(binary: Binary, policy: Policy | None) -> Iterator[Finding]:
    if binary.kind == "executable" and binary.libpython is not None:
        yield Finding(
            code="links-libpython",
            severity="note",
            file=binary.file,
            message=f"has a Python in it and needs {binary.libpython} of the system",
        )
    for code, message, hint in _oddities(binary):
        yield Finding(code=code, severity="warning", file=binary.file, message=message, hint=hint)
    if policy is None:
        return
    for need in sorted(binary.needs, key=lambda need: version_key(need.version)):
        if need.weak and not need.flagged and not policy.allows(need.version):
            symbols = symbol_list([f"{symbol}@{need.version}" for symbol in need.symbols])
            yield Finding(
                code="weak-symbol-version",
                severity="warning",
                file=binary.file,
                message=f"{symbols} is weak and does not count, but a system without it may refuse the file",
                hint="build on a system with an older glibc, so that the version is not asked for at all",
            )


def _oddities(binary: Binary) -> Iterator[tuple[str, str, str | None]]:
    for directory in (*binary.rpath, *binary.runpath):
        if not directory.startswith(("$ORIGIN", "${ORIGIN}")):
            yield (
                "absolute-rpath",
                f"looks for libraries in {directory}, a directory of the machine that built it",
                "drop the rpath, or start it with $ORIGIN",
            )
        elif leaves(binary.file, directory):
            yield (
                "rpath-outside",
                f"looks for libraries in {directory}, outside the directory that the wheel is installed in",
                None,
            )
    if binary.executable_stack:
        yield (
            "executable-stack",
            "asks for an executable stack, which hardened systems and glibc from 2.41 on refuse",
            "an assembly source without a .note.GNU-stack section is the usual cause",
        )
    if binary.text_relocations:
        yield (
            "text-relocations",
            "has relocations in its code, which musl and hardened systems refuse",
            "compile everything in it as position-independent code",
        )
