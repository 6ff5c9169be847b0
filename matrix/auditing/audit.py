"""Audits the files of one build: tells their formats apart, reads and judges them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from matrix.auditing.elf import Binary, Libc
from matrix.auditing.macho import MachO
from matrix.auditing.macos import analyse_macos
from matrix.auditing.natives import FORMATS, Native, binary_format, device_code, not_audited, read_native
from matrix.auditing.pe import Pe
from matrix.auditing.verdict import Analysis, analyse
from matrix.auditing.windows import analyse_windows
from matrix.model import Finding, Target
from matrix.platforms import platform_tags

__all__ = ["NAMES", "audit_binaries", "wrong_format"]

NAMES = {"elf": "ELF files", "mach-o": "Mach-O files", "pe": "PE files"}
_LIBCS: dict[str, Libc] = {"gnu": "glibc", "musl": "musl"}
_SYSTEMS = {"linux": "Linux (ELF)", "macos": "macOS (Mach-O)", "windows": "Windows (PE)"}


def audit_binaries(files: Iterable[tuple[str, Path]], target: Target, platforms: Sequence[str] = ()) -> Analysis:
    """Audit what a build made, before it is packed. Safe in any thread; reads the files and nothing else.

    Args:
        files: Name in findings (the member of the wheel) and path of each.
        target: What the build was made for.
        platforms: Platform tags that its wheel will have; counts on macOS and Windows only. By default those of the
            target.

    Raises:
        BadBinaryError: A binary is broken.
        OSError: A file cannot be read.
    """
    own = FORMATS.get(target.os)
    binaries: list[Native] = []
    notes: list[Finding] = []
    for file, path in files:
        kind = binary_format(_head(path))
        if kind is None:
            continue
        if kind != own:
            where = "in a wheel for another system" if own is not None else f"for {target.os}"
            notes.append(not_audited(file, f"{NAMES[kind]} {where}"))
            continue
        binary = read_native(file, kind, path)
        if device_code(binary):
            notes.append(not_audited(file, f"{binary.arch} files"))
        else:
            binaries.append(binary)
    if target.os not in FORMATS:
        return analyse((), notes=notes)
    if target.os == "linux":
        return _linux(binaries, target, notes)
    if notes and not binaries:
        notes.append(wrong_format(target.os, "is made for"))
    judge = _macos if target.os == "macos" else _windows
    return judge(binaries, platforms or platform_tags(target), notes)


def wrong_format(system: str, verb: str) -> Finding:
    """Say that a wheel for a system holds binaries of other systems alone.

    Args:
        system: ``linux``, ``macos`` or ``windows``.
        verb: How the message begins: ``claims`` or ``is made for``.
    """
    name, _, _ = _SYSTEMS[system].partition(" (")
    return Finding(
        code="wrong-format",
        severity="error",
        file="",
        message=f"{verb} {name}, but no binary in it is one of {_SYSTEMS[system]}",
        hint="is the file renamed?" if verb == "claims" else "check the linker and the target",
    )


def _linux(binaries: Sequence[Native], target: Target, notes: Sequence[Finding]) -> Analysis:
    own = [binary for binary in binaries if isinstance(binary, Binary)]
    return analyse(own, arch=target.machine, libc=_LIBCS.get(target.libc, ""), notes=notes)


def _macos(binaries: Sequence[Native], platforms: Sequence[str], notes: Sequence[Finding]) -> Analysis:
    return analyse_macos([binary for binary in binaries if isinstance(binary, MachO)], platforms, notes)


def _windows(binaries: Sequence[Native], platforms: Sequence[str], notes: Sequence[Finding]) -> Analysis:
    return analyse_windows([binary for binary in binaries if isinstance(binary, Pe)], platforms, notes)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)
