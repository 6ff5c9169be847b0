"""One Mach-O file, thin or fat, read into a value that says all the audit asks about.

The records are macholib's; its reader is not used, because it loads every section and refuses load commands it does
not know. No count, size or offset of the file is believed unless it fits.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

import msgspec

from matrix.auditing.elf import BinaryKind
from matrix.auditing.image import BadBinaryError, Buffer
from matrix.auditing.macho_symbols import Header, modules_of, python_symbols

__all__ = ["FAT_MAGICS", "MachO", "Slice", "read_macho"]

FAT_MAGICS = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_MAGICS = {
    # first four bytes: (byte order, 64 bits)
    b"\xfe\xed\xfa\xce": (">", False),
    b"\xce\xfa\xed\xfe": ("<", False),
    b"\xfe\xed\xfa\xcf": (">", True),
    b"\xcf\xfa\xed\xfe": ("<", True),
}
_ARCHIVE = b"!<arch>\n"  # a static library, whose slices are archives
_ABI64, _SUBTYPE = 0x01000000, 0x00FFFFFF
_ARCHITECTURES = {
    7: "i386",
    7 | _ABI64: "x86_64",
    12: "arm",
    12 | _ABI64: "arm64",
    12 | 0x02000000: "arm64_32",
    18: "ppc",
    18 | _ABI64: "ppc64",
}
_SUBTYPES = {("x86_64", 8): "x86_64h", ("arm64", 2): "arm64e"}  # what plain processors of that type do not run
_SYSTEMS = {1: "macos", 2: "ios", 3: "tvos", 4: "watchos", 6: "catalyst", 7: "ios simulator"}
_SLICES_LIMIT = 16
_COMMANDS_LIMIT = 1 << 20  # bytes of load commands; linkers write a few thousand
_NAME_LIMIT = 4096


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """One architecture of a Mach-O file.

    Attributes:
        arch: Architecture as platform tags name it (``arm64``, ``x86_64``), or a name of its own where none does.
        kind: ``library`` (bundles too), ``executable`` or ``object`` (nothing loads it).
        system: ``macos``, ``ios``, …; ``macos`` when the file does not say.
        minimum: Oldest version of the system that it runs on, ``None`` when the file does not say.
        libraries: Install names of the libraries it needs, in order.
        optional: Those that may be missing (weakly linked).
        install_name: Its own (LC_ID_DYLIB), or ``None``.
        rpath: Directories in which ``@rpath`` is looked for.
        modules: Python modules it can initialise, sorted.
        python: Symbols of Python that it must find, sorted; for libraries only.
    """

    arch: str
    kind: BinaryKind
    system: str = "macos"
    minimum: tuple[int, int] | None = None
    libraries: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    install_name: str | None = None
    rpath: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    python: tuple[str, ...] = ()


class MachO(msgspec.Struct, frozen=True, kw_only=True):
    """What one Mach-O file is and needs.

    Attributes:
        file: Its name as the audit was given it.
        slices: Its architectures, in file order; at least one.
    """

    file: str
    slices: tuple[Slice, ...]

    @property
    def arch(self) -> str:
        """Its architectures for people: ``arm64``, ``x86_64 and arm64``, ``ios arm64``."""
        names = (one.arch if one.system == "macos" else f"{one.system} {one.arch}" for one in self.slices)
        return " and ".join(names)

    @property
    def kind(self) -> BinaryKind:
        """What it is for; slices do not differ in that."""
        return self.slices[0].kind

    @property
    def libraries(self) -> tuple[str, ...]:
        """Install names that any slice needs, in order."""
        return tuple(dict.fromkeys(name for one in self.slices for name in one.libraries))

    @property
    def modules(self) -> tuple[str, ...]:
        """Python modules that any slice can initialise."""
        return tuple(sorted({name for one in self.slices for name in one.modules}))

    @property
    def python(self) -> tuple[str, ...]:
        """Symbols of Python that any slice must find."""
        return tuple(sorted({name for one in self.slices for name in one.python}))


def read_macho(file: str, data: Buffer) -> MachO:
    """Read a Mach-O file from memory, or mapped.

    Args:
        file: Its name in findings.
        data: All its bytes.

    Raises:
        BadBinaryError: It is no Mach-O file that a loader could load.
    """
    try:
        return MachO(file=file, slices=tuple(_slice(data, *extent) for extent in _extents(data)))
    except BadBinaryError as error:
        raise BadBinaryError(f"{file}: {error.message}", hint=error.hint) from None
    except (struct.error, ValueError, OverflowError, IndexError) as error:
        raise BadBinaryError(f"{file}: {error}") from error


def _extents(data: Buffer) -> list[tuple[int, int, str]]:
    """Return start, end and, for a fat file, architecture of each slice."""
    from macholib import mach_o  # noqa: PLC0415 - a tenth of a second that only an audit pays

    magic = bytes(data[:4])
    if magic not in FAT_MAGICS:
        return [(0, len(data), "")]
    row, head = mach_o.fat_arch64 if magic == FAT_MAGICS[1] else mach_o.fat_arch, mach_o.fat_header._size_
    (count,) = struct.unpack(">4xI", data[:head])
    size = row._size_
    if not 0 < count <= _SLICES_LIMIT or head + count * size > len(data):
        raise BadBinaryError(f"{count} slices do not fit into a file of {len(data)} bytes")
    rows = [row.from_str(data[head + index * size : head + (index + 1) * size]) for index in range(count)]
    found = [(int(one.offset), int(one.offset + one.size), _arch(one.cputype, one.cpusubtype)) for one in rows]
    ordered = [(0, head + count * size), *sorted((start, end) for start, end, _ in found)]
    if any(start < before for (_, before), (start, _) in itertools.pairwise(ordered)) or ordered[-1][1] > len(data):
        raise BadBinaryError("its slices overlap, or do not fit into the file")
    if len({arch for _, _, arch in found}) < count:
        raise BadBinaryError("two of its slices are for one architecture")
    return found


def _arch(cpu: int, subtype: int) -> str:
    name = _ARCHITECTURES.get(cpu, f"cpu {cpu}")
    return _SUBTYPES.get((name, subtype & _SUBTYPE), name)


def _slice(data: Buffer, start: int, end: int, expected: str) -> Slice:
    from macholib import mach_o  # noqa: PLC0415

    magic = bytes(data[start : min(start + 4, end)])
    if expected and data[start : min(start + len(_ARCHIVE), end)] == _ARCHIVE:
        return Slice(arch=expected, kind="object")
    if magic not in _MAGICS:
        raise BadBinaryError("this is no Mach-O file")
    order, wide = _MAGICS[magic]
    header = Header(data, start, end, order, wide)
    shape = mach_o.mach_header_64 if wide else mach_o.mach_header
    size = shape._size_
    fields = header.record(shape, header.read(0, size))
    if fields.sizeofcmds > _COMMANDS_LIMIT:
        raise BadBinaryError(f"{fields.sizeofcmds} bytes of load commands are more than any linker writes")
    arch = _arch(fields.cputype, fields.cpusubtype)
    if expected and arch != expected:
        raise BadBinaryError(f"a slice said to be for {expected} is for {arch}")
    commands = header.read(size, int(fields.sizeofcmds))
    return _described(header, arch, _kind(fields.filetype), list(_commands(header, commands, int(fields.ncmds))))


def _kind(filetype: int) -> BinaryKind:
    from macholib import mach_o  # noqa: PLC0415

    if filetype in {mach_o.MH_DYLIB, mach_o.MH_BUNDLE}:
        return "library"
    return "executable" if filetype == mach_o.MH_EXECUTE else "object"


def _commands(header: Header, data: bytes, count: int) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of each load command; the content begins behind its own size."""
    at = 0
    for _ in range(count):
        kind, size = struct.unpack_from(f"{header.order}II", data, at)
        if size < 8 or at + size > len(data):
            raise BadBinaryError(f"a load command of {size} bytes does not fit")
        yield kind, data[at + 8 : at + size]
        at += size


