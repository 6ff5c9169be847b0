"""The outside of an ELF file: header, segments and bounded access to its bytes.

Everything is found through program headers and the dynamic segment, as a loader does, so that stripped or
broken section headers do not matter. No count, size or offset of the file is believed unless it fits.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from matrix.errors import WheelmatrixError

__all__ = ["MAGIC", "BadBinaryError", "Buffer", "Image", "Note", "Segment", "mapped", "open_image"]

Buffer: TypeAlias = bytes | mmap.mmap

MAGIC = b"\x7fELF"
_HEADERS_LIMIT = 0x10000  # bytes of program headers; Linux loads no file with more
_DYNAMIC_LIMIT = 10_000
_NOTES_LIMIT = 1_000
_NOTE_SEGMENTS_LIMIT = 16
_CLASSES = {1: 32, 2: 64}
_ORDERS = {1: "<", 2: ">"}


class BadBinaryError(WheelmatrixError):
    """A binary that no loader could load: truncated, mangled or lying about itself."""


@contextmanager
def mapped(file: str, source: Path | BinaryIO) -> Iterator[Buffer]:
    """Give the bytes of a file on disk without loading all of it.

    Args:
        file: Its name in findings.
        source: A path, or a seekable file with a descriptor.

    Raises:
        BadBinaryError: It is empty.
        OSError: It cannot be read.
    """
    if isinstance(source, Path):
        with source.open("rb") as opened, mapped(file, opened) as data:
            yield data
        return
    try:
        data = mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise BadBinaryError(f"{file}: the file is empty") from None
    with data:
        yield data


class Segment(NamedTuple):
    """A program header; offsets, addresses and sizes are in bytes."""

    kind: str
    offset: int
    address: int
    size: int
    flags: int
    align: int


class Note(NamedTuple):
    """A note: who wrote it, its type and its content."""

    owner: bytes
    kind: int
    content: bytes


class Image(NamedTuple):
    """An opened ELF file.

    Attributes:
        data: All its bytes.
        bits: 32 or 64.
        order: Byte order in ``struct`` notation: ``<`` or ``>``.
        machine: ``EM_X86_64`` and the like, or a number nobody named.
        kind: ``ET_DYN`` and the like.
        flags: The header's ``e_flags``.
        system: ``ELFOSABI_SYSV`` and the like.
        segments: Its program headers.
    """

    data: Buffer
    bits: int
    order: str
    machine: str
    kind: str
    flags: int
    system: str
    segments: tuple[Segment, ...]

    def read(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes at ``offset``.

        Raises:
            BadBinaryError: The file does not hold them.
        """
        if offset < 0 or size < 0 or offset + size > len(self.data):
            raise BadBinaryError(f"{size} bytes at offset {offset:#x} are outside the file of {len(self.data)} bytes")
        return self.data[offset : offset + size]

    def offset_of(self, address: int) -> int:
        """Return where in the file the loader finds ``address``.

        Raises:
            BadBinaryError: No segment maps it.
        """
        for segment in self.segments:
            if segment.kind == "PT_LOAD" and segment.address <= address < segment.address + segment.size:
                return segment.offset + address - segment.address
        raise BadBinaryError(f"address {address:#x} is in no loaded segment")

    def until_end(self, offset: int) -> int:
        """Return how many bytes follow ``offset``."""
        return max(0, len(self.data) - offset)

    def segment(self, kind: str) -> Segment | None:
        """Return the first segment of a kind."""
        return next((segment for segment in self.segments if segment.kind == kind), None)

    def dynamic(self) -> dict[int, list[int]]:
        """Return the dynamic segment: values by tag, in file order.

        Raises:
            BadBinaryError: It lies outside the file, or is longer than any linker would write.
        """
        found: dict[int, list[int]] = {}
        segment = self.segment("PT_DYNAMIC")
        if segment is None:
            return found
        entry = struct.Struct(f"{self.order}{'qQ' if self.bits == 64 else 'iI'}")
        count = min(segment.size, self.until_end(segment.offset)) // entry.size
        table = self.read(segment.offset, min(count, _DYNAMIC_LIMIT) * entry.size)
        for tag, value in entry.iter_unpack(table):
            if tag == 0:
                return found
            found.setdefault(tag, []).append(value)
        raise BadBinaryError("the dynamic segment has no end")

    def notes(self) -> Iterator[Note]:
        """Yield the notes of all note segments, as far as they make sense."""
        holders = [segment for segment in self.segments if segment.kind in {"PT_NOTE", "PT_GNU_PROPERTY"}]
        for segment in holders[:_NOTE_SEGMENTS_LIMIT]:
            size = min(segment.size, self.until_end(segment.offset), _HEADERS_LIMIT)
            yield from self._notes(self.read(min(segment.offset, len(self.data)), size), segment.align)

    def _notes(self, data: bytes, align: int) -> Iterator[Note]:
        step = 8 if align == 8 else 4
        position = 0
        for _ in range(_NOTES_LIMIT):
            if position + 12 > len(data):
                return
            name_size, size, kind = struct.unpack_from(f"{self.order}III", data, position)
            start = position + 12 + (name_size + 3) // 4 * 4
            start = (start + step - 1) // step * step
            yield Note(data[position + 12 : position + 12 + name_size].rstrip(b"\0"), kind, data[start : start + size])
            position = (start + size + step - 1) // step * step


