"""What others say of a distribution: twine's check, packaging's strict reading of its metadata, and its RECORD."""

from __future__ import annotations

import base64
import csv
import hashlib
import tarfile
import zipfile
from pathlib import Path

from packaging.metadata import Metadata
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from twine.commands.check import check as twine_check

__all__ = ["check_distribution", "check_whole"]


def check_distribution(archive: Path) -> Metadata:
    """Fail unless judges accept a wheel or a source distribution: its name, metadata, readme, licence files, RECORD.

    Returns:
        Its metadata, of which nothing was left unread.
    """
    wheel = archive.suffix == ".whl"
    names, raw = _wheel_metadata(archive) if wheel else _sdist_metadata(archive)
    metadata = Metadata.from_email(raw, validate=True)  # raises a group of everything that is wrong
    named = parse_wheel_filename(archive.name)[:2] if wheel else parse_sdist_filename(archive.name)
    assert named == (canonicalize_name(metadata.name), metadata.version)
    assert {file for file in metadata.license_files or () if file not in names} == set(), archive.name
    assert twine_check([str(archive)]) is False, f"twine check refuses {archive.name}"
    if wheel:
        check_whole(archive)
    return metadata


def check_whole(wheel: Path) -> None:
    """Fail unless every member of a wheel is there, and is what RECORD says of it."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
        rows = list(csv.reader(archive.read(record).decode().splitlines()))
        assert sorted(row[0] for row in rows) == sorted(archive.namelist())
        for name, digest, size in rows:
            if name == record:
                assert (digest, size) == ("", "")
                continue
            data = archive.read(name)
            found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={found}", str(len(data))), name


def _wheel_metadata(wheel: Path) -> tuple[set[str], bytes]:
    """Return the licence files that a wheel holds, by the names that metadata gives them, and METADATA."""
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        licenses = f"{path.partition('/')[0]}/licenses/"
        held = {name.removeprefix(licenses) for name in archive.namelist() if name.startswith(licenses)}
        return held, archive.read(path)


def _sdist_metadata(sdist: Path) -> tuple[set[str], bytes]:
    """Return what a source distribution holds, below its top folder, and PKG-INFO."""
    with tarfile.open(sdist) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
        content = tar.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert content is not None
        return names, content.read()
