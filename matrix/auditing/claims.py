"""What a wheel's file name claims: interpreters, platforms, levels (PEP 425, 600, 656)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from matrix.auditing.elf import Libc
from matrix.errors import WheelmatrixError
from matrix.model import Compatibility

__all__ = ["BadWheelError", "Claims", "read_claims"]

_LEVEL = re.compile(r"(manylinux|musllinux)_(\d{1,4})_(\d{1,4})_(\w+)", re.ASCII)
_LEGACY = re.compile(r"(manylinux1|manylinux2010|manylinux2014)_(\w+)", re.ASCII)
_LEGACY_LEVELS = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_TAG_LIMIT = 10_000  # bytes of a file name; the tag set is the product of its parts


class BadWheelError(WheelmatrixError):
    """A file that is no wheel, or one that cannot be opened safely."""


class Claims(NamedTuple):
    """What a wheel's file name says.

    Attributes:
        name: The project, as written.
        version: Its version, as written.
        build: The build number, mostly empty.
        tags: All of them, expanded and sorted.
        interpreters: Python and ABI part of each: ``("cp312", "cp312")``.
        platforms: Platform parts, sorted.
        levels: The manylinux and musllinux levels among them with their architecture.
        arch: Architecture of the Linux platforms; empty when there is none.
        libc: C library that the levels speak of; empty for both or neither.
    """

    name: str
    version: str
    build: str
    tags: tuple[str, ...]
    interpreters: tuple[tuple[str, str], ...]
    platforms: tuple[str, ...]
    levels: tuple[tuple[Compatibility, str], ...]
    arch: str
    libc: Libc


def read_claims(file: str) -> Claims:
    """Read the tags of a wheel's file name.

    Raises:
        BadWheelError: It is not the name of a wheel.
    """
    from packaging.tags import parse_tag  # noqa: PLC0415

    parts = file.removesuffix(".whl").split("-")
    if not file.endswith(".whl") or len(parts) not in {5, 6} or len(file) > _TAG_LIMIT or not all(parts):
        raise BadWheelError(
            f"{file}: this is not the name of a wheel", hint="it is NAME-VERSION-PYTHON-ABI-PLATFORM.whl"
        )
    tags = parse_tag("-".join(parts[-3:]))
    platforms = tuple(sorted({tag.platform for tag in tags}))
    levels = tuple(level for platform in platforms if (level := _level(platform)) is not None)
    families = {level.family for level, _ in levels}
    arches = [arch for _, arch in levels] or [p.removeprefix("linux_") for p in platforms if p.startswith("linux_")]
    return Claims(
        name=parts[0],
        version=parts[1],
        build=parts[2] if len(parts) == 6 else "",
        tags=tuple(sorted(map(str, tags))),
        interpreters=tuple(sorted({(tag.interpreter, tag.abi) for tag in tags})),
        platforms=platforms,
        levels=levels,
        arch=arches[0] if arches else "",
        libc=_libc(families),
    )


def _level(platform: str) -> tuple[Compatibility, str] | None:
    match = _LEVEL.fullmatch(platform)
    if match is not None:
        version = int(match[2]), int(match[3])
        family = match[1]
        return Compatibility(family="musllinux" if family == "musllinux" else "manylinux", version=version), match[4]
    match = _LEGACY.fullmatch(platform)
    if match is not None:
        return Compatibility(family="manylinux", version=_LEGACY_LEVELS[match[1]]), match[2]
    return None


def _libc(families: Iterable[str]) -> Libc:
    match sorted(families):
        case ["manylinux"]:
            return "glibc"
        case ["musllinux"]:
            return "musl"
        case _:
            return ""
