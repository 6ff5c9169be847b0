"""The words a person writes for interpreters, and what they match."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from matrix.errors import UsageError
from matrix.model import Implementation, Interpreter
from matrix.platforms.tables import Release, released_versions

__all__ = ["InterpreterRequest", "RequestKind", "expand", "is_path", "matches", "parse_request", "unmatched"]

RequestKind: TypeAlias = Literal["version", "specifier", "name", "path", "found"]


class InterpreterRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A word for one or several interpreters.

    Attributes:
        text: The word as written.
        kind: ``version`` (``3.13t``, ``pypy3.11``, ``cp312``), ``specifier`` (``>=3.10``, ``pypy>=3.10``),
            ``name`` (a program: ``python3.12``), ``path``, or ``found`` (every one on this host).
        implementation: What it must be; ``None`` when the word does not say (``path``, ``found``).
        version: Major and minor of a version, or of a name that tells them; else ``None``.
        patch: All of the version when more than the minor was written, e.g. ``3.12.1``; else empty.
        threaded: Whether it asks for free-threaded builds (versions and specifiers ask for one or the other).
        specifier: The PEP 440 specifier set of a specifier; else empty.
    """

    text: str
    kind: RequestKind
    implementation: Implementation | None = None
    version: tuple[int, int] | None = None
    patch: str = ""
    threaded: bool = False
    specifier: str = ""


_IMPLEMENTATIONS: dict[str, Implementation] = {
    "": "cpython",
    "cpython": "cpython",
    "python": "cpython",
    "cp": "cpython",
    "pypy": "pypy",
    "pp": "pypy",
    "graalpy": "graalpy",
}
_VERSION = re.compile(r"(cpython|pypy|graalpy|)-?(\d)\.(\d{1,3})((?:\.\d{1,4})?)(t?)", re.ASCII)
_ID = re.compile(r"(cp|pp|graalpy)(\d)(\d{1,3})()(t?)m?", re.ASCII)
_SPECIFIER = re.compile(r"(cpython|python|pypy|graalpy|)\s*((?:[<>=!]|~=).*)", re.ASCII | re.DOTALL)
_NAME = re.compile(r"(python|pypy|graalpy)(?:(\d)(?:\.(\d{1,3})(t?))?)?[\w.+-]*", re.ASCII)
_PATH = re.compile(r"[/\\]|^[.~]")
_HINT = 'write "3.13", ">=3.10", "3.13t", "pypy3.11", a path, or "found"'


def parse_request(text: str, origin: str = "-i") -> InterpreterRequest:
    """Return what a word asks for.

    Args:
        text: ``3.12``, ``3.13t``, ``3.12.1``, ``>=3.10,<3.14``, ``>=3.13t``, ``pypy3.11``, ``pypy>=3.10``,
            ``cp312``, ``graalpy311``, ``python3.12``, ``./venv/bin/python`` or ``found``.
        origin: Where it was written, for the message.

    Raises:
        UsageError: It is none of these.
    """
    word = text.strip()
    if word == "found":
        return InterpreterRequest(text=word, kind="found")
    match = _VERSION.fullmatch(word) or _ID.fullmatch(word)
    if match is not None:
        return _version(word, match, origin)
    match = _SPECIFIER.fullmatch(word)
    if match is not None:
        return _specifier(word, _IMPLEMENTATIONS[match[1]], match[2].strip(), origin)
    if word.isprintable() and is_path(word):
        return InterpreterRequest(text=word, kind="path")
    match = _NAME.fullmatch(word)
    if match is None:
        raise _unreadable(text, origin)
    name, major, minor, threaded = match.groups()
    return InterpreterRequest(
        text=word,
        kind="name",
        implementation=_IMPLEMENTATIONS[name],
        version=(int(major), int(minor)) if minor else None,
        threaded=bool(threaded),
    )


def is_path(word: str) -> bool:
    """Whether a word names a file or a directory, and not a program to look for."""
    return _PATH.search(word) is not None


