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

__all__ = ["FORMATS", "Format", "Native", "binary_format", "device_code", "init_findings", "not_audited", "read_native"]

Format: TypeAlias = Literal["elf", "mach-o", "pe"]
Native: TypeAlias = Binary | MachO | Pe

FORMATS: dict[str, Format] = {"linux": "elf", "macos": "mach-o", "windows": "pe"}
"""The format of the systems whose binaries are judged."""

_READERS: dict[Format, Callable[[str, Buffer], Native]] = {"elf": read_elf, "mach-o": read_macho, "pe": read_pe}
_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_JAVA_FLOOR = 40  # a Java class has the same magic number; its version stands where the count of slices would
_DEVICES = frozenset({"bpf", "cuda", "amdgpu"})
_MODULE = re.compile(
    r"\.(?:cpython-\w+(?:-[\w-]+)?\.so|pypy\w+-[\w-]+\.so|abi3t?\.so|(?:(?:cp|pypy)\d[\w-]*\.)?pyd)$", re.ASCII
)


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


def init_findings(binaries: Iterable[Native]) -> Iterator[Finding]:
    """Yield an error for each file that is named as an extension module and does not export the module of its name.

    A plain ``.so`` is not such a name: libraries for ctypes and cffi have it too.
    """
    for binary in binaries:
        match = _MODULE.search(binary.file)
        if match is None or binary.kind != "library":
            continue
        name = binary.file[: match.start()].rpartition("/")[2]
        if not binary.modules:
            yield Finding(
                code="missing-init",
                severity="error",
                file=binary.file,
                message="exports no PyInit_ function, so no interpreter can import it",
                hint="the #[pymodule] function must have the module's name, and no cfg or feature may leave it out",
            )
        elif _entry(name) not in binary.modules:
            yield Finding(
                code="misnamed-init",
                severity="error",
                file=binary.file,
                message=f"exports PyInit_{binary.modules[0]}, so no interpreter can import it as {name}",
                hint=f"the #[pymodule] function must be called {name}, as the file is",
            )


def _entry(name: str) -> str:
    """Return a module's name as its entry point spells it (PEP 489)."""
    return name if name.isascii() else name.encode("punycode").decode().replace("-", "_")
