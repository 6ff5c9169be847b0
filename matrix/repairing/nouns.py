"""What a repair is, as values: libraries brought along, binaries rewritten, and what is wanted of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec

from matrix.auditing.elf import Binary
from matrix.auditing.levels import BUILD, Door
from matrix.auditing.macho import MachO
from matrix.auditing.pe import Pe
from matrix.auditing.verdict import RUST_FLOOR, Analysis
from matrix.model import Bundled, Compatibility
from matrix.repairing.search import Found

__all__ = ["Change", "Graft", "MachChange", "PeChange", "Repair", "Wanted", "rewritten"]


class _Named(Protocol):
    @property
    def file(self) -> str: ...


_Kind = TypeVar("_Kind", bound=_Named)


class Graft(msgspec.Struct, frozen=True, kw_only=True):
    """A library that is brought along.

    Attributes:
        file: Its member in the wheel: ``hello.libs/libz-0123abcd.so.1.2.13``.
        library: Where it comes from.
    """

    file: str
    library: Found


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """How one binary is rewritten.

    Attributes:
        before: What it is now; its file is the member of the wheel, or the path of the library.
        after: What it is to be, as the audit will read it again.
        replaced: Old and new name of each library needed.
    """

    before: Binary
    after: Binary
    replaced: tuple[tuple[str, str], ...] = ()


class PeChange(msgspec.Struct, frozen=True, kw_only=True):
    """How one PE file is rewritten.

    Attributes:
        before: What it is now; see ``Change``.
        after: What it is to be.
        replaced: Old and new name of each DLL that it imports from, as the file writes it.
    """

    before: Pe
    after: Pe
    replaced: tuple[tuple[str, str], ...] = ()


class MachChange(msgspec.Struct, frozen=True, kw_only=True):
    """How one Mach-O file is rewritten.

    Attributes:
        before: What it is now; see ``Change``.
        after: What it is to be.
        replaced: Old and new install name of each library needed.
    """

    before: MachO
    after: MachO
    replaced: tuple[tuple[str, str], ...] = ()


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a wheel whole.

    Attributes:
        level: The level that it then carries.
        analysis: The audit of what it will hold.
        grafts: Libraries brought along, by their place in the wheel.
        changes: Binaries to rewrite, of the wheel and of the grafts.
        moved: Programs that move, by their former place, because no path leads from there to the libraries.
    """

    level: Compatibility
    analysis: Analysis
    grafts: tuple[Graft, ...]
    changes: tuple[Change | PeChange | MachChange, ...]
    moved: dict[str, str] = {}

    @property
    def bundled(self) -> tuple[Bundled, ...]:
        """What is brought along, as reports say it."""
        return tuple(
            Bundled(
                file=graft.file,
                library=graft.library.soname,
                source=str(path),
                sha256=sha256,
            )
            for graft in self.grafts
            for path, sha256 in graft.library.files
        )


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair is to reach.

    Attributes:
        level: The level asked for: one, a choice, or ``auto`` for the best.
        name: The distribution's name as it stands in file names.
        floor: For ``auto``: the glibc below which no level is worth a claim.
        exclude: Patterns of libraries that somebody else brings.
        door: What hints may name.
    """

    level: Compatibility
    name: str
    floor: tuple[int, int] = RUST_FLOOR
    exclude: tuple[str, ...] = ()
    door: Door = BUILD


def rewritten(
    binaries: Sequence[_Kind], changes: Iterable[tuple[_Kind, _Kind]], grafts: Mapping[str, Graft]
) -> list[_Kind]:
    """Return the binaries that a wheel holds after a repair, for the audit to judge.

    Args:
        binaries: Its own, as they are.
        changes: What is rewritten, before and after.
        grafts: Libraries brought along, by their place in the wheel.
    """
    known = list(changes)
    after = {old.file: new for old, new in known}
    return [*(after.get(one.file, one) for one in binaries), *(new for _, new in known if new.file in grafts)]
