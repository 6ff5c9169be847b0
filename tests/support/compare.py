"""Two distributions compared: every difference is a field and what stands on each side.

A field is ``file +NAME`` (only in the first) or ``file -NAME`` (only in the second), ``content NAME``, ``mode NAME``,
``METADATA Header``, ``METADATA body``, ``WHEEL Header``, ``name``, ``tags`` or ``entry points``; ``dist-info`` and
``data`` stand for the names of those folders. Binaries are not compared. Where both sides mean the same, the field says
how they differ: ``METADATA Requires-Dist (spelling)``, ``METADATA body (empty lines at the end)``.

Of source distributions the same, PKG-INFO being their METADATA, and ``key TABLE.KEY in NAME`` for what TOML files say.
"""

from __future__ import annotations

import configparser
import email
from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import tomli

from support.meanings import requirement_meaning
from support.sdists import read_sdist
from support.wheels import Inside

__all__ = [
    "EMPTY_LINES",
    "HOME_PAGE",
    "SAME_REQUIREMENTS",
    "SPELLING",
    "Difference",
    "Found",
    "check_differences",
    "check_found",
    "differences",
    "sdist_differences",
]

SPELLING = "METADATA Requires-Dist (spelling)"
SAME_REQUIREMENTS = "the same requirements: we write them as pyproject.toml does, maturin in a form of its own"
EMPTY_LINES = "METADATA body (empty lines at the end)"
HOME_PAGE = "deprecated (PEP 753): Project-URL says it, on both sides"

PARSED = {f"dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}

Found = tuple[str, str]
"""A field, and what stands on each side."""


class Difference(NamedTuple):
    """One allowed difference, for some projects (``*``: all); a field is a pattern."""

    projects: str
    field: str
    reason: str

    def concerns(self, project: str) -> bool:
        return self.projects == "*" or project in self.projects.split()


def check_differences(project: str, pairs: Iterable[tuple[Inside, Inside]], table: Iterable[Difference]) -> None:
    """Fail on a difference of wheels that is not in the table, and on an entry of the table that was not met."""
    check_found(project, [one for ours, theirs in pairs for one in differences(ours, theirs)], table)


def check_found(project: str, found: Iterable[Found], table: Iterable[Difference]) -> None:
    """Fail on a difference that is not in the table, and on an entry of the table that was not met."""
    listed = [entry for entry in table if entry.concerns(project)]
    met: set[Difference] = set()
    unlisted: list[str] = []
    for name, what in found:
        known = [entry for entry in listed if fnmatchcase(name, entry.field)]
        met.update(known)
        if not known:
            unlisted.append(f"{project}: {name}: {what[:600]}")
    assert not unlisted, "not in the table:\n" + "\n".join(unlisted)
    stale = [entry for entry in listed if entry not in met]
    assert not stale, f"in the table, but not met: {stale}"


def _anonymous(name: str) -> str:
    """Replace the folder ``x-1.0.dist-info`` by ``dist-info``."""
    top, slash, rest = name.partition("/")
    for ending in ("dist-info", "data"):
        if top.endswith(f".{ending}"):
            return f"{ending}{slash}{rest}"
    return name


def _entry_points(inside: Inside) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names keep their case
    for name, text in inside.texts.items():
        if _anonymous(name) == "dist-info/entry_points.txt":
            parser.read_string(text.decode())
    return {section: dict(parser[section]) for section in parser.sections()}


def _headers(kind: str, ours: Message, theirs: Message) -> Iterator[Found]:
    for header in sorted({*ours.keys(), *theirs.keys()} - {"Tag"}):
        mine, other = ours.get_all(header), theirs.get_all(header)
        if mine != other:
            same = header == "Requires-Dist" and _requirements(ours) == _requirements(theirs)
            yield f"{kind} {header}{' (spelling)' if same else ''}", f"{mine} != {other}"
    left, right = str(ours.get_payload()), str(theirs.get_payload())
    if left != right:
        same = left.rstrip("\n") == right.rstrip("\n")
        yield f"{kind} body{' (empty lines at the end)' if same else ''}", f"{left[-300:]!r} != {right[-300:]!r}"


def _requirements(message: Message) -> list[str]:
    extras = message.get_all("Provides-Extra", [])
    return [str(requirement_meaning(value, extras)) for value in message.get_all("Requires-Dist", [])]


def _files(ours: Inside, theirs: Inside) -> Iterator[Found]:
    mine = {_anonymous(name): name for name in ours.files}
    other = {_anonymous(name): name for name in theirs.files}
    yield from ((f"file +{name}", "") for name in sorted(mine.keys() - other.keys()))
    yield from ((f"file -{name}", "") for name in sorted(other.keys() - mine.keys()))
    for name in sorted(mine.keys() & other.keys() - PARSED):
        left_text, right_text = ours.texts.get(mine[name]), theirs.texts.get(other[name])
        if left_text != right_text:
            yield f"content {name}", f"{left_text!r} != {right_text!r}"
        left_mode, right_mode = ours.modes[mine[name]], theirs.modes[other[name]]
        if (left_mode ^ right_mode) & 0o111:  # whether it is a program
            yield f"mode {name}", f"{left_mode:o} != {right_mode:o}"


def differences(ours: Inside, theirs: Inside) -> Iterator[Found]:
    """Yield every difference of two wheels as a field and what stands on each side."""
    if ours.file != theirs.file:
        yield "name", f"{ours.file} != {theirs.file}"
    if ours.tags != theirs.tags:
        yield "tags", f"{sorted(ours.tags)} != {sorted(theirs.tags)}"
    if _entry_points(ours) != _entry_points(theirs):
        yield "entry points", f"{_entry_points(ours)} != {_entry_points(theirs)}"
    yield from _headers("METADATA", ours.metadata, theirs.metadata)
    yield from _headers("WHEEL", ours.wheel, theirs.wheel)
    yield from _files(ours, theirs)


def sdist_differences(
    ours: Path, theirs: Path, switched: Callable[[str], str] = lambda pyproject: pyproject
) -> Iterator[Found]:
    """Yield every difference of two source distributions; ``switched`` says what theirs has for pyproject.toml."""
    if ours.name != theirs.name:
        yield "name", f"{ours.name} != {theirs.name}"
    left, right = read_sdist(ours), read_sdist(theirs)
    yield from ((f"file +{name}", "") for name in sorted(left.keys() - right.keys()))
    yield from ((f"file -{name}", "") for name in sorted(right.keys() - left.keys()))
    for name in sorted(left.keys() & right.keys()):
        mine, other = left[name], right[name]
        if name == "pyproject.toml":
            other = switched(other.decode()).encode()
        if mine == other:
            continue
        if name == "PKG-INFO":
            yield from _headers("METADATA", *(email.message_from_string(text.decode()) for text in (mine, other)))
        elif name.endswith(".toml"):
            yield from _keys(name, *(dict(_leaves(tomli.loads(text.decode()))) for text in (mine, other)))
        else:
            yield f"content {name}", f"{mine[:300]!r} != {other[:300]!r}"


def _keys(name: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Found]:
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            yield f"key {key} in {name}", f"{ours.get(key)!r} != {theirs.get(key)!r}"


def _leaves(table: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
