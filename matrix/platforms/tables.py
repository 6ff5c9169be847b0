"""Pythons known without running one: their tags, suffixes and library names on every target.

Where the rules come from: PEP 3149 (suffixes), PEP 425 and PEP 703 (tags), CPython's platform triplets,
PyPy's and GraalPy's own ``sysconfig``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import msgspec

from matrix.errors import UsageError
from matrix.model import Implementation, Interpreter, Target

__all__ = [
    "OLDEST",
    "Release",
    "absence",
    "known_interpreter",
    "known_interpreters",
    "lib_name",
    "released_versions",
    "suits",
]

OLDEST = (3, 7)
"""The oldest Python that wheels are made for."""

_CPYTHON = tuple((3, minor) for minor in range(7, 16))
_FREE_THREADED = tuple((3, minor) for minor in range(13, 16))  # PEP 703
_PYPY = tuple((3, minor) for minor in range(9, 13))
_PYPY_ABI = {(3, 12): "pp80"}  # PyPy's own ABI: of 8.0 for what came with it, else of 7.3
_PYPY_ABI_BEFORE = "pp73"
_GRAALPY_ABI = {(3, 10): "240", (3, 11): "242", (3, 12): "250", (3, 13): "253"}  # GraalPy's own ABI number

_FIRST_CPYTHON = {
    # platforms that came later: (os, arch) or os to the first CPython there
    "android": (3, 13),  # PEP 738
    "ios": (3, 13),  # PEP 730
    "emscripten": (3, 11),  # PEP 776
    "aarch64-macos": (3, 8),
    "universal2-macos": (3, 8),
    "aarch64-windows": (3, 8),
}
_MUSL_TRIPLET = (3, 11)  # from here on CPython tells musl from glibc in its suffixes
_CPYTHON_ARCH = {
    "arm": "arm", "armv5te": "arm", "armv7": "arm", "thumbv7neon": "arm",
    "i586": "i386", "i686": "i386", "riscv64gc": "riscv64",
}  # fmt: skip
_PYPY_ARCH = {**_CPYTHON_ARCH, "i586": "x86", "i686": "x86", "powerpc64le": "ppc_64"}


class Release(msgspec.Struct, frozen=True, order=True):
    """A Python that has been released: implementation, minor version, and whether it is free-threaded."""

    implementation: Implementation
    version: tuple[int, int]
    threaded: bool = False

    def __str__(self) -> str:
        name = "" if self.implementation == "cpython" else self.implementation
        return f"{name}{self.version[0]}.{self.version[1]}{'t' if self.threaded else ''}"


@cache
def released_versions() -> tuple[Release, ...]:
    """Return every released Python known here: CPython, free-threaded, PyPy, GraalPy; each in order."""
    return tuple(_releases())


def _releases() -> Iterator[Release]:
    yield from (Release("cpython", version) for version in _CPYTHON)
    yield from (Release("cpython", version, threaded=True) for version in _FREE_THREADED)
    yield from (Release("pypy", version) for version in _PYPY)
    yield from (Release("graalpy", version) for version in _GRAALPY_ABI)


def absence(release: Release, target: Target) -> str | None:
    """Return why there is no such Python on ``target``, or ``None`` when there is one."""
    if release not in released_versions():
        return f"{release} is not a released Python"
    if release.implementation == "cpython":
        first = _FIRST_CPYTHON.get(target.os) or _FIRST_CPYTHON.get(f"{target.arch}-{target.os}")
        if first is not None and release.version < first:
            return f"CPython came to {target.triple} with {first[0]}.{first[1]}"
        return None
    places = {"linux", "macos", "windows"} if release.implementation == "pypy" else {"linux", "macos"}
    there = target.os in places and (target.os != "windows" or target.machine == "amd64")
    name = "PyPy" if release.implementation == "pypy" else "GraalPy"
    return None if there else f"no {name} is known for {target.triple}"


def known_interpreter(
    implementation: Implementation,
    version: tuple[int, int],
    target: Target,
    *,
    threaded: bool = False,
) -> Interpreter:
    """Return what a released Python calls itself and its extension modules on ``target``.

    Raises:
        UsageError: No such Python has been released for that platform.
    """
    release = Release(implementation, version, threaded=threaded)
    reason = absence(release, target)
    if reason is not None:
        raise UsageError(reason)
    flags = "t" if threaded else "m" if implementation == "cpython" and version < (3, 8) else ""
    python_tag, abi_tag = _tags(implementation, version, flags)
    return Interpreter(
        implementation=implementation,
        version=version,
        abi_flags=flags,
        python_tag=python_tag,
        abi_tag=abi_tag,
        ext_suffix=_suffix(implementation, version, flags, target),
        pointer_width=target.pointer_width,
        lib_name=lib_name(implementation, version, flags, windows=target.os == "windows"),
    )


def known_interpreters(target: Target) -> tuple[Interpreter, ...]:
    """Return every released Python there is on ``target``, in the order of :func:`released_versions`."""
    return tuple(
        known_interpreter(release.implementation, release.version, target, threaded=release.threaded)
        for release in released_versions()
        if absence(release, target) is None
    )


def suits(interpreter: Interpreter, target: Target) -> bool:
    """Whether an interpreter found on this host is one of ``target``'s, so that nothing need come from tables."""
    expected = _suffix(interpreter.implementation, interpreter.version, interpreter.abi_flags, target)
    if interpreter.implementation != "cpython":  # another release of the same Python may have another ABI
        known = _tags(interpreter.implementation, interpreter.version, interpreter.abi_flags)[1]
        expected = expected.replace(known.replace("_", "-"), interpreter.abi_tag.replace("_", "-"), 1)
    if interpreter.ext_suffix != expected or interpreter.pointer_width != target.pointer_width:
        return False
    machine = re.split(r"[-_]", interpreter.platform, maxsplit=1)[-1]
    if target.os == "macos":  # suffixes there name no architecture, and one file may hold several
        return target.machine == "universal2" or machine.endswith((target.machine, "universal2"))
    if target.os in {"linux", "windows"} and expected != ".pyd":
        return True
    return machine.endswith(target.machine)


def _tags(implementation: Implementation, version: tuple[int, int], flags: str) -> tuple[str, str]:
    """Return the python tag and the ABI tag of a wheel."""
    number = f"{version[0]}{version[1]}"
    if implementation == "cpython":
        return f"cp{number}", f"cp{number}{flags}"
    if implementation == "pypy":
        return f"pp{number}", f"pypy{number}_{_PYPY_ABI.get(version, _PYPY_ABI_BEFORE)}"
    return f"graalpy{number}", f"graalpy{_GRAALPY_ABI.get(version, '')}_{number}_native"


def _suffix(implementation: Implementation, version: tuple[int, int], flags: str, target: Target) -> str:
    if implementation == "cpython":
        return _cpython_suffix(target, version, flags)
    name = _tags(implementation, version, flags)[1].replace("_", "-")
    if implementation == "pypy":
        return _pypy_suffix(target, name)
    return f".{name}-{target.arch}-{'darwin' if target.os == 'macos' else target.os}.so"


def lib_name(implementation: Implementation, version: tuple[int, int], flags: str, *, windows: bool) -> str:
    """Return the ``-l`` name of a Python's shared library."""
    if implementation == "pypy":
        return f"{'lib' if windows else ''}pypy{version[0]}.{version[1]}-c"
    if implementation == "graalpy":
        return "python-native"
    if windows:
        debug = "_d" if "d" in flags else ""
        return f"python{version[0]}{version[1]}{'t' if 't' in flags else ''}{debug}"
    return f"python{version[0]}.{version[1]}{flags}"


def _cpython_suffix(target: Target, version: tuple[int, int], flags: str) -> str:
    name = f"cpython-{version[0]}{version[1]}{flags}"
    if target.os == "linux":
        return f".{name}-{_cpython_triplet(target, version)}.so"
    if target.os == "windows":
        if version < (3, 8):
            return ".pyd"
        platform = "win32" if target.machine == "32" else f"win_{target.machine}"
        return f".{name.replace('ython-', '')}-{platform}.pyd"
    if target.os == "netbsd" or (target.os == "freebsd" and version < (3, 8)):
        return ".so"
    tails = {
        "macos": "-darwin",
        "ios": "-" + target.machine.rpartition("_")[2],
        "android": "-" + target.triple.replace("armv7", "arm"),
        "emscripten": "-wasm32-emscripten",
    }
    return f".{name}{tails.get(target.os, '')}.so"


def _cpython_triplet(target: Target, version: tuple[int, int]) -> str:
    arch = _CPYTHON_ARCH.get(target.arch, target.arch)
    environment = target.triple.rpartition("-")[2]
    if target.libc == "musl" and version < _MUSL_TRIPLET:
        environment = environment.replace("musl", "gnu")
        if arch == "arm" and environment == "gnu":
            environment = "gnueabihf"
    return f"{arch}-linux-{environment}"


def _pypy_suffix(target: Target, name: str) -> str:
    if target.os == "windows":
        return f".{name}-win_{target.machine}.pyd"
    if target.os == "macos":
        return f".{name}-darwin.so"
    return f".{name}-{_PYPY_ARCH.get(target.arch, target.arch)}-linux-gnu.so"  # on musl too
