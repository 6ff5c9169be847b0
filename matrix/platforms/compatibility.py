"""Compatibility levels: how they are written, and which targets they fit (PEP 600, PEP 656)."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from matrix.errors import UsageError, did_you_mean
from matrix.model import Compatibility, Target

__all__ = ["AUTO", "LINUX", "PYPI", "Wish", "fits", "misfit", "parse_compatibility", "rust_floor"]

PYPI: Final = "pypi"
Wish: TypeAlias = Compatibility | Literal["pypi"]
"""What can be written: a level, or ``pypi`` (the best level met, and an error if PyPI would refuse it)."""

AUTO = Compatibility(family="auto")
LINUX = Compatibility(family="linux")

_ALIASES = {"1": (2, 5), "2010": (2, 12), "2014": (2, 17)}  # PEP 600, "Legacy manylinux tags"
_HIGHEST = 99  # minor version of a libc that may be yet to come; more digits are a slip of the hand
_PATTERN = re.compile(r"(?P<family>manylinux_|manylinux|musllinux_)?(?P<version>\d{1,4}(?:_\d{1,4})?)", re.ASCII)
_FLOOR = (2, 17)
_FLOORS = {"riscv64": (2, 31), "loongarch64": (2, 36)}  # the first glibc that knows them and Rust supports
_WORDS = ("auto", "linux", "off", "pypi", "manylinux2014", "manylinux_2_28", "musllinux_1_2")


def parse_compatibility(text: str, origin: str = "--compatibility") -> Wish:
    """Return the level that ``text`` names.

    ``manylinux_2_28``, ``manylinux2014``, ``2_28`` and ``2014`` are manylinux levels, ``musllinux_1_2`` is
    one of musllinux, ``linux`` and ``off`` make no claim, ``auto`` is the best level met and ``pypi`` the
    same, provided that PyPI takes it.

    Args:
        text: As a person wrote it; case does not count.
        origin: Where, for the message.

    Raises:
        UsageError: It names no level, or one that Rust cannot reach.
    """
    word = text.strip().lower()
    if word == PYPI:
        return PYPI
    if word == "auto":
        return AUTO
    if word in {"linux", "off"}:
        return LINUX
    match = _PATTERN.fullmatch(word)
    if match is None:
        raise _unknown(text, origin)
    family, version = match["family"], match["version"]
    if family == "musllinux_":
        return _musllinux(text, version, origin)
    if "_" not in version:
        if family == "manylinux_" or version not in _ALIASES:
            raise _unknown(text, origin)
    elif family == "manylinux":
        raise _unknown(text, origin)
    return _manylinux(text, _ALIASES.get(version) or _pair(version), origin)


def _manylinux(text: str, version: tuple[int, int], origin: str) -> Compatibility:
    if version[0] < 2:
        raise _unknown(text, origin, hint=f"did you mean 'musllinux_{version[0]}_{version[1]}'?")
    if version < _FLOOR:
        raise UsageError(
            f"{origin}: {text!r} is out of reach: Rust since 1.64 needs glibc 2.17",
            hint="manylinux_2_17 (manylinux2014) is the lowest level",
        )
    if version[1] > _HIGHEST:
        raise _unknown(text, origin)
    return Compatibility(family="manylinux", version=version)


def _musllinux(text: str, version: str, origin: str) -> Compatibility:
    if "_" not in version or _pair(version) < (1, 1) or _pair(version)[1] > _HIGHEST:
        raise _unknown(text, origin)
    return Compatibility(family="musllinux", version=_pair(version))


def _pair(version: str) -> tuple[int, int]:
    major, _, minor = version.partition("_")
    return int(major), int(minor)


def _unknown(text: str, origin: str, hint: str | None = None) -> UsageError:
    near = hint or did_you_mean(text.strip().lower(), _WORDS)
    words = 'write "manylinux_2_28", "2014", "musllinux_1_2", "auto", "linux" or "pypi"'
    return UsageError(f"unknown compatibility level {text!r} ({origin})", hint=near or words)


def rust_floor(target: Target) -> tuple[int, int]:
    """Return the lowest glibc that Rust's own code for this Linux architecture runs on."""
    return _FLOORS.get(target.machine, _FLOOR)


def misfit(level: Compatibility, target: Target) -> str | None:
    """Return why ``level`` cannot be a level of ``target``, or ``None`` when it can."""
    if level.family == "auto":
        return None
    if target.os != "linux":
        return f"{level} means Linux, {target.triple} does not"
    versions = level.versions
    if not versions:
        return None
    libc = "musl" if level.family == "musllinux" else "gnu"
    if target.libc != libc:
        return f"{level} means {'glibc' if libc == 'gnu' else libc}, {target.triple} does not"
    floor = rust_floor(target)
    if libc == "gnu" and max(versions) < floor:
        return f"{level} is out of reach: Rust for {target.machine} needs glibc {floor[0]}.{floor[1]}"
    return None


def fits(level: Compatibility, target: Target) -> bool:
    """Whether ``level`` can be a level of ``target`` at all; see :func:`misfit` for the reason."""
    return misfit(level, target) is None
