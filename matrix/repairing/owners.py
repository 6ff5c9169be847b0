"""Which package of a distribution a library came from: dpkg's and apk's databases, read and never asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

__all__ = ["Package", "owner"]

_DPKG, _APK = "var/lib/dpkg", "lib/apk/db/installed"
_ID = re.compile(r'^ID="?([\w.-]+)', re.MULTILINE)


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A package of a distribution.

    Attributes:
        kind: ``deb`` or ``apk``, as package URLs name it.
        distribution: ``debian``, ``alpine``, … (``ID`` of os-release).
        name: Its name.
        version: Its version.
    """

    kind: str
    distribution: str
    name: str
    version: str

    @property
    def purl(self) -> str:
        """Its package URL: ``pkg:deb/debian/libpq5@15.18-0%2Bdeb12u1``."""
        parts = [quote(part, safe="") for part in (self.distribution, self.name, self.version)]
        return f"pkg:{self.kind}/{parts[0]}/{parts[1]}@{parts[2]}"


def owner(path: Path) -> Package | None:
    """Return the package that a file belongs to, by the database of the system it lies in; ``None`` when none says so.

    Args:
        path: The file, links resolved; it may lie in a system unpacked below another directory.
    """
    for root in path.parents:
        if (root / _DPKG / "status").is_file():
            return _deb(root, path)
        if (root / _APK).is_file():
            return _apk(root, path)
    return None


def _names(root: Path, path: Path) -> Iterator[str]:
    """Yield the names a database may know a file by: merged systems moved what stood below ``/lib`` to ``/usr/lib``."""
    name = f"/{path.relative_to(root).as_posix()}"
    yield name
    yield name.removeprefix("/usr") if name.startswith("/usr/") else f"/usr{name}"


def _deb(root: Path, path: Path) -> Package | None:
    wanted = [f"\n{name}\n".encode() for name in _names(root, path)]
    for listing in sorted((root / _DPKG / "info").glob("*.list")):
        text = b"\n" + _read(listing)
        if any(name in text for name in wanted):
            name, _, arch = listing.stem.partition(":")
            version = _deb_version(root, name, arch)
            return (
                Package(kind="deb", distribution=_distribution(root), name=name, version=version) if version else None
            )
    return None


def _deb_version(root: Path, name: str, arch: str) -> str:
    for text in _read(root / _DPKG / "status").decode("utf-8", "replace").split("\n\n"):
        fields = _fields(text, ": ")
        if fields.get("Package") == name and (not arch or fields.get("Architecture") == arch):
            return fields.get("Version", "")
    return ""


def _apk(root: Path, path: Path) -> Package | None:
    wanted = {name.lstrip("/") for name in _names(root, path)}
    for text in _read(root / _APK).decode("utf-8", "replace").split("\n\n"):
        folder = ""
        for line in text.splitlines():
            if line.startswith("F:"):
                folder = line[2:]
            elif line.startswith("R:") and f"{folder}/{line[2:]}" in wanted:
                fields = _fields(text, ":")
                distribution = _distribution(root)
                return Package(kind="apk", distribution=distribution, name=fields["P"], version=fields["V"])
    return None


def _fields(text: str, mark: str) -> Mapping[str, str]:
    pairs = (line.partition(mark) for line in text.splitlines() if not line.startswith(" "))
    return {key: value for key, sign, value in pairs if sign}


def _distribution(root: Path) -> str:
    match = _ID.search(_read(root / "etc/os-release").decode("utf-8", "replace"))
    return match[1] if match else "unknown"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
