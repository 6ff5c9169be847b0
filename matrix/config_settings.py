"""What a front end hands to the build back end (PEP 517 config settings), as flags of ``wheelmatrix build``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matrix.arguments import make_parser, subparser
from matrix.errors import UsageError

__all__ = ["flags_of", "has_flag"]

BUILD_ARGS = ("build-args", "maturin.build-args")
VARIABLES = ("WHEELMATRIX_PEP517_ARGS", "MATURIN_PEP517_ARGS")
_YES, _NO = frozenset({"", "true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
_TOGETHER = "+*"  # nargs of flags that take several values at once


def flags_of(settings: Mapping[str, Any] | None, environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the flags that config settings mean, and the keys that mean none.

    ``build-args`` holds flags, as a string or a list; where it is absent, ``WHEELMATRIX_PEP517_ARGS`` or
    ``MATURIN_PEP517_ARGS`` does. A key that is the long name of a flag stands for that flag: ``features = "a,b"``,
    ``locked = "true"``, ``target`` as a list. Other keys may be meant for another back end: front ends hand the same
    settings to all of them.

    Args:
        settings: As the hook got them.
        environ: The environment.

    Returns:
        The flags, and the keys that were not used.

    Raises:
        UsageError: A value is of no use.
    """
    given = dict(settings or {})
    named = [given.pop(key) for key in BUILD_ARGS if key in given]
    flags: list[str] = []
    for value in named or [next((environ[name] for name in VARIABLES if environ.get(name)), "")]:
        flags += _words(value)
    known, unused = _known(), []
    for key, value in given.items():
        flag = f"--{key.removeprefix('--')}"
        if flag in known:
            flags += _flag(flag, value, known[flag])
        else:
            unused.append(key)
    return flags, unused


def has_flag(flags: Sequence[str], *names: str) -> bool:
    """Whether one of these flags is given: ``--release``, ``-i3.12``, ``--target=x``."""
    return any(
        word.split("=", 1)[0] in names or any(len(name) == 2 and word.startswith(name) for name in names)
        for word in flags
    )


def _known() -> dict[str, str | int | None]:
    """Return the long flags of ``build`` with how many values each takes: 0, one (``None``) or several."""
    parser = subparser(make_parser(), "build")
    return {name: action.nargs for name, action in parser._option_string_actions.items() if name.startswith("--")}  # noqa: SLF001


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            raise UsageError(f"config setting build-args: {error}: {value!r}") from None
    if isinstance(value, Sequence) and all(isinstance(word, str) for word in value):
        return list(value)
    raise UsageError("config setting build-args is neither a string nor a list of strings")


def _flag(flag: str, value: object, nargs: str | int | None) -> Iterator[str]:
    values = [value] if isinstance(value, str | bool) else value
    if not isinstance(values, Sequence) or not all(isinstance(one, str | bool) for one in values):
        raise UsageError(f"config setting {flag.removeprefix('--')} is neither a string nor a list of strings")
    if nargs == 0:
        yield from (flag for one in values if _means(flag, one))
    elif nargs is not None and str(nargs) in _TOGETHER:
        yield from (flag, *map(str, values))
    else:
        yield from (f"{flag}={one}" for one in values)


def _means(flag: str, value: object) -> bool:
    word = str(value).strip().lower()
    if word not in _YES | _NO:
        key = flag.removeprefix("--")
        raise UsageError(f"config setting {key} is {value!r}", hint="the flag takes no value: write true or false")
    return word in _YES