def _described(header: Header, arch: str, kind: BinaryKind, commands: list[tuple[int, bytes]]) -> Slice:
    from macholib import mach_o as m  # noqa: PLC0415

    loads = {m.LC_LOAD_DYLIB, m.LC_LOAD_WEAK_DYLIB, m.LC_REEXPORT_DYLIB, m.LC_LOAD_UPWARD_DYLIB, m.LC_LAZY_LOAD_DYLIB}
    libraries: dict[str, bool] = {}
    install_name, rpath = None, []
    for command, content in commands:
        if command in loads:
            name = _text(header, content)
            libraries[name] = libraries.get(name, True) and command == m.LC_LOAD_WEAK_DYLIB
        elif command == m.LC_ID_DYLIB:
            install_name = _text(header, content)
        elif command == m.LC_RPATH:
            rpath.append(_text(header, content))
    system, minimum = _minimum(header, commands)
    return Slice(
        arch=arch,
        kind=kind,
        system=system,
        minimum=minimum,
        libraries=tuple(libraries),
        optional=tuple(name for name, weak in libraries.items() if weak),
        install_name=install_name,
        rpath=tuple(rpath),
        modules=modules_of(header, commands) if kind == "library" else (),
        python=python_symbols(header, commands) if kind == "library" else (),
    )


def _text(header: Header, content: bytes) -> str:
    """Return the string of a load command, which says where it begins counted from the command's own start."""
    (offset,) = struct.unpack_from(f"{header.order}I", content)
    if not 12 <= offset <= 8 + len(content):
        raise BadBinaryError("a load command names a string outside itself")
    return content[offset - 8 :][:_NAME_LIMIT].split(b"\0")[0].decode("utf-8", "backslashreplace")


def _minimum(header: Header, commands: list[tuple[int, bytes]]) -> tuple[str, tuple[int, int] | None]:
    """Return the system a slice is for and the oldest version of it; macOS wins when it is for several."""
    from macholib import mach_o as m  # noqa: PLC0415

    older = {m.LC_VERSION_MIN_MACOSX: 1, m.LC_VERSION_MIN_IPHONEOS: 2, m.LC_VERSION_MIN_TVOS: 3}
    found: dict[str, tuple[int, int]] = {}
    for command, content in commands:
        if command == m.LC_BUILD_VERSION:
            record = header.record(m.build_version_command, content)
            platform, packed = int(record.platform), int(record.minos)
        elif command in older:
            platform, packed = older[command], int(header.record(m.version_min_command, content).version)
        else:
            continue
        found.setdefault(_SYSTEMS.get(platform, f"platform {platform}"), (packed >> 16, packed >> 8 & 0xFF))
    system = "macos" if "macos" in found else next(iter(found), "macos")
    version = found.get(system, (0, 0))
    return system, version if version > (0, 0) else None
