"""What the metadata library objects to, as errors that name table, key and value and say what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from matrix.errors import ConfigError
from matrix.project.faults import spoken

__all__ = ["complaint"]

# What the library says, what we say, and what to do about it. `{0}` and so on are the groups, `{value}` is what stands
# under the key.
_SAYINGS: tuple[tuple[str, str, str | None], ...] = (
    (r"is an invalid PEP 440", "{value!r} has no meaning in PEP 440", 'write it as in "1.2.3" or "1.2.3rc1"'),
    (r"is an invalid Python version specifier", "{value!r} is not a specifier", 'write it as in ">=3.10"'),
    (
        r"must have at least one of \"name\" or \"email\"",
        "a table of a person holds `name`, `email` or both, and this one neither",
        'write it as in { name = "Ann", email = "ann@example.org" }',
    ),
    (r"contains unexpected keys: (.*)", "unknown key {0}", "known keys: name, email"),
    (
        r"names cannot be more than 32 characters long \(got (.*)\)",
        "{0} has more than 32 characters, which an index refuses",
        "shorten the label",
    ),
    (r"has an invalid key, .*\(got (.*)\)", "{0} is no name of a group: letters, digits, `_` and `.` only", None),
    (r"contains (.*), which is not a valid identifier", "{0} is no import name: each part is an identifier", None),
    (r"contains a Python keyword, .* got (.*)", "{0} is no import name: a part of it is a keyword of Python", None),
    (r"contains an ending tag .* got (.*)", "{0} ends with something else than `; private`", None),
    (
        r"is missing (.*), but submodules",
        "{0} is missing, but names below it are given",
        "add it here or to import-names",
    ),
    (r"overlaps with .*: (.*)", "{0} stands in import-namespaces too", "name it in one of the two"),
    (
        r"Invalid project name (.*?)\. A valid name",
        "{0} is no name of a distribution",
        "a name holds letters, digits, `.`, `_` and `-`, and begins and ends with a letter or a digit",
    ),
)
_SHAPES = {
    "str": ("a string", "strings"),
    "ContactTable": ("a table of name and email", "tables of name and email"),
}
_TOKENS = {
    "LEFT_BRACKET": "`[`",
    "RIGHT_BRACKET": "`]`",
    "LEFT_PARENTHESIS": "`(`",
    "RIGHT_PARENTHESIS": "`)`",
    "semicolon (after name with no version specifier) or end": "a version, `;` or the end after the name",
    "semicolon": "`;`",
}


def complaint(error: Exception, table: Mapping[str, Any], where: str) -> ConfigError:
    """Return an error of the library as ours.

    Args:
        error: What it raised; its ``key`` is the full path of the key: ``project.dependencies[1]``.
        table: The table that it was asked about.
        where: File and table for messages.
    """
    short = str(getattr(error, "key", None) or "").removeprefix("project").removeprefix(".")
    said = re.sub(r'^(?:Field )?"project[^"]*" ', "", str(error))
    text, hint = _said(said, _value(table, short))
    return ConfigError(f"{where} {short}: {text}" if short else f"{where}: {text}", hint=hint)


def _said(said: str, value: object) -> tuple[str, str | None]:
    mismatch = re.search(r"has an invalid type, expecting (.*) \(got ", said)
    if mismatch is not None:
        wanted = _shape(mismatch[1])[0]
        listed = wanted == "a list of strings" and isinstance(value, str)
        return f"expected {wanted}, not {spoken(value)}", f'write it as a list: ["{value}"]' if listed else None
    if "invalid PEP 508" in said and isinstance(value, str):
        example = 'write it as in "numpy>=1.26" or "tomli>=2; python_version < \'3.11\'"'
        return f"{value!r} is no requirement (PEP 508): {_reason(value)}", example
    for pattern, words, hint in _SAYINGS:
        found = re.search(pattern, said, re.DOTALL)
        if found is not None:
            return words.format(*(one.replace('"', "'") for one in found.groups()), value=value), hint
    return said, None


def _shape(written: str) -> tuple[str, str]:
    """Return what ``list[str]`` and the like mean, of one and of several."""
    if (item := re.fullmatch(r"list\[(.*)\]", written)) is not None:
        return f"a list of {_shape(item[1])[1]}", f"lists of {_shape(item[1])[1]}"
    if (item := re.fullmatch(r"dict\[str, (.*)\]", written)) is not None:
        return f"a table of {_shape(item[1])[1]}", f"tables of {_shape(item[1])[1]}"
    return _SHAPES.get(written, (written, written))


def _reason(requirement: str) -> str:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - needed for bad input only

    try:
        Requirement(requirement)
    except InvalidRequirement as error:
        words = str(error).partition("\n")[0]
        for token, plain in _TOKENS.items():
            words = words.replace(token, plain)
        return words[:1].lower() + words[1:]
    return "the metadata library refuses it"  # pragma: no cover - it asks the same parser


def _value(table: Mapping[str, Any], key: str) -> object:
    """Return what stands under a key such as ``optional-dependencies.dev[0]``, or ``None``."""
    value: Any = table
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", key):
        try:
            value = value[int(index) if index else name.strip('"')]
        except (KeyError, IndexError, TypeError):
            return None
    return value
