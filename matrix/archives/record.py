"""RECORD: every member of a wheel with its digest and size (PEP 376, PEP 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

__all__ = [
    "CHUNK",
    "SIGNATURES",
    "Row",
    "digested",
    "hash_file",
    "pieces",
    "read_record",
    "record_digest",
    "record_text",
]

CHUNK = 1 << 20  # bytes read at once
SIGNATURES = (".dist-info/RECORD.jws", ".dist-info/RECORD.p7s")
"""Endings of the names of a RECORD's signatures, which it does not list (PEP 376; dropped by PEP 815)."""


class Row(msgspec.Struct, frozen=True):
    """One row: a member, its digest as ``sha256=…`` and its size in bytes, both empty for RECORD itself."""

    path: str
    digest: str = ""
    size: str = ""


def record_digest(sha256: bytes) -> str:
    """Return a raw SHA-256 digest as RECORD writes it: URL-safe base64 without padding."""
    return "sha256=" + base64.urlsafe_b64encode(sha256).rstrip(b"=").decode("ascii")


def record_text(rows: Iterable[Row]) -> str:
    """Return RECORD's text; a path with a comma or a quote is quoted as in CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows((row.path, row.digest, row.size) for row in rows)
    return text.getvalue()


def read_record(text: str) -> tuple[Row, ...]:
    """Return the rows of a RECORD, in order.

    Raises:
        ValueError: A row has not three fields; says which.
    """
    rows: list[Row] = []
    for number, fields in enumerate(csv.reader(io.StringIO(text, newline="")), start=1):
        if fields and len(fields) != 3:
            raise ValueError(f"row {number} has {len(fields)} fields, not three")
        if fields:
            rows.append(Row(*fields))
    return tuple(rows)


def hash_file(path: Path) -> tuple[bytes, int]:
    """Return a file's raw SHA-256 digest and its size in bytes, reading it in pieces."""
    with path.open("rb") as file:
        return digested(pieces(file))


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file, a piece at a time."""
    while chunk := file.read(CHUNK):
        yield chunk


def digested(content: Iterable[bytes], write: Callable[[bytes], object] | None = None) -> tuple[bytes, int]:
    """Return the raw SHA-256 digest of a content and its size in bytes; hand every piece on to ``write``."""
    digest, size = hashlib.sha256(), 0
    for piece in content:
        digest.update(piece)
        size += len(piece)
        if write is not None:
            write(piece)
    return digest.digest(), size
