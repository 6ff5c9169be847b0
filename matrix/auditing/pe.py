"""One PE file (a Windows DLL or program), read into a value that says all the audit asks about.

The headers are pefile's; the three tables that matter are read here, because its readers stop silently where a file
is odd and have no bound where it is hostile. No count, size or address of the file is believed unless it fits.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import msgspec

from matrix.auditing.elf import BinaryKind
from matrix.auditing.exports import ENTRIES, module_names
from matrix.auditing.image import BadBinaryError, Buffer

__all__ = ["Pe", "read_pe"]

_MACHINES = {0x8664: "amd64", 0x014C: "32", 0xAA64: "arm64", 0x01C0: "arm", 0x01C4: "arm", 0x0200: "ia64"}
_DLL = 0x2000
_EXPORTS, _IMPORTS, _DELAYED, _MANAGED = 0, 1, 13, 14  # data directories
_DELAY_BY_RVA = 1
_PE32_PLUS = 0x20B  # the magic number of the 64-bit form
_PYTHON_DLL = b"python3"
_HINT = 2  # bytes before a name in the import table
_SECTOR = 0x200  # the loader rounds where a section begins in the file down to this
_HEADER_LIMIT = 1 << 20
_LIBRARIES_LIMIT = 4_000
_EXPORTS_LIMIT = 0x10000  # names are counted in 16 bits
_NAME_LIMIT = 512


class Pe(msgspec.Struct, frozen=True, kw_only=True):
    """What one PE file is and needs.

    Attributes:
        file: Its name as the audit was given it.
        arch: Architecture as platform tags name it: ``amd64``, ``32``, ``arm64``, or a name of its own.
        kind: ``library`` or ``executable``.
        libraries: DLLs it imports from, as it writes them, in order.
        delayed: DLLs that are loaded when first called (delay imports).
        modules: Python modules it can initialise, sorted.
        python: Symbols that it takes from the DLLs of Python by name, sorted.
        managed: Whether it is .NET code, which the .NET runtime compiles for the machine it runs on.
    """

    file: str
    arch: str
    kind: BinaryKind
    libraries: tuple[str, ...] = ()
    delayed: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    managed: bool = False

    @property
    def all_libraries(self) -> tuple[str, ...]:
        """DLLs it imports from now or later, each once."""
        return tuple(dict.fromkeys((*self.libraries, *self.delayed)))


class _Memory:
    """The file as the loader maps it: bytes by address relative to where the image begins."""

    def __init__(self, data: Buffer, sections: list[tuple[int, int, int]], headers: int) -> None:
        self._data = data
        self._sections = sorted([(0, min(headers, _HEADER_LIMIT), 0), *sections])
        self._starts = [start for start, _, _ in self._sections]

    def at(self, address: int) -> tuple[int, int]:
        """Return where in the file an address lies, and how many bytes of it follow."""
        index = bisect_right(self._starts, address) - 1
        if index >= 0:
            start, size, offset = self._sections[index]
            into = address - start
            left = min(size - into, len(self._data) - offset - into)
            if left > 0:
                return offset + into, left
        raise BadBinaryError(f"address {address:#x} is in no section")

    def read(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes at an address."""
        offset, left = self.at(address)
        if size > left:
            raise BadBinaryError(f"{size} bytes at address {address:#x} are in no section")
        return self._data[offset : offset + size]

    def text(self, address: int) -> bytes:
        """Return the string at an address, cut after 512 bytes."""
        offset, left = self.at(address)
        return self._data[offset : offset + min(left, _NAME_LIMIT)].partition(b"\0")[0]

    def starts(self, address: int, size: int = 2) -> bytes:
        """Return the first bytes of the string at an address, fewer where the section ends."""
        offset, left = self.at(address)
        return self._data[offset : offset + min(left, size)]


def read_pe(file: str, data: Buffer) -> Pe:
    """Read a PE file from memory, or mapped.

    Args:
        file: Its name in findings.
        data: All its bytes.

    Raises:
        BadBinaryError: It is no PE file that Windows could load.
    """
    try:
        return _read(file, data)
    except BadBinaryError as error:
        raise BadBinaryError(f"{file}: {error.message}", hint=error.hint) from None
    except (struct.error, ValueError, OverflowError, IndexError) as error:
        raise BadBinaryError(f"{file}: {error}") from error


