"""Where the libraries of a target lie: directories that were given, linked from, or that its loader knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from matrix.auditing.elf import Libc

__all__ = ["Places", "given_directories", "linked_directories", "loader_directories", "sysroot_directories"]

_TRUSTED = ("lib", "lib64", "lib32", "usr/lib", "usr/lib64", "usr/lib32")
_MUSL_DEFAULT = "/lib:/usr/local/lib:/usr/lib"
_INCLUDES_LIMIT = 16  # levels of ld.so.conf that include each other
_LIBRARY_DIRECTORY = re.compile(r"(?:/usr(?:/local)?)?/lib(?:32|64|x32)?(?:/(?P<multiarch>[\w.]+-linux-[\w.]+))?")
_MULTIARCH = {"i686": "i386", "armv7l": "arm", "ppc64le": "powerpc64le", "ppc64": "powerpc64"}
_ABI = {"armv7l": "eabihf"}


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look for a library, besides the paths written into the binaries that need it.

    Attributes:
        given: Directories named by a flag or in LD_LIBRARY_PATH.
        linked: Directories that build scripts gave the linker.
        system: Directories that the target's own loader searches.
        why_no_system: What to say where there is no system to search; empty where there is.
    """

    given: tuple[Path, ...] = ()
    linked: tuple[Path, ...] = ()
    system: tuple[Path, ...] = ()
    why_no_system: str = ""


def given_directories(text: str) -> tuple[Path, ...]:
    """Split ``A:B`` into directories; empty parts, which mean the current directory to a loader, are dropped."""
    return tuple(Path(part).absolute() for part in text.split(os.pathsep) if part)


def linked_directories(paths: Iterable[str]) -> tuple[Path, ...]:
    """Return the directories among cargo's linked paths that may hold shared libraries.

    Args:
        paths: As cargo reports them: ``native=/usr/lib``, ``/usr/lib``, ``dependency=…``.
    """
    found: dict[Path, None] = {}
    for text in paths:
        kind, sign, path = text.partition("=")
        if not sign:
            kind, path = "native", text
        if kind in {"native", "all"} and Path(path).is_absolute():
            found[Path(path)] = None
    return tuple(found)


def loader_directories(libc: Libc, arch: str, root: Path = Path("/")) -> tuple[Path, ...]:
    """Return what the loader of a running system searches, in its order (ld.so(8), musl's ld-musl-ARCH.path).

    Args:
        libc: Its C library.
        arch: Its architecture, as platform tags name it.
        root: Its root directory.
    """
    if libc == "musl":
        names = [*(root / "etc").glob(f"ld-musl-{_MULTIARCH.get(arch, arch)}*.path")]
        text = _read(names[0]) if names else _MUSL_DEFAULT
        return tuple(root / part.strip("/") for part in re.split(r"[:\n]", text) if part.strip())
    configured = _configured(root / "etc/ld.so.conf", root, 0)
    return tuple(dict.fromkeys([*configured, *(root / name for name in _TRUSTED)]))


def sysroot_directories(linked: Iterable[Path], libc: Libc, arch: str) -> tuple[Path, ...]:
    """Return the library directories of the systems that linked directories belong to.

    ``/sysroot/usr/lib/aarch64-linux-gnu`` also stands for ``/sysroot/lib/aarch64-linux-gnu`` and the like. Of this
    machine's own root only directories that carry the target's name count: the others are the host's.

    Args:
        linked: Directories that the linker searched.
        libc: The target's C library.
        arch: Its architecture, as platform tags name it.
    """
    triplet = _triplet(libc, arch)
    found: dict[Path, None] = {}
    for directory in linked:
        match = _LIBRARY_DIRECTORY.search(directory.as_posix())
        if match is None or match.end() != len(directory.as_posix()):
            continue
        root = Path(directory.as_posix()[: match.start()] or "/")
        names = [f"{base}/{triplet}" for base in ("lib", "usr/lib", "usr/local/lib")]
        if root != Path("/"):
            names += ["usr/local/lib", *_TRUSTED]
        found |= dict.fromkeys(root / name for name in names)
    return tuple(found)


def _triplet(libc: Libc, arch: str) -> str:
    """Return Debian's name of a platform: ``aarch64-linux-gnu``."""
    environment = "musl" if libc == "musl" else "gnu"
    return f"{_MULTIARCH.get(arch, arch)}-linux-{environment}{_ABI.get(arch, '')}"


def _configured(path: Path, root: Path, depth: int) -> Iterator[Path]:
    if depth > _INCLUDES_LIMIT:
        return
    for line in _read(path).splitlines():
        word = line.partition("#")[0].strip()
        if word.startswith("include "):
            for pattern in word.removeprefix("include ").split():
                base = root if pattern.startswith("/") else path.parent
                for included in sorted(base.glob(pattern.lstrip("/"))):
                    yield from _configured(included, root, depth + 1)
        elif word.startswith("/"):
            yield root / word.lstrip("/")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
