"""Symbols that concern Python: the modules that a Mach-O file exports, and what a file takes from Python."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from matrix.auditing.image import BadBinaryError

__all__ = ["ENTRIES", "PYTHON", "listed_modules", "module_names", "python_names", "trie_modules"]

ENTRIES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_")
"""What the entry point of a module begins with (PEP 489, PEP 793)."""

PYTHON = (b"Py", b"_Py")
"""What Python's own symbols begin with."""

_ENTRIES = tuple(b"_" + entry for entry in ENTRIES)  # C names begin with an underscore there
_NAME_LIMIT = 512
_NODES_LIMIT = 100_000
_MODULES_LIMIT = 10_000
_N_STAB, _N_TYPE, _N_EXT, _N_SECT, _N_UNDF, _N_WEAK_REF = 0xE0, 0x0E, 0x01, 0x0E, 0, 0x40


def module_names(symbols: Iterable[bytes]) -> tuple[str, ...]:
    """Return the modules whose entry points are among ``symbols``, sorted; ``PyInit_x`` gives ``x``.

    Raises:
        BadBinaryError: There are more than any file has.
    """
    found: set[str] = set()
    for symbol in symbols:
        if symbol.startswith(ENTRIES):
            found.add(symbol.partition(b"_")[2][:_NAME_LIMIT].decode("utf-8", "backslashreplace"))
        if len(found) > _MODULES_LIMIT:
            raise BadBinaryError("it has more entry points than any extension module")
    return tuple(sorted(found))


def trie_modules(trie: bytes) -> tuple[str, ...]:
    """Return the modules in an export trie; only branches that can spell an entry point are followed.

    Raises:
        BadBinaryError: The trie leaves its bytes, or never ends.
    """
    return module_names(name[1:] for name in _entries(trie)) if trie else ()


def _entries(trie: bytes) -> Iterator[bytes]:
    left, seen = [(0, b"")], {0}
    while left:
        at, name = left.pop()
        size, at = _number(trie, at)
        if size and name.startswith(_ENTRIES):
            yield name
        at += size
        if at >= len(trie):
            raise BadBinaryError("the export trie is cut off")
        count, at = trie[at], at + 1
        for _ in range(count):
            end = trie.find(b"\0", at, at + _NAME_LIMIT)
            if end < 0:
                raise BadBinaryError("the export trie has an edge without an end")
            longer = name + trie[at:end]
            child, at = _number(trie, end + 1)
            if len(longer) > _NAME_LIMIT or not any(_may_become(longer, entry) for entry in _ENTRIES):
                continue
            if child in seen or len(seen) > _NODES_LIMIT:
                raise BadBinaryError("the export trie has no end")
            seen.add(child)
            left.append((child, longer))


def _may_become(name: bytes, entry: bytes) -> bool:
    return name.startswith(entry) or entry.startswith(name)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a ULEB128 number and where it ends."""
    value = 0
    for shift in range(0, 63, 7):
        if at >= len(data):
            break
        byte = data[at]
        value, at = value | (byte & 0x7F) << shift, at + 1
        if byte < 0x80:
            return value, at
    raise BadBinaryError("a number in the export trie has no end")


def listed_modules(rows: bytes, strings: bytes, order: str, *, wide: bool) -> tuple[str, ...]:
    """Return the modules among the defined, external symbols of a symbol table.

    Args:
        rows: The table.
        strings: Its string table.
        order: Byte order in ``struct`` notation.
        wide: Whether the file has 64 bits.

    Raises:
        BadBinaryError: There are more than any file has.
    """
    shape = struct.Struct(f"{order}IBBH{'Q' if wide else 'I'}")
    return module_names(
        strings[name + 1 : name + _NAME_LIMIT].partition(b"\0")[0]
        for name, kind, *_ in shape.iter_unpack(rows)
        if kind & _N_EXT
        and not kind & _N_STAB
        and kind & _N_TYPE == _N_SECT
        and strings[name : name + 3] == b"_Py"
        and strings[name : name + 15].startswith(_ENTRIES)
    )


def python_names(rows: bytes, strings: bytes, order: str, *, wide: bool) -> tuple[str, ...]:
    """Return Python's among the undefined symbols of a symbol table, sorted; weak ones are not here.

    Args:
        rows: The table.
        strings: Its string table.
        order: Byte order in ``struct`` notation.
        wide: Whether the file has 64 bits.

    Raises:
        BadBinaryError: There are more than Python has.
    """
    shape = struct.Struct(f"{order}IBBH{'Q' if wide else 'I'}")
    found: set[str] = set()
    for name, kind, _, described, _ in shape.iter_unpack(rows):
        if kind & _N_EXT and not kind & _N_STAB and kind & _N_TYPE == _N_UNDF and not described & _N_WEAK_REF:
            text = strings[name + 1 : name + 4]
            if text.startswith(PYTHON):
                whole = strings[name + 1 : name + _NAME_LIMIT].partition(b"\0")[0]
                found.add(whole.decode("utf-8", "backslashreplace"))
        if len(found) > _MODULES_LIMIT:
            raise BadBinaryError("it takes more symbols from Python than there are")
    return tuple(sorted(found))
