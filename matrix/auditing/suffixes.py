"""Whether the interpreters a wheel is for would import its extension modules (PEP 3149, PEP 803)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from matrix.auditing.claims import Claims
from matrix.auditing.natives import Native
from matrix.auditing.pe import Pe
from matrix.auditing.windows import python_dll
from matrix.model import Finding

__all__ = ["python_findings", "suffix_findings"]

_CPYTHON = re.compile(r"\.cpython-(?P<version>3\d{1,2})(?P<flags>[a-z]*)(?:-(?P<platform>[\w-]+))?\.so")
_PYPY = re.compile(r"\.pypy(?P<version>3\d{1,2})-pp\d+(?:-(?P<platform>[\w-]+))?\.so")
_STABLE = re.compile(r"\.(?P<abi>abi3t?)\.so")
_WINDOWS_CPYTHON = re.compile(r"\.cp(?P<version>3\d{1,2})(?P<flags>t?)-(?P<platform>win\w+)\.pyd")
_WINDOWS_PYPY = re.compile(r"\.pypy(?P<version>3\d{1,2})-pp\d+-(?P<platform>win\w+)\.pyd")
_PLATFORM_ARCH = {
    # what suffixes call an architecture where platform tags say otherwise
    "i686": ("i386", "x86"),
    "armv7l": ("arm",),
    "armv6l": ("arm",),
    "ppc64le": ("powerpc64le", "ppc_64"),
    "ppc64": ("powerpc64", "ppc_64"),
}
_MUSL_NAMED_SINCE = 311


class _Module(NamedTuple):
    file: str
    name: str
    suffix: str


def suffix_findings(binaries: Iterable[Native], claims: Claims) -> Iterator[Finding]:
    """Yield a finding for every extension module whose suffix no interpreter of the wheel's tags looks for.

    An error where the module then cannot be imported at all; a warning where another file of the wheel provides
    it, as files left over from another build do.
    """
    if not all(python.startswith(("cp3", "pp3")) for python, _ in claims.interpreters):
        return
    modules = [_module(binary) for binary in binaries if binary.modules]
    good = {module.name for module in modules if _loads(module.suffix, claims)}
    for module in modules:
        if not _loads(module.suffix, claims):
            spare = module.name in good
            yield Finding(
                code="stale-module" if spare else "suffix-not-imported",
                severity="warning" if spare else "error",
                file=module.file,
                message=f"no interpreter that the tags name looks for *{module.suffix}",
                hint="it was left by a build for another interpreter" if spare else None,
            )


def python_findings(binaries: Iterable[Pe], claims: Claims) -> Iterator[Finding]:
    """Yield an error for every Windows module that takes its symbols from the DLL of another Python than the tags'.

    ``python3.dll`` serves the stable ABI, ``python312.dll`` CPython 3.12 alone.
    """
    abis = {abi for _, abi in claims.interpreters}
    for binary in binaries:
        for library in binary.all_libraries if binary.modules else ():
            match = python_dll(library)
            if match is None or match["minor"] is None:
                continue
            own = f"cp3{match['minor']}{(match['flags'] or '').removesuffix('_d')}"
            if own not in abis and any(abi.startswith(("cp3", "abi3")) for abi in abis):
                yield Finding(
                    code="wrong-python",
                    severity="error",
                    file=binary.file,
                    message=f"needs {library}, but the tags say {' and '.join(sorted(abis))}",
                    hint="build it against the Python that the tags name",
                )


def _module(binary: Native) -> _Module:
    directory, _, file = binary.file.rpartition("/")
    name, _, suffix = file.partition(".")
    return _Module(binary.file, f"{directory}/{name}", f".{suffix}")


def _loads(suffix: str, claims: Claims) -> bool:
    for pattern, python in (
        (_CPYTHON, "cp"),
        (_PYPY, "pp"),
        (_WINDOWS_CPYTHON, "cp"),
        (_WINDOWS_PYPY, "pp"),
    ):
        match = pattern.fullmatch(suffix)
        if match is not None:
            flags = match.groupdict().get("flags") or ""
            wanted = f"{python}{match['version']}"
            abis = [abi for interpreter, abi in claims.interpreters if interpreter == wanted]
            return any(_same_build(flags, abi) for abi in abis) and _same_platform(
                match["platform"], int(match["version"]), claims, musl_named=python == "cp"
            )
    match = _STABLE.fullmatch(suffix)
    if match is not None:
        return any(python.startswith("cp") for python, _ in claims.interpreters)
    return True


def _same_build(flags: str, abi: str) -> bool:
    """A free-threaded or debug build looks for its own suffix only; a stable-ABI wheel is for many Pythons."""
    if abi.startswith("abi3"):
        return False
    return ("t" in flags) == abi.endswith("t") or abi == "none"


def _same_platform(platform: str | None, version: int, claims: Claims, *, musl_named: bool) -> bool:
    """Compare the suffix's platform with the tags'; CPython names musl from 3.11 on, PyPy never does."""
    if platform is not None and platform.startswith("win"):
        return platform in claims.platforms
    if platform is None or not claims.arch:
        return True
    if not platform.startswith((claims.arch, *_PLATFORM_ARCH.get(claims.arch, ()))):
        return False
    if claims.libc == "" or "-linux-" not in platform:
        return True
    musl = claims.libc == "musl" and musl_named and version >= _MUSL_NAMED_SINCE
    return platform.rpartition("-")[2].startswith("musl" if musl else "gnu")
