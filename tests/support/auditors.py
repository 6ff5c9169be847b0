"""What other tools say of wheels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from matrix.auditing import WheelAudit
from support.formats import delocate_platforms, libraries_of_mac_wheel
from support.tools import Ran, need, run

__all__ = [
    "abi3audit_says",
    "auditwheel_fields",
    "auditwheel_says",
    "delocate_says",
    "delvewheel_says",
    "our_fields",
]

_FIELDS = ("pure", "overall_tag", "sym_tag", "pyfpe", "ucs2", "unsupported_isa", "external_libs", "versioned_symbols")


def auditwheel_says(wheel: Path) -> dict[str, Any]:
    """The document of ``auditwheel show --json``; without a path of libraries it reads none of this machine's."""
    ran = run([need("auditwheel"), "show", "--json", "--ldpaths", "", wheel], cwd=wheel.parent, check=True)
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


def auditwheel_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """All that auditwheel says of a wheel but its name, lists sorted."""
    upgrades = {level: _plain(upgrade) for level, upgrade in document["policy_upgrades"].items()}
    return {**{name: _plain(document[name]) for name in _FIELDS}, "policy_upgrades": upgrades}


def our_fields(audit: WheelAudit) -> dict[str, Any]:
    """The same of our document; levels that only symbol versions keep a wheel from are not in auditwheel's."""
    document = msgspec.to_builtins(audit)
    for upgrade in document["policy_upgrades"].values():
        upgrade.pop("versioned_symbols", None)
    document["policy_upgrades"] = {level: found for level, found in document["policy_upgrades"].items() if found}
    return auditwheel_fields(document)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return sorted(value) if isinstance(value, list | tuple) else value


def abi3audit_says(wheels: Iterable[Path]) -> dict[tuple[str, str], set[str]]:
    """The symbols that break the stable ABI, by wheel and file; empty for a good file."""
    paths = list(wheels)
    ran = run([need("abi3audit"), "--report", *paths], cwd=paths[0].parent)
    found = {}
    for wheel, spec in json.loads(ran.stdout)["specs"].items():
        for file in spec["wheel"]:
            result = file["result"]
            symbols = {*result["non_abi3_symbols"], *result["future_abi3_objects"]}
            found[Path(wheel).name, file["name"]] = symbols
    return found


def delocate_says(wheel: Path, work: Path) -> tuple[set[str], set[str]]:
    """The platform tags that delocate gives a wheel, and the libraries that it finds outside of macOS and the wheel."""
    work.mkdir(parents=True, exist_ok=True)
    outside = {name for name in libraries_of_mac_wheel(wheel, work) if not name.startswith(("/usr/lib/", "/System/"))}
    return set(delocate_platforms(wheel, work)), outside


def delvewheel_says(wheel: Path) -> tuple[set[str], set[str]]:
    """The DLLs that delvewheel misses, and those that it expects of the system; names in small letters."""
    ran: Ran = run([need("delvewheel"), "show", "--analyze-existing", wheel], cwd=wheel.parent)
    heads = re.split(r"\nThe following DLLs |\nWarning: At least one", ran.stdout)
    expected = next((part for part in heads if part.startswith("are assumed to be present")), "")
    missing = [part for part in heads if part.startswith("will be copied")]
    return set(_dlls("".join(missing))), set(_dlls(expected))


def _dlls(text: str) -> list[str]:
    return [name.lower() for name in re.findall(r"^ +(\S+\.\w+)(?: \(.*\))?$", text, re.MULTILINE)]
