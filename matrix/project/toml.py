"""Reads TOML files, and says of one that is none where it breaks off, in words that people know."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from matrix.errors import ConfigError

__all__ = ["place", "read_toml"]

# The reader's words, and ours; the first that is found counts. `{}` stands for what the words matched.
_WORDS = (
    (r"Cannot declare \((.*)\) twice", "the table [{}] is there a second time"),
    (r"Cannot overwrite a value", "{} is there a second time"),
    (r"Duplicate inline table key (.*)", "{} is there a second time"),
    (r"Cannot mutate immutable namespace", "{} adds to what an inline table or a list has closed"),
    (r"Expected '=' after a key", "expected `=` after the key"),
    (r"Expected [\"'](['\"]+)[\"']$", "the string is not closed: expected {}"),
    (r"Expected '(\]+)' at the end of", "the header of the table is not closed: expected `{}`"),
    (r"Expected newline or end of document", "more stands here than one value: expected the end of the line"),
    (r"Invalid value", "expected a value: a string in quotes, a number, true, false, a list or a table"),
    (r"Invalid statement|Invalid initial character", "expected a key, of letters, digits, `-` and `_`, or in quotes"),
    (r"Unterminated string", "the string is not closed"),
    (r"Illegal character '\\n'", "the string is not closed on its line"),
    (r"Unclosed array", "the list is not closed: expected `,` or `]`"),
    (r"Unclosed inline table", "the table is not closed: expected `,` or `}}`"),
    (r"Unescaped '\\'", "no such escape: write `\\\\` for a backslash, or the string in single quotes"),
    (r"(?:Illegal|Found invalid) character (.*)", "the character {} must not stand here"),
)


def read_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file as a dictionary.

    Raises:
        ConfigError: It cannot be read, or is not TOML; names file, line and column.
    """
    import tomli  # noqa: PLC0415 - not every project has a pyproject.toml

    where = place(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror or error}") from error
    try:
        return tomli.loads(data.decode("utf-8"))
    except tomli.TOMLDecodeError as error:
        lines = error.doc.split("\n")
        line = lines[error.lineno - 1] if error.lineno <= len(lines) else ""
        raise ConfigError(f"{where}:{error.lineno}:{error.colno}: {_worded(error.msg, line)}") from error
    except UnicodeDecodeError as error:
        before = data[: error.start].split(b"\n")
        raise ConfigError(f"{where}:{len(before)}:{len(before[-1]) + 1}: not UTF-8") from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond all measure
        raise ConfigError(f"{where}: not readable as TOML: {str(error).partition(';')[0]}") from error


def place(path: Path) -> str:
    """Return a path as people know it: from the current directory, unless the whole one is shorter."""
    try:
        near = os.path.relpath(path)
    except (OSError, ValueError):  # on another drive, or in a directory that is gone
        return str(path)
    return min(near, str(path), key=len)


def _worded(said: str, line: str) -> str:
    for pattern, words in _WORDS:
        found = re.search(pattern, said)
        if found is not None:
            return words.format(_subject(said, found, line))
    return said[:1].lower() + said[1:]


def _subject(said: str, found: re.Match[str], line: str) -> str:
    """Return what the words are about: what the reader names, else what the line begins with."""
    if said.startswith("Cannot declare"):
        return ".".join(re.findall(r"['\"](.*?)['\"],?", found[1]))
    if said.startswith("Cannot"):
        header = line.strip()
        return header if header.startswith("[") else f"the key {header.partition('=')[0].strip()!r}"
    if said.startswith("Duplicate"):
        return f"the key {found[1]}"
    return found[1] if found.re.groups and found.lastindex else ""
