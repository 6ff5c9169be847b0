"""One ELF file, read into a value that says all the audit asks about."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

import msgspec

from matrix.auditing.image import BadBinaryError, Buffer, Image, mapped, open_image
from matrix.auditing.symbols import Strings, VersionNeed, read_strings, read_symbols

__all__ = ["Binary", "BinaryKind", "Libc", "read_binary", "read_elf"]

BinaryKind: TypeAlias = Literal["library", "executable", "object"]
Libc: TypeAlias = Literal["glibc", "musl", "bionic", ""]

_ARCHITECTURES = {
    # (machine, bits, byte order): name in a wheel's platform tag
    ("EM_X86_64", 64, "<"): "x86_64",
    ("EM_X86_64", 32, "<"): "x32",
    ("EM_386", 32, "<"): "i686",
    ("EM_AARCH64", 64, "<"): "aarch64",
    ("EM_ARM", 32, "<"): "armv7l",
    ("EM_PPC64", 64, "<"): "ppc64le",
    ("EM_PPC64", 64, ">"): "ppc64",
    ("EM_PPC", 32, ">"): "ppc",
    ("EM_S390", 64, ">"): "s390x",
    ("EM_RISCV", 64, "<"): "riscv64",
    ("EM_LOONGARCH", 64, "<"): "loongarch64",
    ("EM_MIPS", 64, "<"): "mips64",
    ("EM_MIPS", 64, ">"): "mips64",
    ("EM_MIPS", 32, "<"): "mips",
    ("EM_MIPS", 32, ">"): "mips",
    ("EM_SPARCV9", 64, ">"): "sparc64",
}
_ISA_LEVELS = ((8, "x86-64-v4"), (4, "x86-64-v3"), (2, "x86-64-v2"))
_PYTHON = re.compile(r"lib(?:python|pypy)\d[\w.-]*\.so[\w.]*")
_GLIBC_LOADER = re.compile(r"ld-linux[\w.-]*\.so\.\d+|ld64?\.so\.\d+")
_DT_NEEDED, _DT_SONAME, _DT_RPATH, _DT_TEXTREL, _DT_RUNPATH, _DT_FLAGS, _DT_FLAGS_1 = 1, 14, 15, 22, 29, 30, 0x6FFFFFFB
_DF_TEXTREL, _DF_1_PIE = 4, 0x08000000
_PF_X = 1
_EF_ARM_EABI, _EF_ARM_EABI5, _EF_ARM_HARD_FLOAT = 0xFF000000, 0x05000000, 0x400
_NT_GNU_PROPERTY, _GNU_PROPERTY_X86_ISA_1_NEEDED = 5, 0xC0008002
_PATH_LIMIT = 0x10000


class Binary(msgspec.Struct, frozen=True, kw_only=True):
    """What one ELF file is and needs.

    Attributes:
        file: Its name as the audit was given it.
        arch: Architecture as platform tags name it (``armv7l`` is hard-float EABI 5, ``armv5tel`` any other
            32-bit Arm), or a name of its own where none does.
        bits: 32 or 64.
        kind: ``library``, ``executable`` or ``object`` (nothing loads it).
        system: Its OS ABI in small letters: ``sysv``, ``linux``, ``freebsd``, …
        libc: The C library it is linked against; empty when that cannot be seen.
        needed: SONAMEs it needs (DT_NEEDED), in order.
        soname: Its own (DT_SONAME), or ``None``.
        rpath: Directories of DT_RPATH; a loader ignores them when there is a runpath.
        runpath: Directories of DT_RUNPATH.
        interpreter: Its loader (PT_INTERP), or ``None``.
        needs: Symbol versions it needs.
        undefined: Symbols it needs, weak ones apart, sorted.
        modules: Python modules it can initialise.
        ucs2: Whether it calls functions of a Python 2 with narrow Unicode (PEP 513).
        isa: Instruction-set level that it says it needs: ``x86-64-v2`` to ``x86-64-v4``, or ``None``.
        executable_stack: Whether it asks for one.
        text_relocations: Whether the loader must write into its code.
    """

    file: str
    arch: str
    bits: int
    kind: BinaryKind
    system: str = "sysv"
    libc: Libc = ""
    needed: tuple[str, ...] = ()
    soname: str | None = None
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    interpreter: str | None = None
    needs: tuple[VersionNeed, ...] = ()
    undefined: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    ucs2: bool = False
    isa: str | None = None
    executable_stack: bool = False
    text_relocations: bool = False

    @property
    def static(self) -> bool:
        """Whether it runs without any other library."""
        return not self.needed and self.interpreter is None

    @property
    def libpython(self) -> str | None:
        """SONAME of the libpython it needs, or ``None``."""
        return next((library for library in self.needed if _PYTHON.fullmatch(library)), None)


def read_binary(file: str, source: Path | BinaryIO) -> Binary:
    """Read an ELF file from disk without loading all of it.

    Args:
        file: Its name in findings.
        source: A path, or a seekable file with a descriptor.

    Raises:
        BadBinaryError: It is no ELF file that a loader could load.
        OSError: It cannot be read.
    """
    with mapped(file, source) as data:
        return read_elf(file, data)


def read_elf(file: str, data: Buffer) -> Binary:
    """Read an ELF file from memory.

    Raises:
        BadBinaryError: It is no ELF file that a loader could load.
    """
    try:
        return _read(file, open_image(data))
    except BadBinaryError as error:
        raise BadBinaryError(f"{file}: {error.message}", hint=error.hint) from None
    except (struct.error, ValueError, OverflowError) as error:
        raise BadBinaryError(f"{file}: {error}") from error


def _read(file: str, image: Image) -> Binary:
    dynamic = image.dynamic()
    strings = read_strings(image, dynamic)
    symbols = read_symbols(image, dynamic, strings)
    needed = tuple(strings.at(offset) for offset in dynamic.get(_DT_NEEDED, ()))
    interpreter = _interpreter(image)
    stack = image.segment("PT_GNU_STACK")
    sonames = dynamic.get(_DT_SONAME, ())
    return Binary(
        file=file,
        arch=_arch(image),
        bits=image.bits,
        kind=_kind(image, dynamic),
        system=image.system.removeprefix("ELFOSABI_").lower(),
        libc=_libc(image, interpreter, needed),
        needed=needed,
        soname=strings.at(sonames[0]) if sonames else None,
        rpath=_directories(strings, dynamic.get(_DT_RPATH, ())),
        runpath=_directories(strings, dynamic.get(_DT_RUNPATH, ())),
        interpreter=interpreter,
        needs=symbols.needs,
        undefined=symbols.undefined,
        modules=symbols.modules,
        ucs2=symbols.ucs2,
        isa=_isa(image),
        executable_stack=stack is not None and bool(stack.flags & _PF_X),
        text_relocations=_DT_TEXTREL in dynamic or any(flags & _DF_TEXTREL for flags in dynamic.get(_DT_FLAGS, ())),
    )


def _arch(image: Image) -> str:
    arch = _ARCHITECTURES.get((image.machine, image.bits, image.order))
    if arch is None:
        return image.machine.removeprefix("EM_").lower()
    if arch == "armv7l":
        hard = image.flags & _EF_ARM_EABI == _EF_ARM_EABI5 and image.flags & _EF_ARM_HARD_FLOAT
        return arch if hard else "armv5tel"
    return arch


def _kind(image: Image, dynamic: dict[int, list[int]]) -> BinaryKind:
    if image.kind == "ET_EXEC":
        return "executable"
    if image.kind != "ET_DYN":
        return "object"
    pie = image.segment("PT_INTERP") is not None or any(flags & _DF_1_PIE for flags in dynamic.get(_DT_FLAGS_1, ()))
    return "executable" if pie else "library"


def _interpreter(image: Image) -> str | None:
    segment = image.segment("PT_INTERP")
    if segment is None:
        return None
    return image.read(segment.offset, min(segment.size, 4096)).split(b"\0")[0].decode("utf-8", "backslashreplace")


def _libc(image: Image, interpreter: str | None, needed: tuple[str, ...]) -> Libc:
    """Tell the C library by the loader's name, then by the SONAMEs needed.

    glibc's is never plain ``libc.so``; musl's is when no distribution renamed it, and Android's always, but
    Android splits ``libm`` and ``libdl`` off and signs its files with a note.
    """
    for library in (Path(interpreter or "").name, *needed):
        if library.startswith(("ld-musl-", "libc.musl-")):
            return "musl"
        if library.startswith("libc.so.6") or _GLIBC_LOADER.fullmatch(library):
            return "glibc"
    if "libc.so" not in needed:
        return ""
    android = bool({"libdl.so", "libm.so", "liblog.so"} & set(needed)) or any(
        note.owner == b"Android" for note in image.notes()
    )
    return "bionic" if android else "musl"


def _directories(strings: Strings, offsets: list[int] | tuple[()]) -> tuple[str, ...]:
    """Split the search path; of several entries a loader takes the last."""
    return tuple(part for offset in offsets[-1:] for part in strings.at(offset, _PATH_LIMIT).split(":") if part)


def _isa(image: Image) -> str | None:
    """Read the x86-64 level from the GNU property note (x86-64 psABI)."""
    if image.machine != "EM_X86_64":
        return None
    needed = 0
    for note in image.notes():
        if note.kind != _NT_GNU_PROPERTY or note.owner != b"GNU":
            continue
        position, step = 0, image.bits // 8
        while position + 12 <= len(note.content):
            kind, size, value = struct.unpack_from(f"{image.order}III", note.content, position)
            if kind == _GNU_PROPERTY_X86_ISA_1_NEEDED and size == 4:
                needed |= value
            position += 8 + (size + step - 1) // step * step
    return next((name for bit, name in _ISA_LEVELS if needed & bit), None)
