"""Writes a wheel: the same inputs give the same bytes, and nobody ever sees half of one."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from matrix import __version__
from matrix.archives.compression import EARLIEST, Compression, DosTime
from matrix.archives.deflating import Deflated, ahead, deflate, write_deflated
from matrix.archives.entries import Entry, merge_entries
from matrix.archives.metadata import CoreMetadata
from matrix.archives.record import CHUNK, Row, digested, hash_file, record_digest, record_text
from matrix.errors import ConfigError, WheelmatrixError
from matrix.files import TEMPORARY, replacing
from matrix.model import Wheel

__all__ = ["LARGE", "blamed_on", "members", "metadata_files", "wheel_text", "write_wheel"]

_RESERVED = ("METADATA", "WHEEL", "entry_points.txt", "RECORD", "RECORD.jws", "RECORD.p7s")
LARGE = 1 << 31  # bytes from which a member gets the larger header


def write_wheel(
    path: Path,
    entries: Iterable[Entry],
    metadata: CoreMetadata,
    tags: Sequence[str],
    *,
    compression: Compression | None = None,
    modified: DosTime = EARLIEST,
) -> Wheel:
    """Write a wheel under a temporary name in the same directory, sync it, and give it its name.

    A wheel already there is replaced by a whole one only, and left untouched when its bytes are the same.
    Blocking; safe to run in a thread.

    Args:
        path: The wheel, named as ``wheel_file_name`` says; its directory exists.
        entries: Everything but the metadata directory's own files, in any order.
        metadata: The project's metadata.
        tags: Every expanded tag.
        compression: How members are compressed.
        modified: The time every member carries.

    Raises:
        ConfigError: Two entries claim one path, or one a path that cannot be.
        WheelmatrixError: The directory cannot be written (no room, no permission), or a source cannot be read.
    """
    everything = members(entries, metadata, tags)
    finished: list[tuple[bytes, int]] = []

    def is_there_already(temporary: Path) -> bool:
        finished.append(hash_file(temporary))
        return _is(path, *finished[0])

    with blamed_on(path.parent), replacing(path, unless=is_there_already) as file:
        _write(file, everything, metadata, compression or Compression(), modified)
    sha256, size = finished[0]
    return Wheel(file=path.name, tags=tuple(sorted(tags)), size=size, sha256=sha256.hex())


def remove_leftovers(directory: Path, *, older_than: float = 900.0) -> int:
    """Remove unfinished archives that a killed run left in a directory; return how many.

    Args:
        directory: The out directory; it may be missing.
        older_than: Seconds since the last write, so that another run's unfinished wheel is let alone.
    """
    removed = 0
    now = time.time()
    for path in directory.glob(f"{TEMPORARY}*.tmp"):
        with contextlib.suppress(OSError):
            if now - path.lstat().st_mtime > older_than:
                path.unlink()
                removed += 1
    return removed


def members(entries: Iterable[Entry], metadata: CoreMetadata, tags: Sequence[str]) -> tuple[Entry, ...]:
    """Return every member but RECORD in archive order: files sorted by path, the metadata directory last.

    Raises:
        ConfigError: Two entries claim one path, or one a path that cannot be.
    """
    info = metadata.dist_info
    given = merge_entries(entries)
    for entry in given:
        if entry.path in {f"{info}/{name}" for name in _RESERVED}:
            raise ConfigError(f"{entry.origin}: {entry.path!r} is written by wheelmatrix itself")
    first, *rest = metadata_files(metadata)
    points = [entry for entry in rest if entry.path == f"{info}/entry_points.txt"]
    licenses = [entry for entry in rest if entry not in points]
    inside = [entry for entry in given if entry.path.startswith(f"{info}/")]
    outside = [entry for entry in given if not entry.path.startswith(f"{info}/")]
    wheel = Entry(f"{info}/WHEEL", wheel_text(tags).encode())
    return (*outside, first, wheel, *points, *merge_entries([*licenses, *inside]))


def metadata_files(metadata: CoreMetadata) -> tuple[Entry, ...]:
    """Return the files of the metadata directory that are known before a build: METADATA first, no WHEEL, no RECORD."""
    info = metadata.dist_info
    files = [Entry(f"{info}/METADATA", metadata.text.encode())]
    if metadata.entry_points is not None:
        files.append(Entry(f"{info}/entry_points.txt", metadata.entry_points.encode()))
    return (*files, *(Entry(f"{info}/licenses/{name}", source) for source, name in metadata.license_files))


def wheel_text(tags: Sequence[str]) -> str:
    """Return the WHEEL file (PEP 427)."""
    lines = ["Wheel-Version: 1.0", f"Generator: wheelmatrix ({__version__})", "Root-Is-Purelib: false"]
    return "\n".join([*lines, *(f"Tag: {tag}" for tag in sorted(set(tags)))]) + "\n"


def _write(
    file: IO[bytes], everything: Sequence[Entry], metadata: CoreMetadata, compression: Compression, modified: DosTime
) -> None:
    directory = Path(file.name).parent

    def work(entry: Entry) -> Deflated:
        with _opened(entry) as (pieces, _):
            return deflate(pieces, compression.level, directory)

    ours = compression.method == "deflated" and not compression.large_files
    pairs = ahead(everything, work if ours else None)
    with zipfile.ZipFile(file, "w", compression=compression.id) as archive, contextlib.closing(pairs):
        rows = [_add(archive, entry, compression, modified, ready) for entry, ready in pairs]
        path = f"{metadata.dist_info}/RECORD"
        record = Entry(path, record_text([*rows, Row(path)]).encode())
        _add(archive, record, compression, modified, work(record) if ours else None)


def _add(
    archive: zipfile.ZipFile,
    entry: Entry,
    compression: Compression,
    modified: DosTime,
    ready: Deflated | None = None,
) -> Row:
    """Write one member, piece by piece or compressed already, and return its row."""
    member = zipfile.ZipInfo(entry.path, modified)
    member.compress_type = compression.id
    member.create_system = 3  # Unix, whatever the host: else modes and bytes would differ
    member.external_attr = (stat.S_IFREG | (0o755 if entry.executable else 0o644)) << 16
    if compression.level is not None and compression.method != "stored":
        member._compresslevel = compression.level  # type: ignore[attr-defined]  # noqa: SLF001 - no public name before 3.13
    if ready is not None:
        write_deflated(archive, member, ready)
        return Row(entry.path, record_digest(ready.sha256), str(ready.size))
    with _opened(entry) as (source, expected):
        member.file_size = expected
        with archive.open(member, "w", force_zip64=compression.large_files or expected >= LARGE) as target:
            digest, size = digested(source, target.write)
    return Row(entry.path, record_digest(digest), str(size))


@contextlib.contextmanager
def _opened(entry: Entry) -> Iterator[tuple[Iterator[bytes], int]]:
    """Give the pieces of an entry's content and its size."""
    if isinstance(entry.source, bytes):
        yield iter([entry.source]), len(entry.source)
        return
    try:
        file = entry.source.open("rb")
    except OSError as error:
        raise WheelmatrixError(f"{entry.source}: {error.strerror} (for {entry.path!r} in the wheel)") from error
    with file:
        yield _pieces(file, entry.source), os.fstat(file.fileno()).st_size


def _pieces(file: IO[bytes], source: Path) -> Iterator[bytes]:
    while True:
        try:
            chunk = file.read(CHUNK)
        except OSError as error:
            raise WheelmatrixError(f"{source}: {error.strerror}") from error
        if not chunk:
            return
        yield chunk


@contextlib.contextmanager
def blamed_on(directory: Path) -> Iterator[None]:
    """Turn what the system refuses into an error that names the out directory."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        hint = "make room there, or choose another directory with --out" if full else "is it writable?"
        raise WheelmatrixError(f"cannot write to {directory}: {error.strerror or error}", hint=hint) from error


def _is(path: Path, sha256: bytes, size: int) -> bool:
    """Return whether a regular file with these bytes is there already."""
    try:
        return path.is_file() and path.stat().st_size == size and hash_file(path) == (sha256, size)
    except OSError:
        return False
