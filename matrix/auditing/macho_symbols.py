"""The symbols of one slice of a Mach-O file that concern Python: modules it exports, functions it takes from Python."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from matrix.auditing.exports import listed_modules, python_names, trie_modules
from matrix.auditing.image import BadBinaryError, Buffer

__all__ = ["Header", "modules_of", "python_symbols"]


class Header(NamedTuple):
    """A slice's bytes from ``start`` to ``end``, and what its header says of them."""

    data: Buffer
    start: int
    end: int
    order: str
    wide: bool

    def read(self, offset: int, size: int) -> bytes:
        """Return ``size`` bytes at ``offset`` from the start of the slice."""
        if offset < 0 or size < 0 or self.start + offset + size > self.end:
            raise BadBinaryError(f"{size} bytes at offset {offset:#x} are outside its {self.end - self.start} bytes")
        return self.data[self.start + offset : self.start + offset + size]

    def record(self, kind: Any, data: bytes, offset: int = 0) -> Any:
        """Return the record of macholib's ``kind`` at ``offset`` of ``data``."""
        return kind.from_str(data[offset : offset + kind._size_], _endian_=self.order)


def modules_of(header: Header, commands: list[tuple[int, bytes]]) -> tuple[str, ...]:
    """Return the modules a slice exports: by the trie that dyld looks them up in, else by the symbol table."""
    from macholib import mach_o as m  # noqa: PLC0415

    table: bytes | None = None
    for command, content in commands:
        if command == m.LC_DYLD_EXPORTS_TRIE:
            record = header.record(m.linkedit_data_command, content)
            return trie_modules(header.read(int(record.dataoff), int(record.datasize)))
        if command in {m.LC_DYLD_INFO, m.LC_DYLD_INFO_ONLY}:
            record = header.record(m.dyld_info_command, content)
            return trie_modules(header.read(int(record.export_off), int(record.export_size)))
        if command == m.LC_SYMTAB:
            table = content
    if table is None:
        return ()
    rows, strings = _table(header, table)
    return listed_modules(rows, strings, header.order, wide=header.wide)


def python_symbols(header: Header, commands: list[tuple[int, bytes]]) -> tuple[str, ...]:
    """Return the symbols of Python that a slice must find, sorted; weak ones may be missing and are not here.

    Raises:
        BadBinaryError: A table lies outside the file.
    """
    from macholib import mach_o as m  # noqa: PLC0415

    tables = dict(commands)
    if m.LC_SYMTAB not in tables:
        return ()
    rows, strings = _table(header, tables[m.LC_SYMTAB])
    if m.LC_DYSYMTAB in tables:
        first, count = struct.unpack_from(f"{header.order}16x2I", tables[m.LC_DYSYMTAB])
        size = 16 if header.wide else 12
        rows = rows[first * size : (first + count) * size]
    return python_names(rows, strings, header.order, wide=header.wide)


def _table(header: Header, content: bytes) -> tuple[bytes, bytes]:
    """Return the symbol table and its strings."""
    from macholib import mach_o as m  # noqa: PLC0415

    record = header.record(m.symtab_command, content)
    strings = header.read(int(record.stroff), int(record.strsize))
    return header.read(int(record.symoff), int(record.nsyms) * (16 if header.wide else 12)), strings
