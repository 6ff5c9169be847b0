"""Small Mach-O and PE files made by hand, field by field."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Dll", "Dylib", "fat"]

CPUS = {"x86_64": (0x01000007, 3), "arm64": (0x0100000C, 0), "arm64e": (0x0100000C, 2), "i386": (7, 3), "ppc": (18, 0)}
WEAK, REEXPORT, RPATH, TRIE = 0x80000018, 0x8000001F, 0x8000001C, 0x80000033


@dataclass
class Dylib:
    """A thin Mach-O file.

    Attributes:
        arch: One of ``CPUS``.
        kind: Its file type: 6 dylib, 8 bundle, 2 program, 1 object.
        minimum: Of LC_BUILD_VERSION, or of LC_VERSION_MIN_MACOSX when ``old``; ``None`` for none.
        exports: In the trie, or in the symbol table when ``listed``.
        undefined: Symbols it asks for, weak ones after a question mark; with any, everything is ``listed``.
        ranged: Whether LC_DYSYMTAB says which symbols these are.
    """

    arch: str = "arm64"
    kind: int = 6
    needed: Sequence[str] = ("/usr/lib/libSystem.B.dylib",)
    weak: Sequence[str] = ()
    reexported: Sequence[str] = ()
    install_name: str | None = None
    rpath: Sequence[str] = ()
    minimum: tuple[int, int] | None = (11, 0)
    platform: int = 1
    old: bool = False
    exports: Sequence[str] = ("_PyInit_x", "_helper")
    listed: bool = False
    undefined: Sequence[str] = ()
    ranged: bool = True
    order: str = "<"
    commands: list[bytes] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        wide = self.arch not in {"i386", "ppc"}
        commands = [*self.commands, *self._named()]
        if self.minimum is not None:
            packed = self.minimum[0] << 16 | self.minimum[1] << 8
            if self.old:
                commands.append(self._command(0x24, self._pack("II", packed, packed)))
            else:
                commands.append(self._command(0x32, self._pack("IIII", self.platform, packed, packed, 0)))
        head = 32 if wide else 28
        listed = self.listed or bool(self.undefined)
        if self.undefined and self.ranged:
            counts = (0, 0, 0, len(self.exports), len(self.exports), len(self.undefined))
            commands.append(self._command(0xB, self._pack("6I48x", *counts)))
        size = sum(map(len, commands)) + (24 if listed else 16)
        tail, last = self._symbols(head + size, wide=wide) if listed else self._trie(head + size)
        commands.append(last)
        cpu, subtype = CPUS[self.arch]
        magic = 0xFEEDFACF if wide else 0xFEEDFACE
        header = self._pack("7I", magic, cpu, subtype, self.kind, len(commands), size, 0) + bytes(4 * wide)
        return header + b"".join(commands) + tail

    def _named(self) -> list[bytes]:
        loads = [(0xC, name) for name in self.needed] + [(WEAK, name) for name in self.weak]
        loads += [(REEXPORT, name) for name in self.reexported]
        loads += [(0xD, self.install_name)] if self.install_name is not None else []
        found = [self._command(kind, self._pack("4I", 24, 0, 0, 0) + name.encode() + b"\0") for kind, name in loads]
        return found + [self._command(RPATH, self._pack("I", 12) + path.encode() + b"\0") for path in self.rpath]

    def _command(self, kind: int, content: bytes) -> bytes:
        content += bytes(-len(content) % 8)
        return self._pack("II", kind, 8 + len(content)) + content

    def _trie(self, at: int) -> tuple[bytes, bytes]:
        """A root with an edge for each export."""
        leaf = b"\x02\x00\x00\x00"  # two bytes of terminal data, no children
        size = 2 + sum(len(name) + 3 for name in self.exports)
        edges = b""
        for index, name in enumerate(self.exports):
            place = size + index * len(leaf)
            edges += name.encode() + b"\0" + bytes((place & 0x7F | 0x80, place >> 7))
        trie = b"\0" + bytes((len(self.exports),)) + edges + leaf * len(self.exports)
        return trie, self._pack("4I", TRIE, 16, at, len(trie))

    def _symbols(self, at: int, *, wide: bool) -> tuple[bytes, bytes]:
        strings, rows = b"\0", b""
        for name in self.exports:
            rows += self._pack("IBBH" + ("Q" if wide else "I"), len(strings), 0x0F, 1, 0, 0)
            strings += name.encode() + b"\0"
        for name in self.undefined:
            weak = 0x40 if name.startswith("?") else 0
            rows += self._pack("IBBH" + ("Q" if wide else "I"), len(strings), 0x01, 0, weak, 0)
            strings += name.removeprefix("?").encode() + b"\0"
        count = len(self.exports) + len(self.undefined)
        table = self._pack("6I", 2, 24, at, count, at + len(rows), len(strings))
        return rows + strings, table

    def _pack(self, form: str, *values: object) -> bytes:
        return struct.pack(self.order + form, *values)


def fat(*slices: Dylib, align: int = 14) -> bytes:
    """Join slices as ``lipo -create`` does."""
    rows, body, at = b"", b"", 1 << align
    for one in slices:
        data = one.data
        rows += struct.pack(">5I", *CPUS[one.arch], at, len(data), align)
        body += data + bytes(-len(data) % (1 << align))
        at = (1 << align) + len(body)
    head = struct.pack(">II", 0xCAFEBABE, len(slices)) + rows
    return head + bytes((1 << align) - len(head)) + body


@dataclass
class Dll:
    """A PE file with one section, mapped where it lies in the file.

    Attributes:
        machine: ``amd64``, ``32`` or ``arm64``.
        dll: Whether its flags say that it is a DLL.
        taken: Symbols taken by name from each DLL imported, beside one by number.
    """

    machine: str = "amd64"
    dll: bool = True
    imports: Sequence[str] = ("KERNEL32.dll",)
    delayed: Sequence[str] = ()
    exports: Sequence[str] = ("PyInit_x", "helper")
    managed: bool = False
    taken: Sequence[str] = ()

    @property
    def data(self) -> bytes:
        wide = self.machine != "32"
        start = 0x1000
        body = bytearray()

        def place(part: bytes) -> int:
            body.extend(part + bytes(-len(part) % 8))
            return start + len(body) - len(part) - (-len(part) % 8)

        def text(word: str) -> int:
            return place(word.encode() + b"\0")

        directories = [(0, 0)] * 16
        thunk = "<Q" if wide else "<I"
        rows = b"".join(struct.pack(thunk, text(f"\0\0{name}")) for name in self.taken)
        rows += struct.pack(thunk, 1 << (63 if wide else 31) | 7)
        table = place(rows + bytes(struct.calcsize(thunk)))
        imports = b"".join(struct.pack("<5I", table, 0, 0, text(name), table) for name in self.imports) + bytes(20)
        directories[1] = (place(imports), len(imports))
        if self.delayed:
            rows = b"".join(struct.pack("<2I24x", 1, text(name)) for name in self.delayed) + bytes(32)
            directories[13] = (place(rows), len(rows))
        if self.exports:
            names = place(b"".join(struct.pack("<I", text(name)) for name in self.exports))
            directories[0] = (place(struct.pack("<24xI4xI4x", len(self.exports), names)), 40)
        if self.managed:
            directories[14] = (start, 72)
        raw = bytes(body) + bytes(-len(body) % 0x200)
        code = {"amd64": 0x8664, "32": 0x14C, "arm64": 0xAA64}[self.machine]
        rows = b"".join(struct.pack("<II", *one) for one in directories)
        form = "<HBB5I" + ("Q" if wide else "II") + "II6H4IHH" + ("4Q" if wide else "4I") + "II"
        base = (0x180000000,) if wide else (0, 0x10000000)
        optional = struct.pack(
            form,
            *(0x20B if wide else 0x10B, 1, 0, 0, len(raw), 0, start, start, *base, 0x1000, 0x200),
            *(6, 0, 0, 0, 6, 0, 0, 0x3000, 0x400, 0, 3, 0, 0, 0, 0, 0, 0, 16),
        )
        optional += rows
        coff = struct.pack("<HHIIIHH", code, 1, 0, 0, 0, len(optional), 0x2002 if self.dll else 2)
        section = struct.pack("<8s6IHHI", b".rdata", len(body), start, len(raw), 0x400, 0, 0, 0, 0, 0x40000040)
        header = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + coff + optional + section
        return header + bytes(0x400 - len(header)) + raw
