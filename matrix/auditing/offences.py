"""What in a binary goes against a policy, in the order it is tested."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from matrix.auditing.elf import Binary
from matrix.auditing.policies import Policy
from matrix.auditing.symbols import VersionNeed

__all__ = ["PYFPE", "Offence", "OffenceKind", "counted_needs", "is_loader", "offences", "version_key"]

OffenceKind: TypeAlias = Literal[
    "forbidden-symbol",
    "symbol-version",
    "external-library",
    "links-libpython",
    "isa-level",
    "pyfpe-symbol",
    "ucs2-symbol",
]

_LOADER = re.compile(r"ld-linux[\w.-]*\.so\.\d+|ld64?\.so\.\d+|ld-musl-[\w.-]*\.so\.1")
PYFPE = frozenset({"PyFPE_jbuf", "PyFPE_dummy", "PyFPE_counter"})
_DIGITS = re.compile(r"\d+")


class Offence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a policy does not allow.

    Attributes:
        kind: Which rule it breaks.
        file: The binary.
        library: SONAME of the library concerned; empty for an instruction set.
        name: What offends: a symbol, a symbol version, a SONAME or an instruction-set level.
        symbols: For a symbol version: the symbols asked for under it, sorted.
    """

    kind: OffenceKind
    file: str
    library: str = ""
    name: str
    symbols: tuple[str, ...] = ()


def offences(
    policy: Policy, binary: Binary, internal: frozenset[str] = frozenset(), *, weak: bool = False
) -> Iterator[Offence]:
    """Yield what ``policy`` does not allow in ``binary``, in the order of PEP 600's tests.

    Args:
        policy: The level asked about.
        binary: One ELF file.
        internal: SONAMEs and file names of libraries that the wheel brings along; they and their versions count
            as part of it.
        weak: Whether versions count that only weak symbols ask for; see :func:`counted_needs`.
    """
    undefined = frozenset(binary.undefined)
    for library in sorted(policy.forbidden.keys() & set(binary.needed) - internal):
        for symbol in sorted(policy.forbidden[library] & undefined):
            yield Offence(kind="forbidden-symbol", file=binary.file, library=library, name=symbol)
    for need in counted_needs(binary, internal, weak=weak):
        if not policy.allows(need.version):
            yield Offence(
                kind="symbol-version",
                file=binary.file,
                library=need.library,
                name=need.version,
                symbols=need.symbols,
            )
    musl_libc = {"libc.so"} if policy.family == "musllinux" else set()  # what musl itself calls its libc
    for library in binary.needed:
        if library in internal or library in policy.libraries or library in musl_libc or is_loader(library):
            continue
        if library == binary.libpython and binary.kind == "executable":
            continue  # it has a Python of its own choice in it, which must be there as for maturin
        kind: OffenceKind = "links-libpython" if library == binary.libpython else "external-library"
        yield Offence(kind=kind, file=binary.file, library=library, name=library)
    yield from _builds(binary)


def _builds(binary: Binary) -> Iterator[Offence]:
    """Yield what only some builds of Python, and some processors, have; no level allows it."""
    for symbol in sorted(PYFPE.intersection(binary.undefined)):
        yield Offence(kind="pyfpe-symbol", file=binary.file, name=symbol)
    if binary.ucs2:  # manylinux1 allows wide Unicode alone (PEP 513)
        yield Offence(kind="ucs2-symbol", file=binary.file, name="PyUnicodeUCS2")
    if binary.isa is not None:
        yield Offence(kind="isa-level", file=binary.file, name=binary.isa)


def counted_needs(
    binary: Binary, internal: frozenset[str] = frozenset(), *, weak: bool = False
) -> Iterable[VersionNeed]:
    """Return the symbol versions that decide on the level: none from the wheel's own libraries.

    Args:
        binary: One ELF file.
        internal: The wheel's own libraries.
        weak: Whether those count that only weak symbols ask for. A loader refuses a finished file for want of one
            unless it is flagged; in a file that is yet to be tagged it can be flagged.
    """
    return (
        need for need in binary.needs if need.library not in internal and not need.flagged and (weak or not need.weak)
    )


def is_loader(library: str) -> bool:
    """Whether a SONAME is the loader's own, which every system of the architecture has."""
    return _LOADER.fullmatch(library) is not None


def version_key(version: str) -> tuple[str, tuple[int, ...], str]:
    """Return a key that sorts ``GLIBC_2.9`` before ``GLIBC_2.17``."""
    return version.partition("_")[0], tuple(int(number) for number in _DIGITS.findall(version)), version
