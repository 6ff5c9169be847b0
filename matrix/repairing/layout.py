"""Where things lie once a wheel is installed, and the paths between them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

__all__ = ["grafted_name", "installed_directory", "is_script", "leads_inside", "libraries_folder", "relative_rpath"]

_LIBRARY_SCHEMES = re.compile(r"^[^/]+\.data/(?:platlib|purelib)/")
_OTHER_SCHEMES = re.compile(r"^[^/]+\.data/(?P<scheme>[^/]+)/")
_ORIGIN = re.compile(r"^\$(?:ORIGIN|\{ORIGIN\})(?=/|$)")
DIGITS = 8  # of a library's digest in its name


def libraries_folder(name: str) -> str:
    """Return the directory of bundled libraries, beside the packages: ``rpds_py.libs``."""
    return f"{name}.libs"


def grafted_name(file: str, sha256: str) -> str:
    """Return the name that no other library has: ``libz.so.1.2.13`` gives ``libz-0123abcd.so.1.2.13``.

    Args:
        file: The library's own file name.
        sha256: Hexadecimal digest of its content.
    """
    base, dot, rest = file.partition(".")
    mark = f"-{sha256[:DIGITS]}"
    return file if base.endswith(mark) else f"{base}{mark}{dot}{rest}"


def installed_directory(member: str) -> str | None:
    """Return where a member is installed, relative to site-packages; ``None`` when it goes elsewhere."""
    inside, count = _LIBRARY_SCHEMES.subn("", member)
    if not count and _OTHER_SCHEMES.match(member):
        return None
    return posixpath.dirname(inside)


def is_script(member: str) -> bool:
    """Whether an installer puts a member among the programs of the environment."""
    match = _OTHER_SCHEMES.match(member)
    return match is not None and match["scheme"] == "scripts"


def relative_rpath(directory: str, to: str) -> str:
    """Return the RPATH entry that leads from one directory of site-packages to another: ``$ORIGIN/../x.libs``."""
    path = posixpath.relpath(to or ".", directory or ".")
    return "$ORIGIN" if path == "." else f"$ORIGIN/{path}"


def leads_inside(entries: Iterable[str], directory: str) -> tuple[str, ...]:
    """Return the RPATH entries of a file in ``directory`` that stay below site-packages."""
    kept = []
    for entry in entries:
        rest, origin = _ORIGIN.subn("", entry)
        path = posixpath.normpath(posixpath.join(directory or ".", rest.lstrip("/")))
        if origin and "$" not in rest and path.partition("/")[0] != "..":
            kept.append(entry)
    return tuple(kept)
