"""Writes a finished wheel anew with some members changed; all else keeps its bytes, its place, its time, its mode."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from matrix.archives.entries import Entry
from matrix.archives.record import CHUNK, SIGNATURES, Row, digested, hash_file, pieces, record_digest, record_text
from matrix.archives.wheel import LARGE, blamed_on
from matrix.errors import WheelmatrixError
from matrix.files import replacing
from matrix.model import Wheel

__all__ = ["copy_wheel", "rewrite_wheel"]

_EXECUTABLE, _PLAIN = 0o100755, 0o100644
_UNIX = 3


class _Member(NamedTuple):
    info: zipfile.ZipInfo
    source: Path | bytes | None  # None: the old one's content


def rewrite_wheel(
    old: Path, new: Path, *, changed: Mapping[str, Entry], added: Sequence[Entry], tags: Sequence[str]
) -> Wheel:
    """Write ``new`` from ``old``, whole or not at all; WHEEL gets the tags and RECORD the new digests.

    Args:
        old: A wheel, audited before: no path in it leads out, no name is there twice.
        new: Where to; not ``old`` itself.
        changed: Members that stand in the place of others, by the others' names.
        added: More members, before the metadata directory or in it.
        tags: Every expanded tag.

    Raises:
        WheelmatrixError: The directory cannot be written, or the old wheel cannot be read.
    """
    with (
        blamed_on(new.parent),
        replacing(new) as file,
        zipfile.ZipFile(old) as source,
        zipfile.ZipFile(file, "w") as to,
    ):
        rows = [_write(source, to, member) for member in _members(source, changed, added, tags)]
        record = _record(source)
        text = record_text([*rows, Row(record.filename)])
        _write(source, to, _Member(_like(record, record.filename), text.encode()))
    return _wheel(new, tags)


def copy_wheel(old: Path, new: Path, tags: Sequence[str]) -> Wheel:
    """Copy a wheel as it is, whole or not at all.

    Raises:
        WheelmatrixError: The directory cannot be written, or the old wheel cannot be read.
    """
    with blamed_on(new.parent), replacing(new) as file, old.open("rb") as source:
        shutil.copyfileobj(source, file, CHUNK)
    return _wheel(new, tags)


def _wheel(path: Path, tags: Sequence[str]) -> Wheel:
    sha256, size = hash_file(path)
    return Wheel(file=path.name, tags=tuple(sorted(tags)), size=size, sha256=sha256.hex())


def _members(
    source: zipfile.ZipFile, changed: Mapping[str, Entry], added: Sequence[Entry], tags: Sequence[str]
) -> Iterator[_Member]:
    """Yield every member but RECORD, new ones where the metadata directory begins."""
    record = _record(source)
    info = record.filename.partition("/")[0]
    outside = [entry for entry in added if not entry.path.startswith(f"{info}/")]
    inside = [entry for entry in added if entry.path.startswith(f"{info}/")]
    for member in source.infolist():
        name = member.filename
        if name.startswith(f"{info}/"):
            yield from (_made(record, entry) for entry in outside)
            outside = []
        if name == record.filename or name.endswith(("/", *SIGNATURES)):  # installers make directories as they go
            continue
        if name in changed:
            yield _made(member, changed[name])
        elif name == f"{info}/WHEEL":
            yield _Member(member, _tagged(source.read(member), tags))
        elif not any(entry.path == name for entry in inside):
            yield _Member(member, None)
    yield from (_made(record, entry) for entry in (*outside, *inside))


def _made(like: zipfile.ZipInfo, entry: Entry) -> _Member:
    """Return a member with the time and the compression of another, and its mode where it takes its place."""
    info = _like(like, entry.path)
    if entry.path == like.filename:
        return _Member(info, entry.source)
    info.create_system = _UNIX
    info.external_attr = (_EXECUTABLE if entry.executable else _PLAIN) << 16
    return _Member(info, entry.source)


def _like(info: zipfile.ZipInfo, name: str) -> zipfile.ZipInfo:
    other = zipfile.ZipInfo(name, info.date_time)
    other.compress_type = info.compress_type
    other.create_system = info.create_system
    other.external_attr = info.external_attr
    return other


def _record(source: zipfile.ZipFile) -> zipfile.ZipInfo:
    found = [one for one in source.infolist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", one.filename)]
    if len(found) != 1:
        raise WheelmatrixError(f"{source.filename}: a wheel has one .dist-info/RECORD, this has {len(found)}")
    return found[0]


def _tagged(text: bytes, tags: Sequence[str]) -> bytes:
    """Return WHEEL with these tags in place of its own."""
    lines = text.decode("utf-8", "replace").splitlines()
    kept = [line for line in lines if line and not line.startswith("Tag:")]
    return "\n".join([*kept, *(f"Tag: {tag}" for tag in sorted(tags)), ""]).encode()


def _write(source: zipfile.ZipFile, target: zipfile.ZipFile, member: _Member) -> Row:
    """Write one member, piece by piece, and return its row."""
    info = _like(member.info, member.info.filename)
    expected = _size(member)
    info.file_size = expected
    with _opened(source, member) as reader, target.open(info, "w", force_zip64=expected >= LARGE) as writer:
        digest, size = digested(pieces(reader), writer.write)
    return Row(info.filename, record_digest(digest), str(size))


def _size(member: _Member) -> int:
    if member.source is None:
        return member.info.file_size
    return len(member.source) if isinstance(member.source, bytes) else member.source.stat().st_size


def _opened(source: zipfile.ZipFile, member: _Member) -> IO[bytes]:
    if member.source is None:
        return source.open(member.info)
    return io.BytesIO(member.source) if isinstance(member.source, bytes) else member.source.open("rb")
