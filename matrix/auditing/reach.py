"""Whether the loader would find the libraries that a wheel brings along, by the paths written into its binaries."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from matrix.auditing.elf import Binary
from matrix.model import Finding

__all__ = ["leaves", "unreached"]

_ORIGIN = re.compile(r"^(?:\$ORIGIN|\$\{ORIGIN\}|@loader_path)(?=/|$)")
_ELSEWHERE = re.compile(r"^[^/]+\.data/(?!platlib/|purelib/)")
_DATA = re.compile(r"^[^/]+\.data/(?:platlib|purelib)/")


def unreached(binaries: Sequence[Binary]) -> Iterator[Finding]:
    """Yield a warning for each needed library of the wheel that no RPATH of any binary leads to.

    Only that is certain: a path in one binary also serves the libraries that it loads, and a program may load a
    library by itself before another needs it.
    """
    homes: dict[str, set[str]] = {}
    for binary in binaries:
        if binary.kind == "library":
            for name in {binary.soname, posixpath.basename(binary.file)} - {None}:
                homes.setdefault(str(name), set()).add(_home(binary))
    led_to = {_resolved(binary, path) for binary in binaries for path in binary.runpath or binary.rpath}
    for binary in binaries:
        for library in binary.needed:
            if library in homes and not homes[library] & led_to:
                yield Finding(
                    code="library-not-reached",
                    severity="warning",
                    file=binary.file,
                    message=f"needs {library}, which the wheel brings, but no RPATH leads there",
                    hint="the loader looks for it on the system, unless something in the wheel loads it first",
                )


def leaves(file: str, path: str) -> bool:
    """Whether a search path relative to its file leads out of the directory that wheels are installed in.

    Args:
        file: The member of the wheel. One of ``.data/scripts`` or ``.data/data`` lies outside already.
        path: It begins with ``$ORIGIN`` or ``@loader_path``; any other leads nowhere that is known.
    """
    relative, origin = _ORIGIN.subn("", path)
    if not origin or _ELSEWHERE.match(file):
        return False
    home = posixpath.dirname(_DATA.sub("", file))
    return posixpath.normpath(posixpath.join(home, relative.lstrip("/"))).split("/")[0] == ".."


def _home(binary: Binary) -> str:
    """Return the directory a member is installed in, relative to site-packages."""
    return posixpath.dirname(_DATA.sub("", binary.file))


def _resolved(binary: Binary, path: str) -> str:
    relative, origin = _ORIGIN.subn("", path)
    if not origin:
        return path
    return posixpath.normpath(posixpath.join(_home(binary) or ".", relative.lstrip("/"))).removeprefix(".")
