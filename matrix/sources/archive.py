"""Writes a source distribution: the same inputs give the same bytes, and nobody ever sees half of one."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from matrix.archives import Entry, source_date_epoch
from matrix.archives.record import hash_file
from matrix.errors import WheelmatrixError
from matrix.files import replacing
from matrix.model import Sdist

__all__ = ["sdist_time", "write_sdist"]

EARLIEST = 315532800  # 1980-01-01, the earliest that wheels can say too
_LEVEL = 9


def sdist_time(environ: Mapping[str, str]) -> int:
    """Return the time that every member carries, in seconds since 1970: ``SOURCE_DATE_EPOCH``, else a fixed one."""
    given = source_date_epoch(environ)
    return EARLIEST if given is None else given


def write_sdist(path: Path, entries: Iterable[Entry], modified: int = EARLIEST) -> Sdist:
    """Write a source distribution (PEP 625) under a temporary name, sync it, and give it its name.

    One top folder, named as the file; PAX headers; nobody's files. One that is there already with the same bytes stays
    untouched.

    Args:
        path: The archive, ``name-version.tar.gz``; its directory exists.
        entries: Its members below the top folder, sorted.
        modified: The time that every member carries.

    Raises:
        WheelmatrixError: The directory cannot be written, or a source cannot be read.
    """
    top = path.name.removesuffix(".tar.gz")
    done: list[tuple[bytes, int]] = []

    def is_there_already(temporary: Path) -> bool:
        done.append(hash_file(temporary))
        return path.is_file() and hash_file(path) == done[0]

    try:
        with (
            replacing(path, unless=is_there_already) as file,
            gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for entry in entries:
                _add(archive, f"{top}/{entry.path}", entry, modified)
    except OSError as error:
        raise WheelmatrixError(f"cannot write {path}: {error.strerror or error}") from error
    sha256, size = done[0]
    return Sdist(file=path.name, size=size, sha256=sha256.hex())


def _add(archive: tarfile.TarFile, name: str, entry: Entry, modified: int) -> None:
    try:
        data = entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()
    except OSError as error:
        raise WheelmatrixError(f"{entry.origin}: {error.strerror or error}") from error
    member = tarfile.TarInfo(name)  # owner 0, no names, a regular file
    member.size = len(data)
    member.mtime = modified
    member.mode = 0o755 if entry.executable else 0o644
    archive.addfile(member, io.BytesIO(data))
