"""RECORD: every member of a wheel with its digest and size (PEP 376, PEP 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Row", "hash_file", "read_record", "record_digest", "record_text"]

CHUNK = 1 << 20  # bytes read at once


@dataclass(frozen=True, slots=True)
class Row:
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
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.digest(), size
