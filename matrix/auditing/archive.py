"""A wheel's zip archive, opened only when every reader sees the same in it, and read in bounded time and memory.

What PyPI refuses because tools read it differently is refused here too: names that are there twice, members that
overlap, bytes that belong to no member. And what no wheel can hold: links, devices, names that lead out.
"""

from __future__ import annotations

import mmap
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from matrix.auditing.claims import BadWheelError

__all__ = ["MEMBERS_LIMIT", "open_archive"]

MEMBERS_LIMIT = 200_000
MEMBER_LIMIT = 4 << 30
TOTAL_LIMIT = 16 << 30
_BOMB_SIZE, _BOMB_RATIO = 64 << 20, 250
_WHOLE_SIZE, _WHOLE_RATIO = 512 << 20, 100
_NAME_LIMIT = 4096
_DRIVE = re.compile(r"[A-Za-z]:")
_END, _END_64, _LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_END_SIZE, _END_64_SIZE, _LOCATOR_SIZE, _LOCAL_SIZE, _CENTRAL_SIZE = 22, 56, 20, 30, 46
_COMMENT_LIMIT = 1 << 16
_TYPE, _REGULAR, _DIRECTORY, _LINK = 0o170000, 0o100000, 0o040000, 0o120000  # of a Unix mode
_ENCRYPTED = 1
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    struct.error,
    ValueError,
)


class _Directory(NamedTuple):
    """The central directory: where it lies, and how many members it says it has."""

    start: int
    size: int
    members: int


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """Open a wheel; give the archive and its files, without directories.

    Whatever goes wrong with the archive while it is open is told as an error of ours, too.

    Raises:
        BadWheelError: It is no zip archive, damaged, or made to harm who opens it.
    """
    name = path.name
    try:
        _refuse_size(path)
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _refuse_names(name, infos)
            _refuse_bombs(name, infos, path.stat().st_size)
            _refuse_overlaps(path, infos, archive.start_dir)
            # a damaged name may be empty, which is_dir() of older Pythons does not bear
            yield archive, [info for info in infos if not info.filename.endswith("/")]
    except OSError as error:
        raise BadWheelError(f"{name}: cannot be read: {error.strerror or error}") from error
    except _UNREADABLE as error:
        raise BadWheelError(f"{name}: this is no whole zip archive: {error}") from error


def _refuse_size(path: Path) -> None:
    """Refuse archives with more members than any wheel has before the zip library makes an object of each."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        directory = _directory(data)
        count, at = 0, directory.start
        while at + _CENTRAL_SIZE <= directory.start + directory.size:
            name, extra, comment = struct.unpack_from("<3H", data, at + 28)
            at += _CENTRAL_SIZE + name + extra + comment
            count += 1
            if count > MEMBERS_LIMIT:
                break
    if max(count, directory.members) > MEMBERS_LIMIT:
        more = f"more than {MEMBERS_LIMIT}" if count > MEMBERS_LIMIT else str(directory.members)
        raise BadWheelError(f"{path.name}: {more} members are more than any wheel has")
    if count != directory.members:
        raise BadWheelError(f"{path.name}: says it has {directory.members} members, and lists {count}")


def _directory(data: mmap.mmap) -> _Directory:
    """Find the central directory where every reader finds it: right before the end record, which ends the file."""
    end = data.rfind(_END, max(0, len(data) - _END_SIZE - _COMMENT_LIMIT))
    if end < 0 or end + _END_SIZE > len(data):
        raise zipfile.BadZipFile("it has no end record")
    count, size, start, comment = struct.unpack_from("<HIIH", data, end + 10)
    if end + _END_SIZE + comment != len(data):
        raise zipfile.BadZipFile("there is something behind its end")
    before = end
    if data[max(0, end - _LOCATOR_SIZE) : end].startswith(_LOCATOR) and end >= _LOCATOR_SIZE:
        (where,) = struct.unpack_from("<Q", data, end - _LOCATOR_SIZE + 8)
        if data[where : where + 4] != _END_64 or where + _END_64_SIZE != end - _LOCATOR_SIZE:
            raise zipfile.BadZipFile("its 64-bit end record is not where it should be")
        count, size, start = struct.unpack_from("<3Q", data, where + 32)
        before = where
    if start + size != before:
        raise zipfile.BadZipFile("its directory does not lie before its end record")
    return _Directory(start, size, count)


def _refuse_names(wheel: str, infos: Sequence[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or _DRIVE.match(name) or "\0" in name:
            raise BadWheelError(f"{wheel}: member {name!r} would be written outside the directory it is unpacked in")
        if len(name) > _NAME_LIMIT:
            raise BadWheelError(f"{wheel}: a member has a name of {len(name)} characters")
        place = posixpath.normpath(name)
        if place in seen:
            raise BadWheelError(f"{wheel}: member {name!r} is there twice, which tools read differently")
        seen.add(place)
        kind = info.external_attr >> 16 & _TYPE
        if kind == _LINK:
            raise BadWheelError(f"{wheel}: member {name!r} is a link, which wheels cannot hold")
        if kind not in {0, _REGULAR, _DIRECTORY}:
            raise BadWheelError(f"{wheel}: member {name!r} is a device or a socket, which wheels cannot hold")
        if info.flag_bits & _ENCRYPTED:
            raise BadWheelError(f"{wheel}: member {name!r} is encrypted, so no installer can read it")


def _refuse_bombs(wheel: str, infos: Sequence[zipfile.ZipInfo], size: int) -> None:
    """The library reads no more of a member than it declares, so what is declared is what must be bounded."""
    for info in infos:
        if info.file_size > MEMBER_LIMIT:
            raise BadWheelError(f"{wheel}: {info.filename} unpacks to more than an audit will read")
        if info.file_size > _BOMB_SIZE and info.file_size > _BOMB_RATIO * max(1, info.compress_size):
            raise BadWheelError(f"{wheel}: {info.filename} unpacks to {_BOMB_RATIO} times its size, as a zip bomb does")
    total = sum(info.file_size for info in infos)
    if total > TOTAL_LIMIT:
        raise BadWheelError(f"{wheel}: unpacks to more than an audit will read")
    if total > _WHOLE_SIZE and total > _WHOLE_RATIO * size:
        raise BadWheelError(f"{wheel}: unpacks to {_WHOLE_RATIO} times its size, as a zip bomb does")


def _refuse_overlaps(path: Path, infos: Sequence[zipfile.ZipInfo], end: int) -> None:
    """Refuse members that share bytes, and bytes before the first: only one reader would see what lies there."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        before = 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            start = info.header_offset
            if start < before or (before == 0 and start):
                what = "overlaps another" if before else "does not begin where the file does"
                raise BadWheelError(f"{path.name}: member {info.filename!r} {what}, which tools read differently")
            if start + _LOCAL_SIZE > end:
                raise zipfile.BadZipFile("a member lies behind its directory")
            name, extra = struct.unpack_from("<2H", data, start + 26)
            before = start + _LOCAL_SIZE + name + extra + info.compress_size
        if before > end:
            raise zipfile.BadZipFile("a member reaches into its directory")
