"""What a wheel must bring along: the libraries that its binaries need and no level allows, and theirs in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from matrix.auditing.elf import Binary
from matrix.auditing.offences import offences
from matrix.auditing.policies import Policy
from matrix.repairing.search import Library, Missing

__all__ = ["Closure", "Find", "close"]

Find = Callable[[str, Binary, "Path | None"], "Library | Missing"]


class Closure(msgspec.Struct, frozen=True, kw_only=True):
    """The libraries to bring along.

    Attributes:
        libraries: In the order they were met, each name once.
        missing: Those that were not found.
        wanted: Names of these libraries that each binary needs, by its file; of a library by its path.
        excluded: Names that somebody else brings.
    """

    libraries: tuple[Library, ...] = ()
    missing: tuple[Missing, ...] = ()
    wanted: dict[str, tuple[str, ...]] = {}
    excluded: frozenset[str] = frozenset()


def close(
    binaries: Sequence[Binary], policy: Policy, internal: frozenset[str], find: Find, exclude: Sequence[str] = ()
) -> Closure:
    """Walk from the binaries of a wheel to everything that must come along. A library that is allowed ends the walk.

    libpython is never among them: an interpreter that has its own would get a second one.

    Args:
        binaries: The wheel's own.
        policy: The level that says what is allowed.
        internal: Names of libraries that the wheel has.
        find: Finds a file; see ``Search.find``.
        exclude: Patterns of names that somebody else brings (``*``, ``?``, ``[…]``).
    """
    libraries: dict[str, Library] = {}
    missing: dict[str, Missing] = {}
    wanted: dict[str, tuple[str, ...]] = {}
    excluded: set[str] = set()
    waiting: list[tuple[Binary, Path | None]] = [(binary, None) for binary in binaries]
    for binary, home in waiting:  # grows while it is walked
        excluded.update(name for name in binary.needed if any(fnmatchcase(name, pattern) for pattern in exclude))
        names = _external(policy, binary, internal | excluded)
        if names:
            wanted[binary.file] = names
        for name in names:
            if name in libraries or name in missing:
                continue
            found = find(name, binary, home)
            if isinstance(found, Missing):
                missing[name] = found
                continue
            known = any(other.path == found.path for other in libraries.values())
            libraries[name] = found
            if not known:
                waiting.append((found.binary, found.path.parent))
    return Closure(
        libraries=tuple(libraries.values()),
        missing=tuple(missing.values()),
        wanted=wanted,
        excluded=frozenset(excluded),
    )


def _external(policy: Policy, binary: Binary, internal: frozenset[str]) -> tuple[str, ...]:
    found = (offence.name for offence in offences(policy, binary, internal) if offence.kind == "external-library")
    return tuple(dict.fromkeys(found))
