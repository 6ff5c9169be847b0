"""The files inside a wheel, each read once out of the archive without unpacking it to disk."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from matrix.auditing.archive import open_archive
from matrix.auditing.audit import NAMES
from matrix.auditing.claims import BadWheelError
from matrix.auditing.described import Described
from matrix.auditing.image import BadBinaryError
from matrix.auditing.natives import Format, Native, binary_format, device_code, not_audited, read_native
from matrix.auditing.record import Record, read_record, record_findings
from matrix.model import Finding

__all__ = ["Members", "read_members"]

_SPOOL_ABOVE = 16 << 20
_CHUNK = 1 << 18
_HEAD = 8
_TEXT_LIMIT = 64 << 20
_DEBUG = (".debug", ".dwp", ".dwo")


class Members(NamedTuple):
    """What a wheel holds, as far as the audit is concerned.

    Attributes:
        binaries: The files of the formats asked for.
        notes: Findings about files that could not be judged.
        records: Findings about RECORD.
        described: What it says of itself.
        native: Whether there is any binary at all, of whatever format.
    """

    binaries: tuple[Native, ...]
    notes: tuple[Finding, ...]
    records: tuple[Finding, ...]
    described: Described
    native: bool


def read_members(path: Path, judged: Format, *, others: bool = False) -> Members:
    """Read the binaries of one format in a wheel, and hold every file against RECORD.

    Args:
        path: The wheel.
        judged: The format.
        others: Whether binaries of other formats are read as well. One that cannot be read is no error then.

    Raises:
        BadWheelError: It is no zip archive, no wheel, damaged, or made to harm who opens it.
    """
    with open_archive(path) as (archive, infos):
        sizes = {info.filename: info.file_size for info in infos}
        described = _described(path.name, archive, sizes)
        record = _record(path.name, archive, described.directory, sizes)
        reader = _Reader(archive, record, judged, others)
        for info in infos:
            reader.read(info)
    records = tuple(record_findings(record, sizes, reader.digests))
    return Members(tuple(reader.binaries), tuple(reader.notes), records, described, reader.native)


class _Reader:
    """Reads one file after another and gathers what comes of it."""

    def __init__(self, archive: zipfile.ZipFile, record: Record, judged: Format, others: bool) -> None:
        self._archive = archive
        self._record = record
        self._judged = judged
        self._others = others
        self.binaries: list[Native] = []
        self.notes: list[Finding] = []
        self.digests: dict[str, bytes] = {}
        self.native = False

    def read(self, info: zipfile.ZipInfo) -> None:
        """Read a file to its end: once for its digest, and, when it is a binary to judge, for what is in it."""
        name = info.filename
        hasher = self._record.hasher(name)
        with self._archive.open(info) as member, ExitStack() as stack:
            head = member.read(_HEAD)
            kind = binary_format(head)
            wanted = kind is not None and (kind == self._judged or self._others)
            debug = kind == "elf" and name.endswith(_DEBUG)
            whole: BinaryIO | bytearray | None = None
            if wanted and not debug:
                spool = info.file_size > _SPOOL_ABOVE
                whole = stack.enter_context(tempfile.TemporaryFile()) if spool else bytearray()
            if whole is not None or hasher is not None:
                _drain(member, head, hasher, whole)
            if hasher is not None:
                self.digests[name] = hasher.digest()
            if kind is None:
                return
            self.native = True
            if not wanted:
                self.notes.append(not_audited(name, f"{NAMES[kind]} in a wheel for another system"))
            elif whole is None:
                self.notes.append(not_audited(name, "debug files"))
            else:
                self._judge(name, kind, whole)

    def _judge(self, name: str, kind: Format, whole: BinaryIO | bytearray) -> None:
        try:
            binary = read_native(name, kind, bytes(whole) if isinstance(whole, bytearray) else whole)
        except BadBinaryError as error:
            if kind != self._judged:
                self.notes.append(not_audited(name, NAMES[kind]))
                return
            message = f"no loader could load it: {error.message.removeprefix(f'{name}: ')}"
            self.notes.append(Finding(code="bad-binary", severity="error", file=name, message=message))
            return
        if device_code(binary):
            self.notes.append(not_audited(name, f"{binary.arch} files"))
        else:
            self.binaries.append(binary)


def _drain(member: Any, head: bytes, hasher: Any, whole: BinaryIO | bytearray | None) -> None:
    """Give all that a file holds to the hash object and to who keeps it."""
    for chunk in _chunks(member, head):
        if hasher is not None:
            hasher.update(chunk)
        if isinstance(whole, bytearray):
            whole += chunk
        elif whole is not None:
            whole.write(chunk)
    if whole is not None and not isinstance(whole, bytearray):
        whole.flush()


def _chunks(member: Any, head: bytes) -> Iterator[bytes]:
    chunk = head
    while chunk:
        yield chunk
        chunk = member.read(_CHUNK)


def _described(wheel: str, archive: zipfile.ZipFile, sizes: Mapping[str, int]) -> Described:
    found = [name for name in sizes if re.fullmatch(r"[^/]+\.dist-info/WHEEL", name)]
    if len(found) != 1:
        raise BadWheelError(f"{wheel}: a wheel has one .dist-info/WHEEL, this has {len(found)}")
    directory = found[0].rpartition("/")[0]
    text = _text(wheel, archive, found[0], sizes).decode("utf-8", "replace")
    metadata = f"{directory}/METADATA"
    described = _text(wheel, archive, metadata, sizes) if metadata in sizes else None
    return Described(directory, text, described, sizes.keys())


def _record(wheel: str, archive: zipfile.ZipFile, directory: str, sizes: Mapping[str, int]) -> Record:
    name = f"{directory}/RECORD"
    return read_record(name, _text(wheel, archive, name, sizes) if name in sizes else None)


def _text(wheel: str, archive: zipfile.ZipFile, name: str, sizes: Mapping[str, int]) -> bytes:
    if sizes[name] > _TEXT_LIMIT:
        raise BadWheelError(f"{wheel}: {name} has {sizes[name]} bytes, more than any wheel's")
    return archive.read(name)
