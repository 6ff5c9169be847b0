"""Where a project lies in a container, and how a directory is mounted there."""

from __future__ import annotations

from os.path import commonpath, relpath
from pathlib import PurePath

from matrix.driver import Place

__all__ = ["inside", "mount", "sources"]

SOURCES = "/io"


def sources(place: Place) -> tuple[str, ...]:
    """Return the directories that are mounted, none of them inside another."""
    every = sorted({place.root, *place.sources}, key=lambda path: len(PurePath(path).parts))
    outer: list[str] = []
    for path in every:
        if not any(PurePath(path).is_relative_to(one) for one in outer):
            outer.append(path)
    return tuple(outer)


def inside(place: Place, path: str) -> str:
    """Return where a path of the project is in the container: all lie to each other as they do here."""
    steps = relpath(path, commonpath(sources(place)))
    return SOURCES if steps == "." else f"{SOURCES}/{PurePath(steps).as_posix()}"


def mount(here: str, there: str, *, fixed: bool) -> str:
    """Return the value of ``--mount`` for a path here that stands there; it is one line of CSV."""
    words = ["type=bind", f"source={here}", f"target={there}", *(["readonly"] if fixed else [])]
    return ",".join(f'"{word.replace(chr(34), chr(34) * 2)}"' if {",", '"'} & set(word) else word for word in words)
