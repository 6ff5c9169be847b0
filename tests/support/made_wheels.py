"""Wheels made by hand, whole down to RECORD unless a test says otherwise."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from packaging.tags import parse_tag

__all__ = ["make_wheel", "record_of", "row_of"]


def row_of(name: str, data: bytes) -> str:
    """A row of RECORD without its line feed."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(data)}"


def record_of(files: Mapping[str, bytes], directory: str) -> bytes:
    """The RECORD of these files."""
    rows = [row_of(name, data) for name, data in files.items() if not name.endswith("/")]
    return "".join(f"{row}\n" for row in [*rows, f"{directory}/RECORD,,"]).encode()


def make_wheel(
    folder: Path,
    name: str,
    files: Mapping[str, bytes],
    *,
    pure: bool = False,
    drop: frozenset[str] = frozenset(),
    method: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write a wheel.

    Args:
        folder: Where.
        name: Its file name, which its METADATA, WHEEL and RECORD agree with.
        files: What it holds. Full names in its .dist-info directory replace what would be written there.
        pure: What WHEEL says of its root.
        drop: Files of the .dist-info directory to leave out: ``{"RECORD"}``.
        method: How members are compressed.
    """
    project, version, *middle = name.removesuffix(".whl").split("-")
    directory = f"{project}-{version}.dist-info"
    tags = sorted(map(str, parse_tag("-".join(middle[-3:]))))
    build = [f"Build: {middle[0]}"] if len(middle) == 4 else []
    lines = ["Wheel-Version: 1.0", f"Root-Is-Purelib: {str(pure).lower()}", *build, *(f"Tag: {tag}" for tag in tags)]
    metadata = f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n"
    made = {f"{directory}/METADATA": metadata.encode(), f"{directory}/WHEEL": "\n".join(lines).encode() + b"\n"}
    kept = {key: data for key, data in made.items() if key.rpartition("/")[2] not in drop}
    whole = {**kept, **files}
    if "RECORD" not in drop and f"{directory}/RECORD" not in whole:
        whole[f"{directory}/RECORD"] = record_of(whole, directory)
    path = folder / name
    with zipfile.ZipFile(path, "w", method) as archive:
        for member, data in whole.items():
            archive.writestr(zipfile.ZipInfo(member), data, method)
    return path
