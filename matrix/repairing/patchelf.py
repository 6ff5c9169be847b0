"""Rewrites copies of ELF files with patchelf, once each, and reads them again to see that nothing broke."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import anyio.from_thread
import msgspec

from matrix.auditing.elf import Binary, read_elf
from matrix.auditing.image import Image, mapped, open_image
from matrix.auditing.symbols import VersionNeed
from matrix.errors import ToolError
from matrix.model import Command
from matrix.process import Completed, capture
from matrix.repairing.nouns import Change
from matrix.tools import PATCHELF

__all__ = ["Patchelf", "RunTool", "check_version", "run_from_thread"]

RunTool = Callable[[Sequence[str]], Completed]

OLDEST = (0, 14, 5)  # older ones write files that loaders refuse (auditwheel's floor)
_TIMEOUT = 300.0  # seconds for one file
_VERSION = re.compile(r"patchelf (\d+(?:\.\d+)*)")
_PAGE = 0x1000  # the smallest that a system has


def run_from_thread(argv: Sequence[str]) -> Completed:
    """Run a short program from a worker thread of the event loop, which starts and ends it."""
    command = Command(argv=tuple(argv))
    return anyio.from_thread.run(partial(capture, command, root=Path.cwd(), timeout=_TIMEOUT))


def check_version(said: str) -> None:
    """Refuse a patchelf that is too old, given what ``patchelf --version`` said.

    Raises:
        ToolError: It is too old, or no patchelf at all.
    """
    match = _VERSION.match(said)
    if match is None:
        raise ToolError(f"patchelf does not say its version: {said.strip()[:80]!r}", hint=PATCHELF.install)
    if tuple(map(int, match[1].split("."))) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ToolError(
            f"patchelf {match[1]} is too old to repair wheels: {oldest} or newer is needed", hint=PATCHELF.install
        )


class Patchelf:
    """A patchelf, asked for its version before it is first used."""

    def __init__(self, path: str | None, run: RunTool = run_from_thread) -> None:
        """Use a program.

        Args:
            path: The program, or ``None`` when there is none.
            run: Runs programs.
        """
        self._path = path
        self._run = run
        self._checked = False

    def ready(self) -> str:
        """Return the program's path.

        Raises:
            ToolError: It is missing, does not run, or is too old.
        """
        if self._path is None:
            raise ToolError("patchelf is needed to bring libraries along, and is not installed", hint=PATCHELF.install)
        if not self._checked:
            check_version(self._run((self._path, "--version")).stdout)
            self._checked = True
        return self._path

    def apply(self, change: Change, file: Path) -> None:
        """Rewrite a file in place, which must be a copy, in one call, and check the result.

        Raises:
            ToolError: patchelf fails, or its result is not what was asked for.
            BadBinaryError: The result is no ELF file that a loader could load.
        """
        path = self.ready()
        before = _layout(file)
        ran = self._run((path, *arguments(change), str(file)))
        name = change.after.file
        if ran.exit:
            raise ToolError(f"patchelf failed on {name}: {ran.stderr.strip()[-500:] or f'exit {ran.exit}'}")
        _check(change, file, before)


def arguments(change: Change) -> list[str]:
    """Return the arguments that make a change; the RPATH is DT_RPATH, which libraries that are loaded see too."""
    words: list[str] = []
    if change.after.soname != change.before.soname and change.after.soname is not None:
        words += ["--set-soname", change.after.soname]
    for old, new in change.replaced:
        words += ["--replace-needed", old, new]
    if change.after.rpath:
        words += ["--force-rpath", "--set-rpath", ":".join(change.after.rpath)]
    elif change.before.rpath or change.before.runpath:
        words += ["--remove-rpath"]
    return words


def _layout(file: Path) -> str:
    """Return what must stay as it was: everything that the linker counted."""
    with mapped(file.name, file) as data:
        image = open_image(data)
        return f"{image.bits} {image.order} {image.machine} {image.kind} {image.flags}"


def _check(change: Change, file: Path, before: str) -> None:
    name = change.after.file
    with mapped(name, file) as data:
        image = open_image(data)
        now = read_elf(name, data)
        fault = _segment_fault(image)
    if fault is None and _layout(file) != before:
        fault = "it is another kind of file"
    if fault is None:
        fault = _difference(now, change)
    if fault is not None:
        raise ToolError(f"patchelf damaged {name}: {fault}", hint=f"try another version of it: {PATCHELF.install}")


def _segment_fault(image: Image) -> str | None:
    """Say what a loader could not map (the hazards of NixOS/patchelf#474 and the like)."""
    loaded = [segment for segment in image.segments if segment.kind == "PT_LOAD"]
    for segment in loaded:
        if segment.offset + segment.size > len(image.data):
            return f"a segment ends beyond the file, at {segment.offset + segment.size:#x}"
        align = max(segment.align, 1)
        if align & (align - 1) or (segment.address - segment.offset) % max(min(align, _PAGE), 1):
            return f"the segment at {segment.address:#x} is not aligned"
        if align >= _PAGE and (segment.address - segment.offset) % align:
            return f"the segment at {segment.address:#x} is not aligned to {align:#x}"
    addresses = [segment.address for segment in loaded]
    if addresses != sorted(addresses):
        return "its segments are out of order"
    for one, other in pairwise(loaded):
        if one.address + one.size > other.address:
            return f"the segments at {one.address:#x} and {other.address:#x} overlap"
    return None


def _difference(now: Binary, change: Change) -> str | None:
    """Say where a file is not what it was to be; the library names of versions may be the old or the new ones."""
    wanted = change.after
    renamed = dict(change.replaced)
    for field in msgspec.structs.fields(Binary):
        one, other = getattr(now, field.name), getattr(wanted, field.name)
        if field.name == "needs":
            one, other = _under(renamed, one), _under(renamed, other)
        if one != other:
            return f"{field.name} is {str(one)[:200]}, not {str(other)[:200]}"
    return None


def _under(renamed: dict[str, str], needs: Sequence[VersionNeed]) -> list[tuple[str, str]]:
    return sorted((renamed.get(need.library, need.library), need.version) for need in needs)
