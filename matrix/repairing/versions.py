"""The symbol versions that a library defines (DT_VERDEF), so that a wrong one of the right name is not taken."""

from __future__ import annotations

import struct
from pathlib import Path

from matrix.auditing.elf import Binary
from matrix.auditing.image import BadBinaryError, mapped, open_image
from matrix.auditing.symbols import read_strings

__all__ = ["defined_versions", "lacking_version"]

_VERDEF, _VERDEFNUM = 0x6FFFFFFC, 0x6FFFFFFD
_LIMIT = 10_000  # versions; glibc has some dozens


def defined_versions(path: Path) -> frozenset[str]:
    """Return the versions that a library defines, its own name among them; empty when its symbols have none.

    Raises:
        BadBinaryError: Its table lies outside the file, or never ends.
        OSError: It cannot be read.
    """
    found: set[str] = set()
    with mapped(path.name, path) as data:
        image = open_image(data)
        dynamic = image.dynamic()
        if _VERDEF not in dynamic:
            return frozenset()
        strings = read_strings(image, dynamic)
        offset = image.offset_of(dynamic[_VERDEF][0])
        for _ in range(min(dynamic.get(_VERDEFNUM, [_LIMIT])[0], _LIMIT)):
            *_, first, following = struct.unpack(f"{image.order}4H3I", image.read(offset, 20))
            (name,) = struct.unpack(f"{image.order}I", image.read(offset + first, 4))
            found.add(strings.at(name))
            if not following:
                return frozenset(found)
            offset += following
    if len(found) >= _LIMIT:
        raise BadBinaryError(f"{path.name}: its version definitions have no end")
    return frozenset(found)


def lacking_version(soname: str, needed_by: Binary, defined: frozenset[str]) -> str | None:
    """Return a version that a binary asks of a library and that it does not define, or ``None``.

    A loader lets a library without any versions pass, and versions that may be missing.
    """
    if not defined:
        return None
    asked = (need for need in needed_by.needs if need.library == soname and not need.flagged)
    return next((need.version for need in asked if need.version not in defined), None)
