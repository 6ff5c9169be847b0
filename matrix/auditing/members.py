"""The binaries inside a wheel, read out of the archive without unpacking it."""

from __future__ import annotations

import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from matrix.auditing.audit import NAMES
from matrix.auditing.claims import BadWheelError
from matrix.auditing.image import BadBinaryError
from matrix.auditing.natives import Format, Native, binary_format, device_code, not_audited, read_native
from matrix.model import Finding

__all__ = ["Members", "read_members"]

MEMBERS_LIMIT = 200_000
MEMBER_LIMIT = 4 << 30
BINARIES_LIMIT = 16 << 30
_SPOOL_ABOVE = 16 << 20
_BOMB_SIZE, _BOMB_RATIO = 64 << 20, 250
_TEXT_LIMIT = 1 << 20
_DEBUG = (".debug", ".dwp", ".dwo")
_DRIVE = re.compile(r"[A-Za-z]:")
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


class Members(NamedTuple):
    """What a wheel holds, as far as the audit is concerned.

    Attributes:
        binaries: The files of the formats asked for.
        notes: Findings about files that could not be judged.
        wheel: Text of ``.dist-info/WHEEL``.
        native: Whether there is any binary at all, of whatever format.
    """

    binaries: tuple[Native, ...]
    notes: tuple[Finding, ...]
    wheel: str
    native: bool


def read_members(path: Path, judged: Format, *, others: bool = False) -> Members:
    """Read the binaries of one format in a wheel; other members are only looked at.

    Args:
        path: The wheel.
        judged: The format.
        others: Whether binaries of other formats are read as well. One that cannot be read is no error then.

    Raises:
        BadWheelError: It is no zip archive, no wheel, damaged, or made to harm who opens it.
    """
    with _opened(path) as archive:
        # a damaged name may be empty, which is_dir() of older Pythons does not bear
        infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
        _refuse_traps(path.name, infos)
        binaries: list[Native] = []
        notes: list[Finding] = []
        native = False
        for info in infos:
            with archive.open(info) as member:
                kind = binary_format(member.read(8))
            if kind is None:
                continue
            native = True
            found: Native | Finding
            if kind != judged and not others:
                found = not_audited(info.filename, f"{NAMES[kind]} in a wheel for another system")
            elif kind == "elf" and info.filename.endswith(_DEBUG):
                found = not_audited(info.filename, "debug files")
            else:
                found = _read(archive, info, kind)
            if not isinstance(found, Finding):
                binaries.append(found)
            elif kind == judged or found.code != "bad-binary":
                notes.append(found)
            else:
                notes.append(not_audited(info.filename, NAMES[kind]))
        return Members(tuple(binaries), tuple(notes), _wheel_file(path.name, archive, infos), native)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        raise BadWheelError(f"{path.name}: cannot be read: {error.strerror or error}") from error
    except _UNREADABLE as error:
        raise BadWheelError(f"{path.name}: this is no whole zip archive: {error}") from error


def _refuse_traps(wheel: str, infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MEMBERS_LIMIT:
        raise BadWheelError(f"{wheel}: {len(infos)} members are more than any wheel has")
    seen: set[str] = set()
    for info in infos:
        name = info.filename
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or _DRIVE.match(name) or "\0" in name:
            raise BadWheelError(f"{wheel}: member {name!r} would be written outside the directory it is unpacked in")
        if name in seen:
            raise BadWheelError(f"{wheel}: member {name!r} is there twice, which tools read differently")
        seen.add(name)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, kind: Format) -> Native | Finding:
    name, size = info.filename, info.file_size
    _refuse_bomb(archive, info)
    try:
        if size <= _SPOOL_ABOVE:
            binary = read_native(name, kind, archive.read(info))
        else:
            with tempfile.TemporaryFile() as spool, archive.open(info) as member:
                shutil.copyfileobj(member, spool, 1 << 20)
                spool.flush()
                binary = read_native(name, kind, spool)
    except BadBinaryError as error:
        message = error.message.removeprefix(f"{name}: ")
        return Finding(code="bad-binary", severity="error", file=name, message=f"no loader could load it: {message}")
    return not_audited(name, f"{binary.arch} files") if device_code(binary) else binary


def _refuse_bomb(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
    """The module reads no more than a member declares, so what is declared is what must be bounded."""
    wheel = Path(archive.filename or "").name
    if info.file_size > MEMBER_LIMIT or sum(member.file_size for member in archive.infolist()) > BINARIES_LIMIT:
        raise BadWheelError(f"{wheel}: {info.filename} unpacks to more than an audit will read")
    if info.file_size > _BOMB_SIZE and info.file_size > _BOMB_RATIO * max(1, info.compress_size):
        raise BadWheelError(f"{wheel}: {info.filename} unpacks to {_BOMB_RATIO} times its size, as a zip bomb does")


def _wheel_file(wheel: str, archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> str:
    found = [info for info in infos if re.fullmatch(r"[^/]+\.dist-info/WHEEL", info.filename)]
    if len(found) != 1:
        raise BadWheelError(f"{wheel}: a wheel has one .dist-info/WHEEL, this has {len(found)}")
    with archive.open(found[0]) as file:
        return file.read(_TEXT_LIMIT).decode("utf-8", "replace")
