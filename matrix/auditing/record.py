"""RECORD, the list of a wheel's files with digests and sizes, held against the files themselves (PEP 376, 427)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from matrix.auditing.remarks import symbol_list
from matrix.model import Finding

__all__ = ["Record", "Row", "read_record", "record_findings"]

_STRONG = frozenset({"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b", "blake2s"})
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_SHOWN = 3


class Row(NamedTuple):
    """What a row says of a file; empty and ``None`` where it says nothing. The digest is URL-safe base64, unpadded."""

    algorithm: str
    digest: str
    size: int | None


class Record(NamedTuple):
    """A RECORD that was read.

    Attributes:
        file: Its name in the wheel; empty when there is none.
        rows: Its rows by file.
        doubled: Files that it lists again.
        problems: What is wrong with rows, in words.
    """

    file: str
    rows: Mapping[str, Row]
    doubled: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def hasher(self, name: str) -> Any:
        """Return a new hash object for a file, or ``None`` when there is no digest to compare with."""
        row = self.rows.get(name)
        return hashlib.new(row.algorithm) if row is not None and row.algorithm in _STRONG and row.digest else None


def read_record(file: str, data: bytes | None) -> Record:
    """Read the rows of a RECORD; what cannot be read is a problem, never an error.

    Args:
        file: Its name in the wheel.
        data: Its content, ``None`` when the wheel has none.
    """
    if data is None:
        return Record("", {})
    rows: dict[str, Row] = {}
    doubled: dict[str, None] = {}
    problems: list[str] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True), start=1):
            if not cells:
                continue
            row = _row(cells)
            if isinstance(row, str):
                problems.append(f"row {number} {row}")
            elif cells[0] in rows:
                doubled[cells[0]] = None
            else:
                rows[cells[0]] = row
    except (csv.Error, UnicodeDecodeError) as error:
        problems.append(f"it cannot be read: {error}")
    return Record(file, rows, tuple(doubled), tuple(problems))


def _row(cells: list[str]) -> Row | str:
    """Return a row, or what is wrong with it."""
    if len(cells) != 3:
        return f"has {len(cells)} columns, not 3"
    path, hashed, size = cells
    if not path or path.startswith("/") or ".." in path.split("/") or "\\" in path:
        return f"names {path[:200]!r}, which is no file of a wheel"
    algorithm, _, digest = hashed.partition("=")
    if hashed and (not digest or algorithm not in _STRONG):
        return f"has the digest {hashed[:40]!r}, which is not sha256=… or stronger"
    if size and not (size.isascii() and size.isdigit() and len(size) < 20):
        return f"has the size {size[:40]!r}"
    return Row(algorithm, digest, int(size) if size else None)


def record_findings(record: Record, sizes: Mapping[str, int], digests: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield what RECORD and the files disagree on, a finding for each kind of it.

    Args:
        record: What was read.
        sizes: Bytes of every file in the wheel, by name.
        digests: What the hash objects of :meth:`Record.hasher` came to, by name.
    """
    if not record.file:
        yield Finding(code="record-missing", severity="error", file="", message="there is no .dist-info/RECORD")
        return
    directory = record.file.rpartition("/")[0]
    apart = {record.file, *(f"{directory}/{name}" for name in _SIGNATURES)}
    listed = {name: row for name, row in record.rows.items() if name not in apart}
    wrong = [f"{name} ({what})" for name, row in listed.items() if (what := _unlike(name, row, sizes, digests))]
    bare = [name for name, row in listed.items() if name in sizes and not row.digest]
    absent = sorted(listed.keys() - sizes.keys())
    unlisted = sorted(sizes.keys() - listed.keys() - apart)
    rows = (
        ("record-invalid", list(record.problems), "{} cannot be used: {}", ("of its rows", "of its rows")),
        ("record-invalid", bare, "{} without a digest: {}", ("file", "files")),
        ("record-duplicate", list(record.doubled), "{} listed twice or more: {}", ("file", "files")),
        ("record-mismatch", wrong, "{} not as it says: {}", ("file", "files")),
        ("record-absent", absent, "{} listed, but not there: {}", ("file", "files")),
        ("record-unlisted", unlisted, "{} there, but not listed: {}", ("file", "files")),
    )
    for code, names, message, words in rows:
        if names:
            text = message.format(f"{len(names)} {words[len(names) > 1]}", symbol_list(names, limit=_SHOWN))
            yield Finding(code=code, severity="error", file=record.file, message=text)


def _unlike(name: str, row: Row, sizes: Mapping[str, int], digests: Mapping[str, bytes]) -> str:
    """Say in what a file differs from its row; empty when it does not."""
    if name not in sizes:
        return ""
    if row.size is not None and row.size != sizes[name]:
        return f"{sizes[name]} bytes, not {row.size}"
    digest = digests.get(name)
    same = digest is None or base64.urlsafe_b64encode(digest).decode().rstrip("=") == row.digest.rstrip("=")
    return "" if same else f"another {row.algorithm}"
