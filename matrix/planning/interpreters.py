"""The interpreters axis for one target: which Pythons its words mean there, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from matrix.errors import UsageError
from matrix.model import Interpreter, StableAbi, Target
from matrix.planning.axes import Word
from matrix.planning.request import Facts
from matrix.planning.stable import Refusal
from matrix.platforms.requests import InterpreterRequest, expand, matches, parse_request, unmatched
from matrix.platforms.tables import Release, absence, known_interpreter, suits

__all__ = ["ANY_PYTHON", "Pick", "allows", "default_pick", "pick_interpreters", "table_pick"]


class Pick(NamedTuple):
    """A Python wanted for one target.

    Attributes:
        id: Its id, also when nothing more is known of it.
        interpreter: What it is there; ``None`` when there is none.
        named: Whether a word of ``-i`` named it, and it alone.
        broad: Whether only a word for many (a specifier) meant it.
        origin: Where it was written.
        refused: Why there is none, or ``None``.
    """

    id: str
    interpreter: Interpreter | None
    named: bool = False
    broad: bool = False
    origin: str = ""
    refused: Refusal | None = None


ANY_PYTHON = Pick("py3", None)
"""Stands for every Python, where one wheel serves them all."""


@lru_cache(maxsize=512)
def allows(specifier: str, version: tuple[int, int], full_version: str = "") -> bool:
    """Whether ``requires-python`` allows a Python; of a minor version, whether it allows any release of it."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - slow to import, and most projects say little

    allowed = SpecifierSet(specifier, prereleases=True)
    if full_version:
        return full_version in allowed
    return any(f"{version[0]}.{version[1]}.{patch}" in allowed for patch in range(40))


def pick_interpreters(words: Sequence[Word], target: Target, facts: Facts) -> tuple[Pick, ...]:
    """Return the Pythons that the words mean on a target, in the order written; the first of a kind wins.

    Args:
        words: The axis as written.
        target: Where they are to run.
        facts: What was found on this machine.

    Raises:
        UsageError: A word means nothing, or a named program was not looked up.
    """
    picks: dict[str, Pick] = {}
    for word in words:
        asked = parse_request(word.text, word.origin)
        for pick in _meant(asked, word, target, facts):
            known = picks.get(pick.id)
            if known is None:
                picks[pick.id] = pick
            else:
                picks[pick.id] = known._replace(named=known.named or pick.named, broad=known.broad and pick.broad)
    return tuple(picks.values())


def default_pick(target: Target, facts: Facts, stable: Sequence[StableAbi]) -> Pick:
    """Return the current ``python3`` on a target; without one the floor of a stable ABI stands in.

    Raises:
        UsageError: There is no ``python3`` and nothing to stand in.
    """
    if facts.default is not None:
        return _there(facts.default, target, facts, Word("python3", "python3", named=False))
    if stable:
        return table_pick(Release("cpython", stable[0].version), target, Word("", "", named=False))
    raise UsageError(
        "no python3 was found on PATH",
        hint="name one: -i 3.12 builds from tables, -f takes every Python of this machine",
    )


def _meant(asked: InterpreterRequest, word: Word, target: Target, facts: Facts) -> Iterator[Pick]:
    if asked.kind == "found":
        for interpreter in _distinct(facts.installations):
            yield _found(interpreter, target, facts, word)
    elif asked.kind in {"name", "path"}:
        named: Mapping[str, Interpreter] = facts.named
        if asked.text not in named:
            raise UsageError(f"{word.origin}: no interpreter {asked.text!r} was found")
        yield _there(named[asked.text], target, facts, word)
    else:
        yield from _versions(asked, word, target, facts)


def _versions(asked: InterpreterRequest, word: Word, target: Target, facts: Facts) -> Iterator[Pick]:
    here = [one for one in facts.installations if matches(asked, one) and suits(one, target)]
    releases = expand(asked)
    broad = asked.kind == "specifier"
    one_word = word._replace(named=word.named and not broad)
    for release in releases:
        found = next((one for one in here if _release(one) == release and "d" not in one.abi_flags), None)
        if found is not None:
            yield Pick(found.id, found, one_word.named, broad, word.origin)
        else:
            yield table_pick(release, target, one_word, broad=broad)
    if releases:
        return
    if asked.kind == "version" and here:  # newer than the tables, but installed
        yield Pick(here[0].id, here[0], word.named, origin=word.origin)
        return
    error = unmatched(asked, word.origin, map(_release, facts.installations))
    if word.named or asked.version is None or asked.implementation is None:
        raise error
    release = Release(asked.implementation, asked.version, threaded=asked.threaded)
    yield Pick(_id(release), None, origin=word.origin, refused=Refusal(error.message, error.hint))


def _distinct(installations: Sequence[Interpreter]) -> list[Interpreter]:
    """Keep the first of every implementation, version and ABI, in an order that does not depend on PATH."""
    first: dict[tuple[str, tuple[int, int], str], Interpreter] = {}
    for one in installations:
        first.setdefault((one.implementation, one.version, one.abi_flags), one)
    return [first[key] for key in sorted(first)]


def _found(interpreter: Interpreter, target: Target, facts: Facts, word: Word) -> Pick:
    if target != facts.host.target or suits(interpreter, target):
        return _there(interpreter, target, facts, word)
    other = next((one for one in facts.installations if one.id == interpreter.id and suits(one, target)), None)
    if other is not None:
        return Pick(other.id, other, word.named, origin=word.origin)
    reason = Refusal(f"the Python {interpreter.full_version} found here is not one of {target.triple}")
    return Pick(interpreter.id, None, word.named, origin=word.origin, refused=reason)


def _there(interpreter: Interpreter, target: Target, facts: Facts, word: Word) -> Pick:
    """Return what an interpreter of this machine is on ``target``: itself, or the same version from tables."""
    if suits(interpreter, target) or (target == facts.host.target and "d" in interpreter.abi_flags):
        return Pick(interpreter.id, interpreter, word.named, origin=word.origin)
    if "d" in interpreter.abi_flags:
        reason = Refusal(f"Python {interpreter.full_version} is not known for {target.triple}")
        return Pick(interpreter.id, None, word.named, origin=word.origin, refused=reason)
    return table_pick(_release(interpreter), target, word)


def table_pick(release: Release, target: Target, word: Word, *, broad: bool = False) -> Pick:
    """Return what the tables say of a Python on a target, or why there is none."""
    reason = absence(release, target)
    if reason is not None:
        return Pick(_id(release), None, word.named, broad, word.origin, Refusal(reason))
    known = known_interpreter(release.implementation, release.version, target, threaded=release.threaded)
    return Pick(known.id, known, word.named, broad, word.origin)


def _release(interpreter: Interpreter) -> Release:
    return Release(interpreter.implementation, interpreter.version, threaded=interpreter.free_threaded)


def _id(release: Release) -> str:
    prefix = {"cpython": "cp", "pypy": "pp", "graalpy": "graalpy"}[release.implementation]
    return f"{prefix}{release.version[0]}{release.version[1]}{'t' * release.threaded}"
