"""What a wheel brings along, as a CycloneDX document in ``.dist-info/sboms`` (PEP 770), in auditwheel's form.

It holds no serial number, no time and no path, so that the same libraries give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from matrix import __version__
from matrix.archives.entries import Entry
from matrix.repairing.nouns import Graft
from matrix.repairing.owners import Package, owner

__all__ = ["SBOM", "sbom_entry"]

SBOM = "sboms/auditwheel.cdx.json"
"""Where it lies in the metadata directory: auditwheel's name, which readers of wheels know."""


def sbom_entry(
    dist_info: str, file: str, grafts: Sequence[Graft], find: Callable[[Path], Package | None] = owner
) -> Entry:
    """Return the document as a member of the wheel.

    Args:
        dist_info: The wheel's metadata directory.
        file: The wheel's name.
        grafts: What it brings along.
        find: Tells the package of a library.
    """
    name, version = file.split("-")[:2]
    purl = f"pkg:pypi/{quote(name, safe='')}@{quote(version, safe='')}?file_name={quote(file, safe='')}"
    wheel = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
    libraries = sorted(
        (_component(graft, find(graft.library.path)) for graft in grafts), key=lambda one: one["bom-ref"]
    )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.4",
        "version": 1,
        "metadata": {"component": wheel, "tools": [{"name": "wheelmatrix", "version": __version__}]},
        "components": [wheel, *libraries],
        "dependencies": [
            {"ref": purl, "dependsOn": [one["bom-ref"] for one in libraries]},
            *({"ref": one["bom-ref"]} for one in libraries),
        ],
    }
    return Entry(f"{dist_info}/{SBOM}", (json.dumps(document, indent=2) + "\n").encode())


def _component(graft: Graft, package: Package | None) -> dict[str, Any]:
    """Describe a library: by its package where there is one, else by its file's name."""
    sha256 = graft.library.sha256
    own = {"hashes": [{"alg": "SHA-256", "content": sha256}]}
    if package is None:
        name = graft.library.path.name
        return {"type": "library", "bom-ref": f"{name}#{sha256}", "name": name, **own}
    named = {"name": package.name, "version": package.version, "purl": package.purl}
    return {"type": "library", "bom-ref": f"{package.purl}#{sha256}", **named, **own}
