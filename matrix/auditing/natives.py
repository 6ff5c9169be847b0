"""Binaries of every format: which one a file has, how it is read, and what is asked of all of them alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from matrix.auditing.elf import Binary, read_elf
from matrix.auditing.image import MAGIC, Buffer, mapped
from matrix.auditing.macho import FAT_MAGICS, MachO, read_macho
from matrix.auditing.pe import Pe, read_pe
from matrix.model import Finding

__all__ = ["FORMATS", "Format", "Native", "binary_format", "device_code", "missing_init", "not_audited", "read_native"]

Format: TypeAlias = Literal["elf", "mach-o", "pe"]
Native: TypeAlias = Binary | MachO | Pe

FORMATS: dict[str, Format] = {"linux": "elf", "macos": "mach-o", "windows": "pe"}
"""The format of the systems whose binaries are judged."""

_READERS: dict[Format, Callable[[str, Buffer], Native]] = {"elf": read_elf, "mach-o": read_macho, "pe": read_pe}
_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_JAVA_FLOOR = 40  # a Java class has the same magic number; its version stands where the count of slices would
_DEVICES = frozenset({"bpf", "cuda", "amdgpu"})
_MODULE = re.compile(r"\.(?:(?:cpython|pypy)\w*-[\w-]*darwin\.so|abi3t?\.so|(?:[\w-]+\.)?pyd)$")


def binary_format(head: bytes) -> Format | None:
    """Tell ``elf``, ``mach-o`` and ``pe`` files by their first 8 bytes; ``None`` for all else."""
    if head.startswith(MAGIC):
        return "elf"
    if head.startswith(_MACH_O):
        return "mach-o"
    if head.startswith(FAT_MAGICS) and int.from_bytes(head[4:8], "big") < _JAVA_FLOOR:
        return "mach-o"
    return "pe" if head.startswith(b"MZ") else None


def read_native(file: str, kind: Format, source: Path | BinaryIO | bytes) -> Native:
    """Read a binary of a known format.

    Args:
        file: Its name in findings.
        kind: Its format.
        source: A path, a seekable file with a descriptor, or all its bytes.

    Raises:
        BadBinaryError: No loader could load it.
        OSError: It cannot be read.
    """
    read = _READERS[kind]
    if isinstance(source, bytes):
        return read(file, source)
    with mapped(file, source) as data:
        return read(file, data)


def not_audited(file: str, what: str) -> Finding:
    """Say plainly that a file was not judged."""
    return Finding(code="not-audited", severity="note", file=file, message=f"{what} are not audited")


def device_code(binary: Native) -> bool:
    """Whether the file is a program for something other than a processor: eBPF, a graphics card."""
    return isinstance(binary, Binary) and binary.arch in _DEVICES


def missing_init(binaries: Iterable[MachO | Pe]) -> Iterator[Finding]:
    """Yield an error for each file that is named as an extension module and exports none.

    Plain ``.so`` on macOS is not such a name: libraries for ctypes and cffi have it too.
    """
    for binary in binaries:
        if _MODULE.search(binary.file) and not binary.modules and binary.kind == "library":
            yield Finding(
                code="missing-init",
                severity="error",
                file=binary.file,
                message="exports no PyInit_ function, so no interpreter can import it",
                hint="the #[pymodule] function must have the module's name, and no cfg or feature may leave it out",
            )
