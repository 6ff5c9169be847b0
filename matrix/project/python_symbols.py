"""What the C API of Python is called in the locked bindings: the names that an import library for Windows must hold.

PyO3 up to 0.28 links ``python312.lib`` and its like, which come with an installed Python. Where there is none, they
are made from these names: pyo3-ffi declares every function and variable that it could ever link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from matrix.errors import ConfigError

__all__ = ["Symbol", "definition", "parse_symbols", "read_symbols"]

# Comments go, words in quotes stay when they can be names, and every other string becomes an empty one.
_NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|b?r(?P<hashes>#*)".*?"(?P=hashes)|"(?P<text>(?:[^"\\]|\\.)*)"', re.DOTALL)
_BLOCK = re.compile(r'\bextern\s*(?:"[\w-]*"\s*)?\{')
_ITEM = re.compile(
    r"(?P<attributes>(?:\#\[[^\]]*\]\s*)*)(?:pub(?:\([^)]*\))?\s+)?(?:(?:unsafe|safe)\s+)?"
    r"(?:fn\s+(?P<function>\w+)\s*[(<]|static\s+(?:mut\s+)?(?P<data>\w+)\s*:)",
    re.ASCII,
)
_LINK_NAME = re.compile(r'#\[\s*(?:cfg_attr\((?P<only>.*?),\s*)?link_name\s*=\s*"(?P<name>\w+)"', re.ASCII)
_API = re.compile(r"_?Py\w+", re.ASCII)


class Symbol(NamedTuple):
    """A function or variable of Python's C API.

    Attributes:
        name: What CPython's library calls it.
        pypy: What PyPy's calls it.
        data: Whether it is a variable.
    """

    name: str
    pypy: str
    data: bool = False


def parse_symbols(text: str) -> Iterator[Symbol]:
    """Yield what the ``extern`` blocks of a Rust source file declare of Python's C API."""
    source = _NOISE.sub(_quiet, text)
    for block in _BLOCK.finditer(source):
        for item in _ITEM.finditer(source, block.end(), _closing(source, block.end())):
            name = item["function"] or item["data"]
            names = {"": name, "PyPy": name}
            for attribute in _LINK_NAME.finditer(item["attributes"]):
                only = attribute["only"] or ""
                if only in {"", "not(PyPy)"}:
                    names[""] = attribute["name"]
                if only in {"", "PyPy"} or re.match(r"any\([^)]*\bPyPy\b", only):
                    names["PyPy"] = attribute["name"]
            if _API.fullmatch(name) or _API.fullmatch(names[""]):
                yield Symbol(names[""], names["PyPy"], item["data"] is not None)


def read_symbols(crate: Path) -> tuple[Symbol, ...]:
    """Return what a bindings crate declares, each once, by name.

    Args:
        crate: Directory of pyo3-ffi as cargo unpacked it.

    Raises:
        ConfigError: The source cannot be read, or declares nothing.
    """
    found: set[Symbol] = set()
    try:
        for file in sorted((crate / "src").rglob("*.rs")):
            found.update(parse_symbols(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{crate}: the source of the bindings cannot be read: {error}") from None
    if not found:
        raise ConfigError(
            f"{crate / 'src'}: declares nothing of Python's C API",
            hint="name a directory with Python's import libraries in PYO3_CROSS_LIB_DIR",
        )
    return tuple(sorted(found))


def definition(dll: str, symbols: Iterable[Symbol]) -> str:
    """Return the module-definition file (``.def``) of a library that exports these symbols.

    A variable is marked ``DATA``: it is reached through its ``__imp_`` pointer and never called.

    Args:
        dll: File name of the library that is loaded, e.g. ``python312.dll``.
        symbols: What it exports; a name more than it really does costs nothing.
    """
    pypy = "pypy" in dll
    exports = sorted({(one.pypy if pypy else one.name, one.data) for one in symbols})
    lines = [f"LIBRARY {dll}", "EXPORTS", *(f"{name} DATA" if data else name for name, data in exports)]
    return "\n".join(lines) + "\n"


def _quiet(match: re.Match[str]) -> str:
    text = match["text"]
    if text is None and '"' not in match[0][:3]:
        return " "
    return f'"{text}"' if text and re.fullmatch(r"[\w-]+", text) else '""'


def _closing(source: str, start: int) -> int:
    """Return where the block that was opened before ``start`` closes."""
    depth = 1
    for brace in re.finditer(r"[{}]", source[start:]):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return start + brace.start()
    return len(source)
