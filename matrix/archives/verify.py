"""Checks a finished wheel: its RECORD against its content, and the file against what was said of it."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from pathlib import Path

from matrix.archives.record import SIGNATURES, Row, digested, hash_file, pieces, read_record, record_digest
from matrix.model import Wheel

__all__ = ["is_unchanged", "wheel_problems"]


def is_unchanged(directory: Path, wheel: Wheel) -> bool:
    """Return whether the file of ``wheel`` lies in ``directory`` byte for byte."""
    path = directory / wheel.file
    try:
        if not path.is_file() or path.stat().st_size != wheel.size:
            return False
        return hash_file(path)[0].hex() == wheel.sha256
    except OSError:
        return False


def wheel_problems(path: Path) -> tuple[str, ...]:
    """Return what is wrong with a wheel, a line each; nothing when it is whole and its RECORD is true."""
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(_problems(archive))
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        return (f"not a readable archive: {error}",)


def _problems(archive: zipfile.ZipFile) -> list[str]:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    problems = [f"{name}: twice in the archive" for name, times in sorted(Counter(names).items()) if times > 1]
    records = [name for name in names if name.count("/") == 1 and name.endswith(".dist-info/RECORD")]
    if len(records) != 1:
        return [*problems, f"{len(records)} RECORD files, not one"]
    rows: dict[str, Row] = {}
    for row in read_record(archive.read(records[0]).decode("utf-8")):
        if row.path in rows:
            problems.append(f"{row.path}: twice in RECORD")
        rows[row.path] = row
    problems += [f"{name}: in RECORD, not in the archive" for name in sorted(set(rows) - set(names))]
    for name in names:
        if name not in rows:
            if not name.endswith(SIGNATURES):
                problems.append(f"{name}: in the archive, not in RECORD")
        elif name != records[0]:
            problems += _differences(archive, rows[name])
    return problems


def _differences(archive: zipfile.ZipFile, row: Row) -> list[str]:
    if not row.digest:
        return [f"{row.path}: RECORD gives no digest"]
    method = row.digest.partition("=")[0]
    if method != "sha256":
        return [f"{row.path}: RECORD gives a {method} digest, not sha256"]
    with archive.open(row.path) as member:
        digest, size = digested(pieces(member))
    problems = []
    if record_digest(digest) != row.digest:
        problems.append(f"{row.path}: the content is not what RECORD says")
    if row.size and row.size != str(size):
        problems.append(f"{row.path}: {size} bytes, RECORD says {row.size}")
    return problems
