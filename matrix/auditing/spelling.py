"""Names in a wheel that are one name where file systems do not tell capitals from small letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from matrix.model import Finding

__all__ = ["spelling_findings"]


def spelling_findings(names: Iterable[str], platforms: Sequence[str]) -> Iterator[Finding]:
    """Yield one finding for the names that macOS and Windows take for the same, files and directories alike.

    Args:
        names: The wheel's files.
        platforms: Platform tags. Where they are Linux alone, it is worth a note only.
    """
    seen: dict[str, None] = {}
    for name in names:
        place = name
        while place and place not in seen:
            seen[place] = None
            place = place.rpartition("/")[0]
    places: dict[str, list[str]] = {}
    for place in seen:
        places.setdefault(unicodedata.normalize("NFC", place).lower(), []).append(place)
    same = [spelled for spelled in places.values() if len(spelled) > 1]
    if not same:
        return
    below = {name for spelled in same for name in spelled}
    same = [spelled for spelled in same if not any(name.rpartition("/")[0] in below for name in spelled)] or same
    met = any(platform == "any" or platform.startswith(("macosx", "win")) for platform in platforms)
    first, second = same[0][:2]
    more = f" ({len(same) - 1} more)" if len(same) > 1 else ""
    yield Finding(
        code="names-differ-in-case",
        severity="warning" if met else "note",
        file=second,
        message=f"{first} and {second} differ only in capitals and small letters{more}",
    )
