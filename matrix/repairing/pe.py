"""Gives the DLLs that a PE file imports from other names, which go into a section of their own (Microsoft, PE format).

Import tables name DLLs by address, so nothing else of the file moves. A signature over the old content is dropped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from matrix.auditing.pe import read_pe
from matrix.errors import ToolError
from matrix.repairing.nouns import PeChange

__all__ = ["rename_imports", "rewrite_pe"]

_PE32, _PE32_PLUS = 0x10B, 0x20B
_IMPORTS, _CERTIFICATES, _BOUND, _DELAYED = 1, 4, 11, 13  # data directories
_DELAY_BY_RVA = 1
_SECTION = 40  # bytes of a section header
_READ_DATA = 0x40000040  # initialised data that may be read
_NAME = b".wheels"
_LIMIT = 1 << 16  # descriptors walked


class _Layout(NamedTuple):
    """Where the parts of the headers lie, as offsets in the file."""

    coff: int
    optional: int
    directories: int
    sections: int
    number: int


def rewrite_pe(change: PeChange, file: Path) -> None:
    """Rewrite a file in place, which must be a copy, and check the result.

    Raises:
        ToolError: Its headers have no room, or the result is not what was asked for.
    """
    if not change.replaced:
        return
    file.write_bytes(rename_imports(change.before.file, file.read_bytes(), dict(change.replaced)))
    now = read_pe(change.after.file, file.read_bytes())
    if now != change.after:
        raise ToolError(f"{change.after.file}: its import table cannot be rewritten: {now} is not {change.after}"[:400])


def rename_imports(name: str, data: bytes, renamed: Mapping[str, str]) -> bytes:
    """Return the file with other names for DLLs.

    Args:
        name: The file, for messages.
        data: All its bytes; it was audited, so its tables are sound.
        renamed: New names by the old ones, as the file writes them.

    Raises:
        ToolError: The section table is full, or an import table is of a kind that no linker writes any more.
    """
    image = bytearray(data)
    layout = _layout(image)
    _drop_signature(image, layout)
    _set_directory(image, layout, _BOUND, 0, 0)
    blob = b""
    places: dict[str, int] = {}
    for new in renamed.values():
        places[new] = len(blob)
        blob += new.encode() + b"\0"
    fields = list(_name_fields(name, image, layout))
    address = _append_section(name, image, layout, blob)
    for field, old in fields:
        if old in renamed:
            struct.pack_into("<I", image, field, address + places[renamed[old]])
    struct.pack_into("<I", image, layout.optional + 64, 0)
    struct.pack_into("<I", image, layout.optional + 64, _checksum(image))
    return bytes(image)


def _layout(image: bytearray) -> _Layout:
    (start,) = struct.unpack_from("<I", image, 0x3C)
    coff = start + 4
    count, size = struct.unpack_from("<2xH12xH", image, coff)
    optional = coff + 20
    (magic,) = struct.unpack_from("<H", image, optional)
    return _Layout(coff, optional, optional + (96 if magic == _PE32 else 112), optional + size, count)


def _directory(image: bytearray, layout: _Layout, index: int) -> tuple[int, int]:
    (count,) = struct.unpack_from("<I", image, layout.directories - 4)
    if index >= count:
        return 0, 0
    address, size = struct.unpack_from("<2I", image, layout.directories + 8 * index)
    return address, size


def _set_directory(image: bytearray, layout: _Layout, index: int, address: int, size: int) -> None:
    if _directory(image, layout, index) != (0, 0):
        struct.pack_into("<2I", image, layout.directories + 8 * index, address, size)


def _drop_signature(image: bytearray, layout: _Layout) -> None:
    """Cut the certificates off, which stand at the end and are found by their offset in the file."""
    offset, size = _directory(image, layout, _CERTIFICATES)
    if offset and offset + size >= len(image):
        del image[offset:]
    _set_directory(image, layout, _CERTIFICATES, 0, 0)


def _sections(image: bytearray, layout: _Layout) -> Iterator[tuple[int, int, int, int]]:
    """Yield size in memory, address, size in the file and offset of each section."""
    for index in range(layout.number):
        yield struct.unpack_from("<4I", image, layout.sections + _SECTION * index + 8)


def _offset(image: bytearray, layout: _Layout, address: int) -> int:
    for size, start, raw, offset in _sections(image, layout):
        if start <= address < start + max(size, raw):
            return offset + address - start
    return address  # the headers are mapped as they are


def _name_fields(name: str, image: bytearray, layout: _Layout) -> Iterator[tuple[int, str]]:
    """Yield where each import table names a DLL, and the name."""
    for index, shape, field in ((_IMPORTS, 20, 12), (_DELAYED, 32, 4)):
        address, _ = _directory(image, layout, index)
        if not address:
            continue
        at = _offset(image, layout, address)
        for _ in range(_LIMIT):
            (pointer,) = struct.unpack_from("<I", image, at + field)
            if not pointer:
                break
            if index == _DELAYED and not image[at] & _DELAY_BY_RVA:
                raise ToolError(f"{name}: its delayed imports are of a kind that cannot be rewritten")
            place = _offset(image, layout, pointer)
            yield at + field, bytes(image[place : image.index(0, place)]).decode("utf-8", "backslashreplace")
            at += shape


def _append_section(name: str, image: bytearray, layout: _Layout, blob: bytes) -> int:
    """Add a section with this content behind all others; return its address."""
    alignment, in_file = struct.unpack_from("<2I", image, layout.optional + 32)
    (headers,) = struct.unpack_from("<I", image, layout.optional + 60)
    every = list(_sections(image, layout))
    row = layout.sections + _SECTION * layout.number
    if row + _SECTION > min([headers, *(offset for _, _, raw, offset in every if raw)]):
        raise ToolError(
            f"{name}: there is no room for another section in its headers", hint="link the library statically"
        )
    address = max(_up(start + max(size, raw), alignment) for size, start, raw, _ in every)
    image.extend(bytes(_up(len(image), in_file) - len(image)))
    offset, size = len(image), _up(len(blob), in_file)
    image.extend(blob.ljust(size, b"\0"))
    struct.pack_into("<8s4I12xI", image, row, _NAME, len(blob), address, size, offset, _READ_DATA)
    struct.pack_into("<H", image, layout.coff + 2, layout.number + 1)
    struct.pack_into("<I", image, layout.optional + 56, _up(address + len(blob), alignment))
    return address


def _up(value: int, step: int) -> int:
    return value + -value % max(step, 1)


def _checksum(image: bytearray) -> int:
    """Return what CheckMapFileChecksum would: 16-bit words added with their carries, plus the length."""
    even = bytes(image) + bytes(len(image) % 2)
    total = sum(memoryview(even).cast("H")) if struct.pack("=H", 1) == struct.pack("<H", 1) else _words(even)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(image)


def _words(data: bytes) -> int:
    return sum(value for (value,) in struct.iter_unpack("<H", data))
