"""Two wheels compared: every difference is a field and what stands on each side.

A field is ``file +NAME`` (only in the first) or ``file -NAME`` (only in the second), ``content NAME``, ``mode NAME``,
``METADATA Header``, ``METADATA body``, ``WHEEL Header``, ``name``, ``tags`` or ``entry points``; ``dist-info`` and
``data`` stand for the names of those folders. Binaries are not compared.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from support.wheels import Inside

__all__ = ["Difference", "check_differences", "differences"]

PARSED = {f"dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}


class Difference(NamedTuple):
    """One allowed difference, for some projects (``*``: all); a field is a pattern."""

    projects: str
    field: str
    reason: str

    def concerns(self, project: str) -> bool:
        return self.projects == "*" or project in self.projects.split()


def check_differences(project: str, pairs: Iterable[tuple[Inside, Inside]], table: Iterable[Difference]) -> None:
    """Fail on a difference that is not in the table, and on an entry of the table that was not met."""
    listed = [entry for entry in table if entry.concerns(project)]
    met: set[Difference] = set()
    unlisted: list[str] = []
    for ours, theirs in pairs:
        for name, what in differences(ours, theirs):
            known = [entry for entry in listed if fnmatchcase(name, entry.field)]
            met.update(known)
            if not known:
                unlisted.append(f"{ours.file}: {name}: {what[:600]}")
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


def _headers(ours: Inside, theirs: Inside) -> Iterator[tuple[str, str]]:
    for kind, left, right in (("METADATA", ours.metadata, theirs.metadata), ("WHEEL", ours.wheel, theirs.wheel)):
        for header in sorted({*left.keys(), *right.keys()} - {"Tag"}):
            mine, other = left.get_all(header), right.get_all(header)
            if mine != other:
                yield f"{kind} {header}", f"{mine} != {other}"
        if left.get_payload() != right.get_payload():
            yield f"{kind} body", f"{left.get_payload()!r} != {right.get_payload()!r}"


def _files(ours: Inside, theirs: Inside) -> Iterator[tuple[str, str]]:
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


def differences(ours: Inside, theirs: Inside) -> Iterator[tuple[str, str]]:
    """Yield every difference of two wheels as a field and what stands on each side."""
    if ours.file != theirs.file:
        yield "name", f"{ours.file} != {theirs.file}"
    if ours.tags != theirs.tags:
        yield "tags", f"{sorted(ours.tags)} != {sorted(theirs.tags)}"
    if _entry_points(ours) != _entry_points(theirs):
        yield "entry points", f"{_entry_points(ours)} != {_entry_points(theirs)}"
    yield from _headers(ours, theirs)
    yield from _files(ours, theirs)
