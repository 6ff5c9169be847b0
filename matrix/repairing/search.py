"""Finds the file of a library that a binary needs: of the right architecture and C library, or says where it is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from matrix.archives.record import hash_file
from matrix.auditing.elf import Binary, Libc, read_binary
from matrix.auditing.image import BadBinaryError
from matrix.auditing.verdict import same_architecture
from matrix.repairing.places import Places

__all__ = ["Found", "Library", "Missing", "Search"]

_ORIGIN = re.compile(r"\$(?:ORIGIN|\{ORIGIN\})(?=/|$)")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A library found.

    Attributes:
        soname: The name it is needed by.
        path: The file itself, links resolved.
        sha256: Hexadecimal digest of it.
        parts: Where several files are joined into one (slices for macOS): each with its digest.
    """

    soname: str
    path: Path
    sha256: str
    parts: tuple[tuple[Path, str], ...] = ()

    @property
    def files(self) -> tuple[tuple[Path, str], ...]:
        """Every file that it is made from, with its digest."""
        return self.parts or ((self.path, self.sha256),)


class Library(Found, frozen=True, kw_only=True):
    """A library of Linux.

    Attributes:
        binary: What it is and needs.
    """

    binary: Binary


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A library that is not there.

    Attributes:
        soname: The name it is needed by.
        needed_by: The binary that needs it.
        searched: Directories searched, in order.
        unfit: Files of that name that will not do, each with the reason.
        hint: What else to know, or empty.
    """

    soname: str
    needed_by: str
    searched: tuple[Path, ...] = ()
    unfit: tuple[tuple[Path, str], ...] = ()
    hint: str = ""


class Search:
    """Looks for libraries of one platform, each file read once."""

    def __init__(self, arch: str, libc: Libc, places: Places) -> None:
        """Search for a platform.

        Args:
            arch: Its architecture, as platform tags name it.
            libc: Its C library; empty takes any.
            places: Where to look.
        """
        self._arch = arch
        self._libc = libc
        self._places = places
        self._read: dict[Path, Library | str] = {}

    def find(self, soname: str, needed_by: Binary, home: Path | None = None) -> Library | Missing:
        """Return the first fitting file of that name in a loader's order, or say what was tried.

        A loader takes DT_RPATH, then LD_LIBRARY_PATH, DT_RUNPATH and the system's directories; what the linker
        searched stands between the two in the middle, and the directory of a library that was found behind all.

        Args:
            soname: The name.
            needed_by: What needs it.
            home: The directory of that file, where its ``$ORIGIN`` means one; ``None`` for a file of the wheel.

        Raises:
            OSError: A file cannot be read.
        """
        searched: dict[Path, None] = {}
        unfit: dict[Path, str] = {}
        for directory in self._directories(needed_by, home):
            if directory in searched:
                continue
            searched[directory] = None
            file = directory / soname
            if not file.is_file():
                continue
            found = self._judged(soname, file.resolve())
            if isinstance(found, Library):
                return found
            unfit[file] = found
        return Missing(
            soname=soname,
            needed_by=needed_by.file,
            searched=tuple(searched),
            unfit=tuple(unfit.items()),
            hint=self._places.why_no_system,
        )

    def _directories(self, binary: Binary, home: Path | None) -> Iterator[Path]:
        if not binary.runpath:
            yield from _written(binary.rpath, home)
        yield from self._places.given
        yield from self._places.linked
        yield from _written(binary.runpath, home)
        yield from self._places.system
        if home is not None:
            yield home

    def _judged(self, soname: str, path: Path) -> Library | str:
        """Return the library, or why it will not do."""
        if path not in self._read:
            self._read[path] = self._library(path)
        found = self._read[path]
        return msgspec.structs.replace(found, soname=soname) if isinstance(found, Library) else found

    def _library(self, path: Path) -> Library | str:
        try:
            binary = read_binary(str(path), path)
        except BadBinaryError as error:
            return error.message.removeprefix(f"{path}: ")
        if not same_architecture(self._arch, binary.arch):
            return f"is for {binary.arch}, not for {self._arch}"
        if binary.libc and self._libc and binary.libc != self._libc:
            return f"is linked against {binary.libc}, not against {self._libc}"
        if binary.kind != "library":
            return "is no shared library"
        return Library(soname=path.name, path=path, sha256=hash_file(path)[0].hex(), binary=binary)


def _written(directories: tuple[str, ...], home: Path | None) -> Iterator[Path]:
    """Yield the directories of an RPATH that mean something on this machine."""
    for text in directories:
        resolved = _ORIGIN.sub(str(home), text) if home is not None else text
        if resolved.startswith("/") and "$" not in resolved:
            yield Path(resolved)
