"""Small ELF files made by hand, so that no compiler is needed."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

BASE = 0x40000  # addresses differ from offsets, as they may


@dataclass(frozen=True)
class Symbol:
    """A dynamic symbol; ``version`` is a library and one of its versions: ``libc.so.6:GLIBC_2.17``."""

    name: str
    weak: bool = False
    defined: bool = False
    version: str = ""


@dataclass(frozen=True, kw_only=True)
class Elf:
    """What is to be in the file; ``data`` is the file."""

    bits: int = 64
    order: str = "<"
    machine: int = 62
    kind: int = 3
    flags: int = 0
    system: int = 0
    needed: Sequence[str] = ()
    soname: str | None = None
    rpath: str | None = None
    runpath: str | None = None
    interpreter: str | None = None
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weak_needs: Sequence[str] = ()
    symbols: Sequence[Symbol] = ()
    hashing: str = "gnu"
    isa: int = 0
    executable_stack: bool = False
    text_relocations: bool = False
    pie: bool = False
    note: bytes = b""

    @property
    def wide(self) -> bool:
        return self.bits == 64

    def pack(self, shape: str, *values: int | bytes) -> bytes:
        return struct.pack(self.order + shape, *values)

    @cached_property
    def indexes(self) -> dict[str, int]:
        keys = [f"{library}:{version}" for library, versions in self.needs.items() for version in versions]
        return {key: number for number, key in enumerate(keys, start=2)}

    @cached_property
    def ordered(self) -> list[Symbol]:
        """GNU's hash table holds the defined symbols alone, and they come last."""
        return sorted(self.symbols, key=lambda symbol: symbol.defined)

    @cached_property
    def data(self) -> bytes:
        head, entry = (64, 56) if self.wide else (52, 32)
        count = 4 + bool(self.interpreter)
        blob, strings = bytearray(head + count * entry), bytearray(b"\0")

        def text(value: str) -> int:
            strings.extend(value.encode() + b"\0")
            return len(strings) - 1 - len(value.encode())

        def place(part: bytes) -> int:
            blob.extend(b"\0" * (-len(blob) % 8))
            blob.extend(part)
            return len(blob) - len(part)

        dynamic = self._named(text)
        if self.hashing != "none":
            tag, words = (4, self._sysv_hash()) if self.hashing.startswith("sysv") else (0x6FFFFEF5, self._gnu_hash())
            dynamic.append((tag, BASE + place(words)))
        dynamic.append((6, BASE + place(self._symbol_table(text))))
        needs = self._version_needs(text)
        dynamic += [(5, BASE + place(bytes(strings))), (10, len(strings))]
        if self.indexes:
            versym = [0, *(self.indexes.get(symbol.version, 1) for symbol in self.ordered)]
            dynamic.append((0x6FFFFFF0, BASE + place(self.pack(f"{len(versym)}H", *versym))))
            dynamic += [(0x6FFFFFFE, BASE + place(needs)), (0x6FFFFFFF, len(self.needs))]
        rows = b"".join(self.pack("qQ" if self.wide else "iI", *row) for row in [*dynamic, (0, 0)])
        dynamic_at, notes = place(rows), self._notes()
        notes_at, interpreter_at = place(notes), place((self.interpreter or "").encode() + b"\0")
        segments = [
            (1, 0, BASE, len(blob), 5),
            (2, dynamic_at, BASE + dynamic_at, len(rows), 6),
            (4, notes_at, BASE + notes_at, len(notes), 4),
            (0x6474E551, 0, 0, 0, 7 if self.executable_stack else 6),
            (3, interpreter_at, BASE + interpreter_at, len(self.interpreter or "") + 1, 4),
        ]
        headers = b"".join(self._segment(*segment) for segment in segments[:count])
        blob[: head + len(headers)] = self._header(head, entry, count) + headers
        return bytes(blob)

    def _named(self, text: Callable[[str], int]) -> list[tuple[int, int]]:
        dynamic = [(1, text(library)) for library in self.needed]
        for tag, value in ((14, self.soname), (15, self.rpath), (29, self.runpath)):
            if value:
                dynamic.append((tag, text(value)))
        return dynamic + [(22, 0)] * self.text_relocations + [(0x6FFFFFFB, 0x08000000)] * self.pie

    def _symbol_table(self, text: Callable[[str], int]) -> bytes:
        table = bytes(24 if self.wide else 16)
        for symbol in self.ordered:
            info, section, name = (2 if symbol.weak else 1) << 4 | 2, 7 if symbol.defined else 0, text(symbol.name)
            if self.wide:
                table += self.pack("IBBHQQ", name, info, 0, section, 0, 0)
            else:
                table += self.pack("IIIBBH", name, 0, 0, info, 0, section)
        return table

    def _sysv_hash(self) -> bytes:
        total = len(self.ordered) + 1
        word, size = ("Q", 8) if self.hashing == "sysv64" else ("I", 4)  # 8-byte words: GNU's linker for s390x
        return self.pack(f"4{word}", 1, total, 0, 0) + bytes(size * total)

    def _gnu_hash(self) -> bytes:
        total, first = len(self.ordered) + 1, 1 + sum(not symbol.defined for symbol in self.ordered)
        chain = [2] * (total - first - 1) + [3] * (total > first)
        words = self.pack("4I", 1, first, 1, 0) + bytes(self.bits // 8)
        return words + self.pack(f"{1 + len(chain)}I", first if chain else 0, *chain)

    def _version_needs(self, text: Callable[[str], int]) -> bytes:
        found = b""
        for number, (library, versions) in enumerate(self.needs.items(), start=1):
            following = 0 if number == len(self.needs) else 16 + 16 * len(versions)
            found += self.pack("HHIII", 1, len(versions), text(library), 16, following)
            for place, version in enumerate(versions, start=1):
                weak, index = 2 * (version in self.weak_needs), self.indexes[f"{library}:{version}"]
                found += self.pack("IHHII", 0, weak, index, text(version), 0 if place == len(versions) else 16)
        return found

    def _notes(self) -> bytes:
        prop = self.pack("IIII", 0xC0008002, 4, self.isa, 0)
        return self.note + (self.pack("III4s", 4, len(prop), 5, b"GNU\0") + prop if self.isa else b"")

    def _header(self, head: int, entry: int, count: int) -> bytes:
        ident = b"\x7fELF" + bytes((2 if self.wide else 1, 1 if self.order == "<" else 2, 1, self.system)) + bytes(8)
        pointer = "QQQ" if self.wide else "III"
        start = self.pack(f"16sHHI{pointer}I", ident, self.kind, self.machine, 1, 0, head, 0, self.flags)
        return start + self.pack("HHHHHH", head, entry, count, 0, 0, 0)

    def _segment(self, name: int, at: int, address: int, size: int, access: int) -> bytes:
        if self.wide:
            return self.pack("IIQQQQQQ", name, access, at, address, address, size, size, 8)
        return self.pack("8I", name, at, address, address, size, size, access, 8)