def open_image(data: Buffer) -> Image:
    """Read header and program headers.

    Raises:
        BadBinaryError: They are not those of an ELF file, or do not fit into it.
    """
    from elftools.common.exceptions import ELFError  # noqa: PLC0415 - 50 ms that only an audit pays
    from elftools.construct.core import ConstructError  # noqa: PLC0415

    ident = bytes(data[:16])
    if not ident.startswith(MAGIC) or len(ident) < 16:
        raise BadBinaryError("this is no ELF file")
    bits, order = _CLASSES.get(ident[4]), _ORDERS.get(ident[5])
    if bits is None or order is None:
        raise BadBinaryError(f"ELF class {ident[4]} or byte order {ident[5]} does not exist")
    try:
        structs = _structs(bits, order)
        header = structs.Elf_Ehdr.parse(bytes(data[: structs.Elf_Ehdr.sizeof()]))
        segments = _segments(data, header, structs)
    except (ELFError, ConstructError, struct.error) as error:
        raise BadBinaryError("the ELF header is cut off") from error
    return Image(
        data=data,
        bits=bits,
        order=order,
        machine=str(header["e_machine"]),
        kind=str(header["e_type"]),
        flags=header["e_flags"],
        system=str(header["e_ident"]["EI_OSABI"]),
        segments=segments,
    )


def _segments(data: Buffer, header: Any, structs: Any) -> tuple[Segment, ...]:
    start, count, size = header["e_phoff"], header["e_phnum"], header["e_phentsize"]
    if count == 0:
        return ()
    shape = structs.Elf_Phdr
    if size < shape.sizeof() or count * size > _HEADERS_LIMIT or start + count * size > len(data):
        raise BadBinaryError(f"{count} program headers of {size} bytes at offset {start:#x} do not fit")
    table = data[start : start + count * size]
    rows = (shape.parse(table[at : at + size]) for at in range(0, count * size, size))
    return tuple(
        Segment(
            kind=str(row["p_type"]),
            offset=row["p_offset"],
            address=row["p_vaddr"],
            size=row["p_filesz"],
            flags=row["p_flags"],
            align=row["p_align"],
        )
        for row in rows
    )


@cache
def _structs(bits: int, order: str) -> Any:
    """The shapes of ELF's records; made once per class and byte order, only read afterwards."""
    from elftools.elf.structs import ELFStructs  # noqa: PLC0415

    structs = ELFStructs(little_endian=order == "<", elfclass=bits)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs
