"""Which platform tags PyPI takes, so that a wheel it refuses is known before it is built."""

from __future__ import annotations

import re

__all__ = ["pypi_rejects"]

_MANYLINUX = frozenset({"x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x", "riscv64"})
_MUSLLINUX = _MANYLINUX - {"ppc64"}
_LEGACY = {
    "manylinux1": frozenset({"x86_64", "i686"}),
    "manylinux2010": frozenset({"x86_64", "i686"}),
    "manylinux2014": _MANYLINUX - {"riscv64"},
}
_EXACT = frozenset({"any", "win32", "win_amd64", "win_arm64", "linux_armv6l", "linux_armv7l"})
_MACOS = frozenset({
    "arm64", "fat", "fat3", "fat64", "i386", "intel", "ppc", "ppc64", "universal", "universal2", "x86_64",
})  # fmt: skip
_MACOS_MAJORS = frozenset({11, 12, 13, 14, 15, 26})
_VERSIONED = re.compile(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(\w+)", re.ASCII)
_OTHERS = re.compile(
    r"ios_\d+_\d+_(arm64_iphoneos|arm64_iphonesimulator|x86_64_iphonesimulator)"
    r"|android_\d+_(armeabi_v7a|arm64_v8a|x86_64|x86)"
    r"|pyemscripten_\d+_\d+_wasm32",
    re.ASCII,
)


def pypi_rejects(platform_tag: str) -> str | None:
    """Return why PyPI refuses a wheel with this (single) platform tag, or ``None`` when it takes it."""
    if platform_tag in _EXACT or _OTHERS.fullmatch(platform_tag):
        return None
    legacy, _, arch = platform_tag.partition("_")
    if legacy in _LEGACY:
        return None if arch in _LEGACY[legacy] else _no_such_arch(platform_tag, arch, legacy)
    match = _VERSIONED.fullmatch(platform_tag)
    if match is not None:
        return _versioned(platform_tag, match[1], int(match[2]), int(match[3]), match[4])
    if platform_tag.startswith("linux_"):
        return f"PyPI refuses {platform_tag}: it says nothing of the libc a wheel needs"
    return f"PyPI refuses {platform_tag}: it knows no such platform"


def _versioned(tag: str, family: str, major: int, minor: int, arch: str) -> str | None:
    if family != "macosx":
        known = _MANYLINUX if family == "manylinux" else _MUSLLINUX
        return None if arch in known else _no_such_arch(tag, arch, family)
    if arch not in _MACOS:
        return _no_such_arch(tag, arch, family)
    if major != 10 and major not in _MACOS_MAJORS:
        return f"PyPI refuses {tag}: it knows no macOS {major}"
    if major != 10 and minor != 0:
        return f"PyPI refuses {tag}: from macOS 11 on the minor version in a tag must be 0"
    return None


def _no_such_arch(tag: str, arch: str, family: str) -> str:
    return f"PyPI refuses {tag}: it takes no {family} wheels for {arch or 'no architecture'}"
