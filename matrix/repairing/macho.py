"""Gives Mach-O files other install names, and signs them anew."""

from __future__ import annotations

from pathlib import Path

from matrix.repairing.nouns import MachChange

__all__ = ["rewrite_macho"]


def rewrite_macho(change: MachChange, file: Path) -> None:
    """Rewrite a file in place."""
    raise NotImplementedError(change, file)
