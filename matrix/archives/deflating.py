"""Members of a wheel, deflated; large ones by threads ahead of their turn, as compressing and hashing need no lock.

zlib-ng takes 40% of zlib's time and makes what maturin's wheels hold, to a hundredth of a percent; zlib itself stands
in where it is not installed. Headers are those that ``zipfile`` would have written.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO

import msgspec

from matrix.affinity import usable_cpus
from matrix.archives.entries import Entry

__all__ = ["Deflated", "ahead", "deflate", "write_deflated"]

LARGE = 512 * 1024  # bytes from which a thread is worth its while
HUGE = 1 << 30  # bytes from which zipfile writes it, with the larger header
IN_MEMORY = 8 << 20  # compressed bytes that a member may hold in memory; more lie in a temporary file
MOST_THREADS = 8


class Deflated(msgspec.Struct, frozen=True):
    """A member that is compressed already.

    Attributes:
        file: Its compressed bytes, from the start; closing it drops them.
        crc: CRC-32 of its content.
        size: Bytes of its content.
        sha256: Raw digest of its content.
    """

    file: IO[bytes]
    crc: int
    size: int
    sha256: bytes


def _size_of(entry: Entry) -> int:
    """Return its bytes; 0 for a file that cannot be looked at, which is left to who reads it."""
    try:
        return len(entry.source) if isinstance(entry.source, bytes) else entry.source.stat().st_size
    except OSError:
        return 0


def deflate(pieces: Iterable[bytes], level: int | None, directory: Path) -> Deflated:
    """Compress a member.

    Args:
        pieces: Its content.
        level: Level of the compression, 0 to 9, or ``None`` for 6.
        directory: Where what does not fit into memory goes.

    Raises:
        OSError: There is no room.
    """
    packer = _codec().compressobj(zlib.Z_DEFAULT_COMPRESSION if level is None else level, zlib.DEFLATED, -15)
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(directory))  # noqa: SIM115 - its reader closes it
    digest, crc, size = hashlib.sha256(), 0, 0
    try:
        for piece in pieces:
            digest.update(piece)
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            file.write(packer.compress(piece))
        file.write(packer.flush())
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Deflated(file, crc, size, digest.digest())


def ahead(
    entries: Iterable[Entry], work: Callable[[Entry], Deflated] | None
) -> Generator[tuple[Entry, Deflated | None], None, None]:
    """Yield every entry in order, deflated; a few large ones are worked on while earlier ones are written.

    At most two a thread are held ready. What ``work`` raises comes when its entry's turn does, and whatever is left
    then is dropped. A huge entry is not deflated here.

    Args:
        entries: The members.
        work: Deflates one; called in threads too. ``None``: nothing is deflated here.
    """
    if work is None:
        yield from ((entry, None) for entry in entries)
        return
    window: deque[tuple[Entry, int, Future[Deflated] | None]] = deque()
    waiting = 0

    def turn() -> tuple[Entry, Deflated | None]:
        first, size, ready = window.popleft()
        if ready is not None:
            return first, ready.result()
        return first, work(first) if size < HUGE else None

    try:
        for entry in entries:
            size = _size_of(entry)
            future = _pool().submit(work, entry) if LARGE <= size < HUGE else None
            window.append((entry, size, future))
            waiting += future is not None
            while window and (window[0][2] is None or waiting > 2 * _threads()):
                waiting -= window[0][2] is not None
                yield turn()
        while window:
            yield turn()
    finally:
        for _, _, left in window:
            if left is not None and not left.cancel() and left.exception() is None:
                left.result().file.close()


def write_deflated(archive: zipfile.ZipFile, member: zipfile.ZipInfo, deflated: Deflated) -> None:
    """Append a member that is compressed already, as ``ZipFile.open(member, "w")`` would have written it.

    Args:
        archive: Open for writing, into a file that can be sought in.
        member: Its name, time, mode and method.
        deflated: Its compressed bytes; they are closed.
    """
    target = archive.fp
    assert target is not None  # noqa: S101 - it is open
    with deflated.file as source:
        source.seek(0, os.SEEK_END)
        member.compress_size = source.tell()
        source.seek(0)
        member.CRC, member.file_size = deflated.crc, deflated.size
        target.seek(archive.start_dir)
        member.header_offset = archive.start_dir
        target.write(member.FileHeader(zip64=False))
        shutil.copyfileobj(source, target, 1 << 20)
    archive.filelist.append(member)
    archive.NameToInfo[member.filename] = member
    archive.start_dir = target.tell()
    archive._didModify = True  # type: ignore[attr-defined]  # noqa: SLF001 - no public way to add what is compressed


@cache
def _codec() -> ModuleType:
    try:
        from zlib_ng import zlib_ng  # noqa: PLC0415 - only what packs needs it
    except ImportError:
        return zlib
    return zlib_ng


def _threads() -> int:
    return min(MOST_THREADS, usable_cpus())


@cache
def _pool() -> ThreadPoolExecutor:
    """Return the threads that all wheels of this process share, so that there are never more than CPUs."""
    return ThreadPoolExecutor(_threads(), thread_name_prefix="deflate")
