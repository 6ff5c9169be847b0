"""What describes the ingredients of a wheel (PEP 770): the crates in it as CycloneDX 1.5, and files that a project has.

The same project gives the same bytes: no serial number, no time, and no path of this machine.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from matrix import __version__
from matrix.archives.entries import Entry, file_entry
from matrix.errors import ConfigError
from matrix.model import Target
from matrix.project.cargo import CargoPackage
from matrix.project.crate import Crate
from matrix.project.toml import read_toml

__all__ = ["included_boms", "locked_checksums", "rust_bom", "rust_bom_path"]

_OWN_REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
_LINKS = (("documentation", "documentation"), ("homepage", "website"), ("repository", "vcs"))


def rust_bom_path(dist_info: str, crate: str) -> str:
    """Return where the list of crates goes in a wheel, as in maturin's."""
    return f"{dist_info}/sboms/{crate}.cyclonedx.json"


def rust_bom(crate: Crate, targets: Iterable[Target], checksums: Mapping[tuple[str, str], str]) -> bytes:
    """Return the CycloneDX document of a crate and of all that is compiled for it.

    Crates that only build scripts need have the scope ``excluded``: nothing of them is in the wheel.

    Args:
        crate: The crate that becomes the wheel, with its graph.
        targets: The platforms that the wheel is for.
        checksums: SHA-256 of a crate's archive, by name and version.
    """
    edges = {one.id: one for one in crate.packages.values()}
    chosen = tuple(targets)
    linked = _reached(crate, chosen, {None})
    compiled = _reached(crate, chosen, {None, "build"})
    refs = {name: _purl(edges[name]) for name in compiled if name in edges}
    components = [
        _component(edges[name], "required" if name in linked else "excluded", checksums)
        for name in sorted(refs, key=refs.__getitem__)
        if name != crate.id
    ]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "tools": [{"name": "wheelmatrix", "version": __version__}],
            "component": _component(edges[crate.id], "required", checksums),
        },
        "components": components,
        "dependencies": [
            {"ref": refs[name], "dependsOn": sorted({refs[one] for one in compiled[name] if one in refs})}
            for name in sorted(refs, key=refs.__getitem__)
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def locked_checksums(lock: Path) -> dict[tuple[str, str], str]:
    """Return what Cargo.lock says of crate archives: their SHA-256 by name and version; nothing without the file."""
    if not lock.is_file():
        return {}
    packages = read_toml(lock).get("package", [])
    return {
        (one["name"], one["version"]): one["checksum"]
        for one in packages
        if isinstance(one, dict) and {"name", "version", "checksum"} <= one.keys()
    }


def included_boms(root: Path, written: Iterable[tuple[str, str]], dist_info: str) -> Iterator[Entry]:
    """Yield the files that a project adds to ``.dist-info/sboms``, each by its own name.

    Args:
        root: The project's root, which relative paths start from and must not leave.
        written: Where each path stands, for messages, and the path.
        dist_info: Name of the metadata directory.

    Raises:
        ConfigError: A file is missing or lies outside, or two have one name.
    """
    taken: dict[str, str] = {}
    for where, text in written:
        path = Path(os.path.normpath(root / text))
        if not path.is_file():
            raise ConfigError(f"{where}: {text!r} is no file", hint=f"paths start from {root}")
        if not Path(text).is_absolute() and not path.resolve().is_relative_to(root.resolve()):
            raise ConfigError(f"{where}: {text!r} lies outside the project", hint="copy it into the project")
        if path.name in taken and taken[path.name] != str(path):
            raise ConfigError(f"{where}: {text!r} has the name of {taken[path.name]!r}", hint="rename one of them")
        if path.name not in taken:
            taken[path.name] = str(path)
            entry = file_entry(f"{dist_info}/sboms/{path.name}", path)
            yield Entry(entry.path, entry.source)


def _reached(crate: Crate, targets: tuple[Target, ...], kinds: set[str | None]) -> dict[str, tuple[str, ...]]:
    """Return what is needed by edges of these kinds on one of the platforms, each with what it needs itself."""
    found: dict[str, tuple[str, ...]] = {}
    pending = [crate.id]
    while pending:
        name = pending.pop()
        if name not in found:
            found[name] = tuple(crate.needs(name, targets, kinds))
            pending += found[name]
    return found


def _component(package: CargoPackage, scope: str, checksums: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    purl = _purl(package)
    found: dict[str, Any] = {"type": "library", "bom-ref": purl}
    if package.authors:
        found["author"] = ", ".join(package.authors)
    found |= {"name": package.name, "version": package.version}
    if package.description:
        found["description"] = " ".join(package.description.split())
    found["scope"] = scope
    checksum = checksums.get((package.name, package.version))
    if checksum is not None and (package.source or "").startswith(("registry+", "sparse+")):
        found["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package.license:
        found["licenses"] = [_license(package.license)]
    found["purl"] = purl
    links = [(kind, getattr(package, field)) for field, kind in _LINKS]
    if said := [{"type": kind, "url": _public(url)} for kind, url in links if url]:
        found["externalReferences"] = said
    return found


def _license(written: str) -> dict[str, Any]:
    """Return an SPDX expression; cargo's older ``MIT/Apache-2.0`` means a choice."""
    from packaging.licenses import (  # noqa: PLC0415 - a big table, which plans do not need
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    try:
        return {"expression": canonicalize_license_expression(re.sub(r"\s*/\s*", " OR ", written.strip()))}
    except InvalidLicenseExpression:
        return {"license": {"name": written}}


def _purl(package: CargoPackage) -> str:
    """Return the package URL (type ``cargo``), with where it comes from unless that is the usual registry."""
    plain = f"pkg:cargo/{quote(package.name)}@{quote(package.version)}"
    source = package.source
    if source is None or source == _OWN_REGISTRY:
        return plain
    kind, _, url = source.partition("+")
    if kind == "git":
        address, _, revision = _public(url).partition("#")
        place = f"git+{address.partition('?')[0]}@{revision}"
        return f"{plain}?vcs_url={quote(place, safe='')}"
    return f"{plain}?repository_url={quote(_public(url), safe='')}"


def _public(url: str) -> str:
    """Return an address without the name and the password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if "@" in parts.netloc else url
