"""The files of an upload: found, and checked all of them before the first is sent."""

from __future__ import annotations

import contextlib
import glob
import io
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from matrix.errors import UsageError, WheelmatrixError
from matrix.platforms import pypi_rejects
from matrix.publishing.index import Index, guarded
from matrix.telling import say

__all__ = ["Parcel", "check_files", "find_files"]

_HINT = "an upload takes wheels (.whl) and source distributions (.tar.gz)"


class Parcel(msgspec.Struct, frozen=True):
    """A file that may be sent.

    Attributes:
        path: The file.
        name: Name of its project, normalised.
        package: twine's view of it.
        size: Bytes.
    """

    path: Path
    name: NormalizedName
    package: Any
    size: int


def find_files(words: Sequence[str]) -> list[Path]:
    """Return the files that a command line names, each once.

    Raises:
        UsageError: One is missing, or there are none.
    """
    found: dict[Path, Path] = {}
    for word in words:
        paths = [Path(word)] if Path(word).exists() else [Path(one) for one in sorted(glob.glob(word))]  # noqa: PTH207
        if not paths:
            raise UsageError(f"{word}: no such file", hint=_HINT)
        for path in paths:
            if path.is_dir():
                raise UsageError(f"{path} is a directory", hint=f"name the files in it: {path / '*.whl'}")
            found.setdefault(path.resolve(), path)
    if not found:
        raise UsageError("nothing to upload: no file was named", hint=_HINT)
    return list(found.values())


def check_files(paths: Iterable[Path], index: Index) -> list[Parcel]:
    """Check every file as twine and the index would, so that nothing is sent when one would be refused.

    Wheels come first, so that nobody who installs meanwhile finds the source distribution alone and has to compile.

    Raises:
        WheelmatrixError: Files are no distributions, or the index would refuse them; all of them are named.
    """
    faults: list[str] = []
    parcels: dict[str, Parcel] = {}
    for path in paths:
        try:
            parcel = _open(path, index)
        except WheelmatrixError as error:
            faults.append(error.message)
            continue
        twin = parcels.setdefault(path.name, parcel)
        if twin is not parcel and twin.package.sha2_digest != parcel.package.sha2_digest:
            faults.append(f"{path} and {twin.path} have one name and different content")
            continue
        refused = [f"{path.name}: {why}" for why in _refusals(parcel)]
        if index.official:
            faults += refused
        else:
            for text in refused:
                say("warning", text)
    if faults:
        more = "".join(f"\n       {fault}" for fault in faults[1:])
        raise WheelmatrixError(f"{faults[0]}{more}", hint="nothing was uploaded")
    return sorted(parcels.values(), key=lambda parcel: parcel.path.suffix != ".whl")


def _open(path: Path, index: Index) -> Parcel:
    """Read a file's name and metadata, which must agree.

    Raises:
        WheelmatrixError: It is no distribution, or its metadata is invalid.
    """
    from twine.exceptions import InvalidDistribution  # noqa: PLC0415 - only uploads need it
    from twine.package import PackageFile  # noqa: PLC0415

    name, version = _named(path)
    with guarded(index.secrets, str(path)):
        try:
            package = PackageFile.from_filename(str(path), None)
        except InvalidDistribution as error:
            text = " ".join(str(error).split())
            raise WheelmatrixError(f"{path}: {text}") from None
    said = canonicalize_name(package.safe_name), Version(package.version)
    if said != (name, version):
        raise WheelmatrixError(f"{path}: its metadata says {said[0]} {said[1]}, its name {name} {version}")
    return Parcel(path, name, package, path.stat().st_size)


def _named(path: Path) -> tuple[NormalizedName, Version]:
    try:
        if path.name.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(path.name)
            return name, version
        if path.name.endswith(".tar.gz"):
            return parse_sdist_filename(path.name)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise WheelmatrixError(f"{path}: {error}") from None
    raise WheelmatrixError(f"{path}: {_HINT}")


def _refusals(parcel: Parcel) -> list[str]:
    """Return what PyPI would refuse a file for, in its own rules on tags, versions and descriptions."""
    found = []
    if parcel.path.suffix == ".whl":
        tags = parse_wheel_filename(parcel.path.name)[3]
        platforms = sorted({tag.platform for tag in tags})
        found += [why for platform in platforms if (why := pypi_rejects(platform)) is not None]
    if Version(parcel.package.version).local is not None:
        found.append(f"PyPI refuses the local version {parcel.package.version}")
    return [*found, *_unreadable(parcel.path)]


def _unreadable(path: Path) -> list[str]:
    """Return why a description would not be rendered, by twine's own check."""
    from twine.commands.check import check  # noqa: PLC0415 - only uploads need it

    words: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append(" ".join(record.getMessage().split()))

    logger, ear = logging.getLogger("twine.commands.check"), Ear()
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(ear)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            failed = check([str(path)])
    finally:
        logger.removeHandler(ear)
        logger.propagate = propagates
    return [f"PyPI refuses it: {words[0] if words else 'its description cannot be rendered'}"] if failed else []
