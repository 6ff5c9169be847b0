"""Joins the two slices of a universal2 module into one fat Mach-O file, byte for byte as lipo does."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from matrix.errors import WheelmatrixError

__all__ = ["join_slices"]

_FAT = 0xCAFEBABE
_THIN = b"\xcf\xfa\xed\xfe"  # 64 bits, little-endian: every architecture that macOS runs on today
_ARM64 = 0x0100000C
_PAGES = {0x01000007: 12, _ARM64: 14}  # x86_64 has pages of 4 KiB, arm64 of 16: slices begin at one
_LIMIT = 1 << 32  # offsets and sizes have 32 bits


class _Slice(NamedTuple):
    """A thin file and what the fat header says of it; ``align`` is a power of two, sizes are in bytes."""

    path: Path
    cpu: int
    subtype: int
    align: int
    size: int


def join_slices(paths: Sequence[Path], out: Path) -> None:
    """Write a fat file of thin ones; the architecture with the smallest pages comes first, arm64 last.

    Nothing in a slice changes, so code signatures in it stay valid.

    Args:
        paths: One thin Mach-O file for each architecture.
        out: The fat file; its directory is there.

    Raises:
        WheelmatrixError: A file is no thin Mach-O file for x86_64 or arm64, two are for one architecture, or they
            are too big together.
        OSError: A file cannot be read or written.
    """
    slices = sorted(map(_slice, paths), key=lambda one: (one.cpu == _ARM64, one.align))
    if len({one.cpu for one in slices}) < len(slices):
        raise WheelmatrixError(f"{' and '.join(str(path) for path in paths)} are for one architecture")
    rows, at, offsets = b"", 8 + 20 * len(slices), []
    for one in slices:
        at += -at % (1 << one.align)
        offsets.append(at)
        if at + one.size >= _LIMIT:
            raise WheelmatrixError(f"{out.name}: both architectures together are more than 4 GiB")
        rows += struct.pack(">5I", one.cpu, one.subtype, at, one.size, one.align)
        at += one.size
    with out.open("wb") as fat:
        fat.write(struct.pack(">2I", _FAT, len(slices)) + rows)
        for one, offset in zip(slices, offsets, strict=True):
            fat.write(bytes(offset - fat.tell()))
            with one.path.open("rb") as thin:
                shutil.copyfileobj(thin, fat, 1 << 20)
    out.chmod(0o755)


def _slice(path: Path) -> _Slice:
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12 or not head.startswith(_THIN):
        raise WheelmatrixError(f"{path}: this is no thin Mach-O file", hint="what the linker made cannot be joined")
    cpu, subtype = struct.unpack("<4x2I", head)
    if cpu not in _PAGES:
        raise WheelmatrixError(f"{path}: a slice of universal2 is for x86_64 or arm64, this is for cpu {cpu:#x}")
    return _Slice(path, cpu, subtype, _PAGES[cpu], path.stat().st_size)
