"""Audits the files of one build or one wheel: tells ELF from other formats, reads and judges it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.auditing.elf import Binary, Libc, read_binary
from matrix.auditing.image import MAGIC
from matrix.auditing.verdict import Analysis, analyse
from matrix.model import Finding, Target

__all__ = ["audit_binaries", "binary_format", "device_code", "not_audited"]

_MACH_O = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe")
_FAT = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_JAVA_FLOOR = 40  # a Java class has the same magic number; its version stands where the count of slices would
_DEVICES = frozenset({"bpf", "cuda", "amdgpu"})
_LIBCS: dict[str, Libc] = {"gnu": "glibc", "musl": "musl"}


def audit_binaries(files: Iterable[tuple[str, Path]], target: Target) -> Analysis:
    """Audit what a build made, before it is packed. Safe in any thread; reads the files and nothing else.

    Args:
        files: Name in findings (the member of the wheel) and path of each.
        target: What the build was made for.

    Raises:
        BadBinaryError: An ELF file is broken.
        OSError: A file cannot be read.
    """
    binaries: list[Binary] = []
    notes: list[Finding] = []
    for file, path in files:
        match binary_format(_head(path)):
            case "elf":
                binary = read_binary(file, path)
                if device_code(binary):
                    notes.append(not_audited(file, f"{binary.arch} files"))
                else:
                    binaries.append(binary)
            case "mach-o":
                notes.append(not_audited(file, "Mach-O files"))
            case "pe":
                notes.append(not_audited(file, "PE files"))
            case _:
                pass
    if target.os != "linux":
        return analyse((), notes=[*notes, *_elsewhere(binaries, target)])
    return analyse(binaries, arch=target.machine, libc=_LIBCS.get(target.libc, ""), notes=notes)


def binary_format(head: bytes) -> str:
    """Tell ``elf``, ``mach-o`` and ``pe`` files by their first 8 bytes; empty for all else."""
    if head.startswith(MAGIC):
        return "elf"
    if head.startswith(_MACH_O):
        return "mach-o"
    if head.startswith(_FAT) and int.from_bytes(head[4:8], "big") < _JAVA_FLOOR:
        return "mach-o"
    return "pe" if head.startswith(b"MZ") else ""


def not_audited(file: str, what: str) -> Finding:
    """Say plainly that a file was not judged."""
    return Finding(code="not-audited", severity="note", file=file, message=f"{what} are not audited yet")


def device_code(binary: Binary) -> bool:
    """Whether the file is a program for something other than a processor: eBPF, a graphics card."""
    return binary.arch in _DEVICES


def _elsewhere(binaries: Sequence[Binary], target: Target) -> list[Finding]:
    return [not_audited(binary.file, f"ELF files for {target.os}") for binary in binaries]


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)