def _read(file: str, data: Buffer) -> Pe:
    header = _header(data)
    base = int(header.OPTIONAL_HEADER.ImageBase)
    memory = _Memory(data, list(_sections(header)), int(header.OPTIONAL_HEADER.SizeOfHeaders))
    tables = [(int(one.VirtualAddress), int(one.Size)) for one in header.OPTIONAL_HEADER.DATA_DIRECTORY]
    tables += [(0, 0)] * (_MANAGED + 1 - len(tables))
    flags, machine = int(header.FILE_HEADER.Characteristics), int(header.FILE_HEADER.Machine)
    rows = list(_imports(memory, tables[_IMPORTS][0]))
    wide = int(header.OPTIONAL_HEADER.Magic) == _PE32_PLUS
    return Pe(
        file=file,
        arch=_MACHINES.get(machine, f"machine {machine:#x}"),
        kind="library" if flags & _DLL else "executable",
        libraries=_names(memory, (name for name, _ in rows)),
        delayed=_names(memory, _delayed(memory, tables[_DELAYED][0], base)),
        modules=_modules(memory, tables[_EXPORTS][0]),
        python=_python(memory, rows, wide=wide),
        managed=tables[_MANAGED][0] != 0,
    )


def _header(data: Buffer) -> Any:
    """Return pefile's reading of the headers and the section table."""
    # what it reads lies together at the start, and it is not made for maps that are closed
    start = bytes(data[:_HEADER_LIMIT])
    try:
        header = _reader()(data=start, fast_load=True)
    except Exception as error:  # whatever it stumbles over, the file is at fault
        raise BadBinaryError(f"its headers are broken: {str(error).strip(chr(39))}") from error
    if not getattr(header, "OPTIONAL_HEADER", None) or not hasattr(header.OPTIONAL_HEADER, "DATA_DIRECTORY"):
        raise BadBinaryError("its headers are cut off")
    return header


@cache
def _reader() -> Any:
    import pefile  # noqa: PLC0415 - a tenth of a second that only an audit pays

    class Headers(pefile.PE):  # type: ignore[misc]
        def close(self) -> None:
            """Do nothing: the original collects garbage for every broken file, and there is nothing to close."""

    return Headers


def _sections(header: Any) -> Iterator[tuple[int, int, int]]:
    """Yield address, bytes in the file and offset in the file of each section."""
    for section in header.sections:
        offset = int(section.PointerToRawData)
        size = min(int(section.SizeOfRawData), int(section.Misc_VirtualSize) or int(section.SizeOfRawData))
        yield int(section.VirtualAddress), size, offset - offset % _SECTOR


def _imports(memory: _Memory, address: int) -> Iterator[tuple[int, int]]:
    """Yield for each DLL in the import table the addresses of its name and of the table of what is taken from it."""
    for _ in range(_LIBRARIES_LIMIT + 1):
        if not address:
            return
        names, _, _, name, thunks = struct.unpack("<5I", memory.read(address, 20))
        if not name or not thunks:
            return
        yield name, names or thunks
        address += 20


def _python(memory: _Memory, rows: list[tuple[int, int]], *, wide: bool) -> tuple[str, ...]:
    """Return what is taken by name from DLLs whose names begin with that of Python."""
    found: set[str] = set()
    shape = struct.Struct("<Q" if wide else "<I")
    by_number = 1 << (8 * shape.size - 1)
    for name, table in rows:
        if memory.starts(name, len(_PYTHON_DLL)).lower() != _PYTHON_DLL:
            continue
        for index in range(_EXPORTS_LIMIT):
            (entry,) = shape.unpack(memory.read(table + index * shape.size, shape.size))
            if not entry:
                break
            if not entry & by_number:
                found.add(memory.text((entry & 0x7FFFFFFF) + _HINT).decode("utf-8", "backslashreplace"))
    return tuple(sorted(found))


def _delayed(memory: _Memory, address: int, base: int) -> Iterator[int]:
    """Yield the same for the delay-import table; old linkers wrote absolute addresses into it."""
    while address:
        attributes, name = struct.unpack("<2I", memory.read(address, 32)[:8])
        if not name:
            return
        yield name if attributes & _DELAY_BY_RVA else name - base
        address += 32


def _names(memory: _Memory, addresses: Iterable[int]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for count, address in enumerate(addresses):
        if count == _LIBRARIES_LIMIT:
            raise BadBinaryError("its import table has no end")
        found[memory.text(address).decode("utf-8", "backslashreplace")] = None
    return tuple(found)


def _modules(memory: _Memory, address: int) -> tuple[str, ...]:
    if not address:
        return ()
    names, table = struct.unpack("<24xI4xI", memory.read(address, 36))
    if not names:
        return ()
    if names > _EXPORTS_LIMIT:
        raise BadBinaryError(f"{names} exported names are more than a DLL can have")
    rows = struct.unpack(f"<{names}I", memory.read(table, 4 * names))
    entries = (row for row in rows if memory.starts(row) == b"Py")
    return module_names(name for row in entries if (name := memory.text(row)).startswith(ENTRIES))
