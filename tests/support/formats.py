"""What independent tools say of a binary: file, llvm-readobj, readelf, auditwheel, delocate and delvewheel."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from support.tools import need, need_llvm, run

__all__ = [
    "EXPECTED",
    "Expected",
    "auditwheel_tag",
    "delocate_platforms",
    "file_says",
    "highest_glibc",
    "libraries_of_mac_wheel",
    "libraries_of_windows_wheel",
    "mac_version",
    "needed_libraries",
    "readobj_format",
    "suffix_of",
    "windows_exports",
    "windows_imports",
]


class Expected(NamedTuple):
    """What a module of a target must be.

    Attributes:
        file: How the words of ``file`` begin.
        format: The format as llvm-readobj names it.
        platform: The platform tag that its wheel earns.
        multiarch: What CPython's suffix has of the platform (PEP 3149).
    """

    file: str
    format: str
    platform: str
    multiarch: str


EXPECTED = {
    "x86_64-unknown-linux-gnu": Expected(
        "ELF 64-bit LSB shared object, x86-64", "elf64-x86-64", "manylinux_2_17_x86_64", "x86_64-linux-gnu"
    ),
    "aarch64-unknown-linux-gnu": Expected(
        "ELF 64-bit LSB shared object, ARM aarch64",
        "elf64-littleaarch64",
        "manylinux_2_17_aarch64",
        "aarch64-linux-gnu",
    ),
    "armv7-unknown-linux-gnueabihf": Expected(
        "ELF 32-bit LSB shared object, ARM, EABI5", "elf32-littlearm", "manylinux_2_17_armv7l", "arm-linux-gnueabihf"
    ),
    "i686-unknown-linux-gnu": Expected(
        "ELF 32-bit LSB shared object, Intel 80386", "elf32-i386", "manylinux_2_17_i686", "i386-linux-gnu"
    ),
    "powerpc64le-unknown-linux-gnu": Expected(
        "ELF 64-bit LSB shared object, 64-bit PowerPC",
        "elf64-powerpcle",
        "manylinux_2_17_ppc64le",
        "powerpc64le-linux-gnu",
    ),
    "s390x-unknown-linux-gnu": Expected(
        "ELF 64-bit MSB shared object, IBM S/390", "elf64-s390", "manylinux_2_17_s390x", "s390x-linux-gnu"
    ),
    "x86_64-unknown-linux-musl": Expected(
        "ELF 64-bit LSB shared object, x86-64", "elf64-x86-64", "musllinux_1_2_x86_64", "x86_64-linux-musl"
    ),
    "aarch64-unknown-linux-musl": Expected(
        "ELF 64-bit LSB shared object, ARM aarch64",
        "elf64-littleaarch64",
        "musllinux_1_2_aarch64",
        "aarch64-linux-musl",
    ),
    "x86_64-apple-darwin": Expected("Mach-O 64-bit x86_64", "Mach-O 64-bit x86-64", "macosx_10_12_x86_64", "darwin"),
    "aarch64-apple-darwin": Expected("Mach-O 64-bit arm64", "Mach-O arm64", "macosx_11_0_arm64", "darwin"),
    "x86_64-pc-windows-gnu": Expected("PE32+ executable (DLL)", "COFF-x86-64", "win_amd64", "win_amd64"),
    "x86_64-pc-windows-msvc": Expected("PE32+ executable (DLL)", "COFF-x86-64", "win_amd64", "win_amd64"),
    "aarch64-pc-windows-msvc": Expected("PE32+ executable (DLL)", "COFF-ARM64", "win_arm64", "win_arm64"),
    "i686-pc-windows-msvc": Expected("PE32 executable (DLL)", "COFF-i386", "win32", "win32"),
}


def suffix_of(target: str, abi_tag: str) -> str:
    """Return the suffix that CPython looks for: ``suffix_of("x86_64-unknown-linux-musl", "cp310")``.

    CPython says musl from 3.11 on, and gnu before (bpo-43112).
    """
    multiarch = EXPECTED[target].multiarch
    digits, t = re.fullmatch(r"cp(\d+)(t?)", abi_tag).groups()  # type: ignore[union-attr]
    if "windows" in target:
        return f".cp{digits}{t}-{multiarch}.pyd"
    if int(digits) < 311:
        multiarch = multiarch.replace("-musl", "-gnu")
    return f".cpython-{digits}{t}-{multiarch}.so"


def _said(*argv: str | Path, cwd: Path) -> str:
    program, *arguments = argv
    return run([need(str(program)), *arguments], cwd=cwd, check=True, timeout=120).stdout


def file_says(binary: Path) -> str:
    """Return what ``file`` calls a binary."""
    return _said("file", "-b", binary, cwd=binary.parent).strip()


def readobj_format(binary: Path) -> str:
    """Return the format that llvm-readobj reads a binary as."""
    said = _said("llvm-readobj", "--file-headers", binary, cwd=binary.parent)
    return next(line.partition(": ")[2] for line in said.splitlines() if line.startswith("Format: "))


def needed_libraries(binary: Path) -> set[str]:
    """Return the shared libraries that an ELF file needs, as readelf reads it."""
    said = _said("readelf", "-dW", binary, cwd=binary.parent)
    return set(re.findall(r"\(NEEDED\) +Shared library: \[(.+?)\]", said))


def highest_glibc(binary: Path) -> tuple[int, ...]:
    """Return the newest glibc that an ELF file insists on, as readelf reads it; nothing for none.

    The loader goes on without a version whose flag says that only weak symbols ask for it.
    """
    said = _said("readelf", "-VW", binary, cwd=binary.parent)
    versions = re.findall(r"Name: GLIBC_(\d+(?:\.\d+)+) +Flags: none", said)
    return max((tuple(map(int, version.split("."))) for version in versions), default=())


def mac_version(binary: Path) -> str:
    """Return the oldest macOS that a Mach-O file says it runs on: ``11.0``."""
    said = _said("llvm-readobj", "--macho-version-min", binary, cwd=binary.parent)
    found = re.findall(r"^  Version: ([\d.]+)$", said, re.MULTILINE)
    assert len(found) == 1, said
    return str(found[0])


def windows_imports(binary: Path) -> set[str]:
    """Return the DLLs that a PE file imports from."""
    said = _said("llvm-readobj", "--coff-imports", binary, cwd=binary.parent)
    return set(re.findall(r"^  Name: (\S+)$", said, re.MULTILINE))


def windows_exports(binary: Path) -> set[str]:
    """Return the names that a PE file exports."""
    said = _said("llvm-readobj", "--coff-exports", binary, cwd=binary.parent)
    return set(re.findall(r"^  Name: (\S+)$", said, re.MULTILINE))


def auditwheel_tag(wheel: Path) -> tuple[str, str]:
    """Return the platform tag that auditwheel gives a wheel, and the one that its symbols alone would earn."""
    # without a path of libraries, it reads none of this machine's
    said = json.loads(_said("auditwheel", "show", "--json", "--ldpaths", "", wheel, cwd=wheel.parent))
    return said["overall_tag"], said["sym_tag"]


def libraries_of_windows_wheel(wheel: Path) -> tuple[set[str], set[str]]:
    """Return the DLLs that delvewheel would copy into a wheel, and those that it expects of the system."""
    said = _said("delvewheel", "show", wheel, cwd=wheel.parent)
    _, copied, expected = said.split("The following DLLs ")
    return set(re.findall(r"^ +(\S+\.dll)$", copied, re.MULTILINE)), set(
        re.findall(r"^ +(\S+\.dll)$", expected, re.MULTILINE)
    )


def libraries_of_mac_wheel(wheel: Path, work: Path) -> set[str]:
    """Return the libraries that delocate finds in a wheel.

    It asks Apple's tools, whose place LLVM's take.
    """
    said = run(
        [need("delocate-listdeps"), "--all", "--depending", wheel], cwd=work, env=_mac_tools(work), check=True
    ).stdout
    return set(re.findall(r"^ *(/\S+|@\S+):$", said, re.MULTILINE))


def delocate_platforms(wheel: Path, work: Path) -> list[str]:
    """Return the platform tags that delocate gives a copy of a wheel, by what its binaries are and need."""
    made = work / "delocated"
    options = ["--no-sanitize-rpaths", "--wheel-dir", str(made)]  # Apple alone has the tool that signs a changed file
    run([need("delocate-wheel"), *options, wheel], cwd=work, env=_mac_tools(work), check=True)
    (copy,) = made.glob("*.whl")
    return copy.stem.split("-")[-1].split(".")


def _mac_tools(work: Path) -> dict[str, str]:
    """Return a PATH with what delocate calls: otool, whose ``-m`` LLVM's does not know, and lipo."""
    tool = work / "otool"
    if not tool.exists():
        tool.write_text(_OTOOL.format(need_llvm("llvm-otool")), encoding="utf-8")
        tool.chmod(0o755)
        (work / "lipo").symlink_to(need_llvm("llvm-lipo"))
    return {"PATH": f"{work}:{Path(need('delocate-listdeps')).parent}:/usr/bin:/bin"}


_OTOOL = """#!/bin/sh
for word in "$@"; do
    shift
    [ "$word" = -m ] || set -- "$@" "$word"
done
exec {} "$@"
"""