def _version(word: str, match: re.Match[str], origin: str) -> InterpreterRequest:
    implementation = _IMPLEMENTATIONS[match[1]]
    major, minor, patch, threaded = match.groups()[1:]
    if threaded and implementation != "cpython":
        raise UsageError(f"{origin}: {word!r}: only CPython has free-threaded builds", hint=_HINT)
    return InterpreterRequest(
        text=word,
        kind="version",
        implementation=implementation,
        version=(int(major), int(minor)),
        patch=f"{major}.{minor}{patch}" if patch else "",
        threaded=bool(threaded),
    )


def _specifier(word: str, implementation: Implementation, written: str, origin: str) -> InterpreterRequest:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - only when one is written

    clauses = [clause.strip() for clause in written.split(",")]
    threaded = implementation == "cpython" and all(re.search(r"\dt$", clause) for clause in clauses)
    if threaded:
        clauses = [clause[:-1] for clause in clauses]
    try:
        specifier = SpecifierSet(",".join(clauses))
    except (InvalidSpecifier, ValueError) as error:
        raise _unreadable(word, origin) from error
    return InterpreterRequest(
        text=word,
        kind="specifier",
        implementation=implementation,
        threaded=threaded,
        specifier=str(specifier),
    )


def _unreadable(text: str, origin: str) -> UsageError:
    return UsageError(f"{origin}: {text!r} is neither a version, a specifier nor an interpreter", hint=_HINT)


def matches(request: InterpreterRequest, interpreter: Interpreter) -> bool:
    """Whether an interpreter, found or known, is one that a request asks for.

    A ``path`` matches none here, because interpreters do not know where they lie: ask for it by its name.
    """
    if request.kind == "found":
        return True
    if request.kind == "path" or request.implementation != interpreter.implementation:
        return False
    if request.kind == "name" and request.version is None:
        return False
    if request.threaded != interpreter.free_threaded:
        return False
    if request.version is not None:
        same = request.version == interpreter.version
        return same and (not request.patch or interpreter.full_version in {"", request.patch})
    return _satisfies(request.specifier, interpreter.version, interpreter.full_version)


def _satisfies(specifier: str, version: tuple[int, int], full_version: str) -> bool:
    """Whether a version is in a specifier set; of a released minor version, whether any patch of it is."""
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - only when one is written

    allowed = SpecifierSet(specifier, prereleases=True)
    minor = f"{version[0]}.{version[1]}"
    if not re.search(r"\d\.\d+\.\d", specifier):  # written in minor versions, so it speaks of minor versions
        return minor in allowed
    candidates = [full_version] if full_version else [minor, f"{minor}.99"]
    return any(candidate in allowed for candidate in candidates)


def expand(
    request: InterpreterRequest,
    known: Iterable[Release] | None = None,
) -> tuple[Release, ...]:
    """Return the released Pythons that a request means; none for paths, ``found`` and unversioned names.

    Args:
        request: What was asked for.
        known: Releases to choose from; every one the tables know by default.
    """
    if request.kind in {"path", "found"} or (request.kind == "name" and request.version is None):
        return ()
    return tuple(
        release
        for release in (released_versions() if known is None else known)
        if release.implementation == request.implementation
        and release.threaded == request.threaded
        and (
            release.version == request.version
            if request.version is not None
            else _satisfies(request.specifier, release.version, "")
        )
    )


def unmatched(request: InterpreterRequest, origin: str = "-i", found: Iterable[Release] = ()) -> UsageError:
    """Return the error for a version or specifier that no released Python and none found here answers to.

    Args:
        request: What was asked for.
        origin: Where it was written.
        found: What this machine has.
    """
    names = [
        str(release)
        for release in released_versions()
        if release.implementation == (request.implementation or "cpython") and release.threaded == request.threaded
    ]
    known = f"{names[0]} to {names[-1]}" if names else "none"
    here = " ".join(dict.fromkeys(map(str, found))) or "none"
    return UsageError(
        f"{origin}: no released Python is {request.text!r}, and none was found here",
        hint=f"known releases: {known}; found here: {here}",
    )
