"""The dynamic symbols of an ELF file, and the symbol versions it needs.

Tables are read in bulk: a Python extension written in Rust has thousands of symbols and is audited in milliseconds.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from matrix.auditing.image import BadBinaryError, Buffer, Image

__all__ = ["VER_FLG_WEAK", "Strings", "Symbols", "VersionNeed", "read_strings", "read_symbols", "version_records"]

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_MIPS_SYMTABNO = 4, 5, 6, 10, 0x70000011
DT_GNU_HASH, DT_VERSYM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF
_POINTERS = frozenset({4, 5, 7, 17, 23, 36, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE})  # tables in DT_ entries
VER_FLG_WEAK = 2
_STB_WEAK, _STT_FUNC = 2, 2
_UCS2 = "PyUnicodeUCS2_"
_NAME_LIMIT = 512  # bytes; names that matter here are far shorter, C++ ones may be cut
_NEEDS_LIMIT = 4_000
_SYMBOLS_LIMIT = 4_000_000
_OVERLAP = 8  # linkers let names share their ends; none makes this much of it
_ENTRIES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_")


class VersionNeed(msgspec.Struct, frozen=True, kw_only=True):
    """A symbol version that a library must have.

    Attributes:
        library: SONAME of the library.
        version: ``GLIBC_2.17``.
        weak: Whether every symbol that asks for it is weak, or the loader is told that it may be missing.
        flagged: Whether the loader is told so; when not, it refuses a library without the version.
        symbols: Symbols asked for under it that are not weak (all of them when every one is), sorted.
    """

    library: str
    version: str
    weak: bool = False
    flagged: bool = False
    symbols: tuple[str, ...] = ()


class Symbols(NamedTuple):
    """What a file asks for and what it offers Python.

    Attributes:
        needs: Versions needed, by library and version.
        undefined: Symbols that must be found at load time (weak ones are not here), sorted.
        modules: Python modules it can initialise: ``PyInit_x`` and ``PyModExport_x`` give ``x``.
        ucs2: Whether it calls functions of a Python 2 with narrow Unicode, and says that they are functions.
    """

    needs: tuple[VersionNeed, ...]
    undefined: tuple[str, ...]
    modules: tuple[str, ...]
    ucs2: bool


class Strings(NamedTuple):
    """The dynamic string table: bytes of the file from ``start`` to ``end``."""

    data: Buffer
    start: int
    end: int

    def at(self, offset: int, limit: int = _NAME_LIMIT) -> str:
        """Return the string at ``offset``, cut after ``limit`` bytes.

        Raises:
            BadBinaryError: There is none.
        """
        first = self.start + offset
        if first >= self.end:
            raise BadBinaryError(f"string {offset:#x} is outside the string table")
        last = min(first + limit, self.end)
        end = self.data.find(b"\0", first, last)
        return self.data[first : end if end >= 0 else last].decode("utf-8", "backslashreplace")

    def names_entry(self, offset: int) -> bool:
        """Whether the string at ``offset`` names the entry point of a Python module."""
        first = self.start + offset
        return self.data[first : first + 2] == b"Py" and self.data[first : first + 14].startswith(_ENTRIES)


def read_strings(image: Image, dynamic: dict[int, list[int]]) -> Strings:
    """Return the dynamic string table; an empty one when there is none.

    Raises:
        BadBinaryError: It is in no loaded segment.
    """
    if DT_STRTAB not in dynamic:
        return Strings(b"", 0, 0)
    offset = image.offset_of(dynamic[DT_STRTAB][0])
    size = min(dynamic.get(DT_STRSZ, [image.until_end(offset)])[0], image.until_end(offset))
    return Strings(image.data, offset, offset + size)


def read_symbols(image: Image, dynamic: dict[int, list[int]], strings: Strings) -> Symbols:
    """Read the dynamic symbol table and the versions its symbols ask for.

    Raises:
        BadBinaryError: A table lies outside the file or never ends.
    """
    names: dict[int, set[str]] = {}  # by version index, of strong symbols
    weak: dict[int, set[str]] = {}
    undefined: set[str] = set()
    modules: set[str] = set()
    ucs2 = False
    table, shape = _table(image, dynamic)
    versions = _version_indexes(image, dynamic, len(table) // shape.size)
    wide, left = image.bits == 64, _OVERLAP * (strings.end - strings.start) + _NAME_LIMIT
    for index, row in enumerate(shape.iter_unpack(table)):
        name, info, section = (row[0], row[1], row[3]) if wide else (row[0], row[3], row[5])
        if name == 0 or (section and not strings.names_entry(name)):
            continue
        text = strings.at(name)
        left -= len(text)
        if left < 0:
            raise BadBinaryError("the names of its symbols overlap")
        if section:
            modules.add(text.partition("_")[2])
            continue
        version = versions[index] & 0x7FFF if index < len(versions) else 0
        if info >> 4 == _STB_WEAK:
            weak.setdefault(version, set()).add(text)
        else:
            names.setdefault(version, set()).add(text)
            undefined.add(text)
            ucs2 = ucs2 or (info & 0xF == _STT_FUNC and text.startswith(_UCS2))
    return Symbols(
        needs=tuple(_needs(image, dynamic, strings, {**weak, **names}, frozenset(weak.keys() - names.keys()))),
        undefined=tuple(sorted(undefined)),
        modules=tuple(sorted(modules)),
        ucs2=ucs2,
    )


def _table(image: Image, dynamic: dict[int, list[int]]) -> tuple[bytes, struct.Struct]:
    shape = struct.Struct(f"{image.order}{'IBBHQQ' if image.bits == 64 else 'IIIBBH'}")
    if DT_SYMTAB not in dynamic:
        return b"", shape
    offset = image.offset_of(dynamic[DT_SYMTAB][0])
    count = min(_count(image, dynamic, shape.size), image.until_end(offset) // shape.size)
    if count > _SYMBOLS_LIMIT:
        raise BadBinaryError(f"{count} dynamic symbols are more than any linker writes")
    return image.read(offset, count * shape.size), shape


def _count(image: Image, dynamic: dict[int, list[int]], size: int) -> int:
    """Return how many dynamic symbols there are; nothing in the file says so plainly.

    A hash table tells: the old one outright, GNU's by the last chain of its last bucket. GNU's may be empty, and
    symbols that are only asked for are not in it; then the table ends where the next table or segment begins
    (patchelf moves it before the dynamic segment).
    """
    if DT_MIPS_SYMTABNO in dynamic and image.machine == "EM_MIPS":
        return dynamic[DT_MIPS_SYMTABNO][0]
    if DT_HASH in dynamic:
        place = image.offset_of(dynamic[DT_HASH][0])
        # GNU's linker writes 8-byte words for s390x, LLVM's 4-byte ones: a high half is 0, a number of buckets never
        wide = image.machine == "EM_S390" and image.bits == 64 and not any(image.read(place, 4))
        shape = struct.Struct(f"{image.order}{'QQ' if wide else 'II'}")
        return int(shape.unpack(image.read(place, shape.size))[1])
    start = dynamic[DT_SYMTAB][0]
    hashed = _hashed(image, image.offset_of(dynamic[DT_GNU_HASH][0])) if DT_GNU_HASH in dynamic else 0
    if hashed:
        return hashed
    tables = [value for tag in _POINTERS & dynamic.keys() for value in dynamic[tag]]
    after = [value for value in (*tables, *(segment.address for segment in image.segments)) if value > start]
    return (min(after) - start) // size if after else 0


def _hashed(image: Image, offset: int) -> int:
    """Return one more than the last index in a GNU hash table; 0 when it is empty."""
    buckets, first, bloom, _ = struct.unpack(f"{image.order}4I", image.read(offset, 16))
    offset += 16 + bloom * image.bits // 8
    last = max(_words(image, offset, buckets), default=0)
    if last < first:
        return 0
    chains = offset + 4 * (buckets + last - first)
    step = 1024
    while True:
        words = _words(image, chains, min(step, image.until_end(chains) // 4))
        for position, word in enumerate(words):
            if word & 1:
                return int(last + position + 1)
        if len(words) < step:
            raise BadBinaryError("the symbol hash table has no end")
        last, chains = last + step, chains + 4 * step


def _words(image: Image, offset: int, count: int) -> array[int]:
    if count > _SYMBOLS_LIMIT:
        raise BadBinaryError(f"a symbol hash table of {count} words is longer than any linker writes")
    return _numbers(image, "I", image.read(offset, 4 * count))


def _version_indexes(image: Image, dynamic: dict[int, list[int]], count: int) -> array[int]:
    if DT_VERSYM not in dynamic or not count:
        return array("H")
    offset = image.offset_of(dynamic[DT_VERSYM][0])
    return _numbers(image, "H", image.read(offset, min(2 * count, image.until_end(offset) // 2 * 2)))


def _numbers(image: Image, kind: str, data: bytes) -> array[int]:
    numbers = array(kind, data)
    if image.order != ("<" if sys.byteorder == "little" else ">"):
        numbers.byteswap()
    return numbers


def _needs(
    image: Image,
    dynamic: dict[int, list[int]],
    strings: Strings,
    names: dict[int, set[str]],
    only_weak: frozenset[int],
) -> Iterator[VersionNeed]:
    """Yield the versions needed.

    One that only weak symbols ask for is weak. One that no symbol asks for counts: linkers write such needs to
    keep older loaders away (``GLIBC_ABI_DT_RELR``).
    """
    asked = {index: tuple(sorted(found)) for index, found in names.items()}
    for library, version, flags, index, _ in version_records(image, dynamic):
        yield VersionNeed(
            library=strings.at(library),
            version=strings.at(version),
            weak=index in only_weak or bool(flags & VER_FLG_WEAK),
            flagged=bool(flags & VER_FLG_WEAK),
            symbols=asked.get(index, ()),
        )


def version_records(image: Image, dynamic: dict[int, list[int]]) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield library name, version name, flags, index and file offset of each version need; names as string offsets.

    Raises:
        BadBinaryError: A record lies outside the file, or they never end.
    """
    if DT_VERNEED not in dynamic:
        return
    offset = image.offset_of(dynamic[DT_VERNEED][0])
    seen = 0
    for _ in range(dynamic.get(DT_VERNEEDNUM, [_NEEDS_LIMIT])[0]):
        _, count, library, first, following = struct.unpack(f"{image.order}HHIII", image.read(offset, 16))
        place = offset + first
        for _ in range(count):
            seen += 1
            if seen > _NEEDS_LIMIT:
                raise BadBinaryError("the version needs have no end")
            _, flags, index, version, step = struct.unpack(f"{image.order}IHHII", image.read(place, 16))
            yield library, version, flags, index & 0x7FFF, place
            if not step:
                break
            place += step
        seen += 1
        if seen > _NEEDS_LIMIT:
            raise BadBinaryError("the version needs have no end")
        if not following:
            return
        offset += following
