"""Whether the interpreters a wheel is for would import its extension modules (PEP 3149, PEP 803)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from matrix.auditing.claims import Claims
from matrix.auditing.elf import Binary
from matrix.model import Finding

__all__ = ["suffix_findings"]

_CPYTHON = re.compile(r"\.cpython-(?P<version>3\d{1,2})(?P<flags>[a-z]*)(?:-(?P<platform>[\w-]+))?\.so")
_PYPY = re.compile(r"\.pypy(?P<version>3\d{1,2})-pp\d+(?:-(?P<platform>[\w-]+))?\.so")
_STABLE = re.compile(r"\.(?P<abi>abi3t?)\.so")
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


def suffix_findings(binaries: Iterable[Binary], claims: Claims) -> Iterator[Finding]:
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


def _module(binary: Binary) -> _Module:
    directory, _, file = binary.file.rpartition("/")
    name, _, suffix = file.partition(".")
    return _Module(binary.file, f"{directory}/{name}", f".{suffix}")


def _loads(suffix: str, claims: Claims) -> bool:
    for pattern, python in ((_CPYTHON, "cp"), (_PYPY, "pp")):
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
    if platform is None or not claims.arch:
        return True
    if not platform.startswith((claims.arch, *_PLATFORM_ARCH.get(claims.arch, ()))):
        return False
    if claims.libc == "" or "-linux-" not in platform:
        return True
    musl = claims.libc == "musl" and musl_named and version >= _MUSL_NAMED_SINCE
    return platform.rpartition("-")[2].startswith("musl" if musl else "gnu")
