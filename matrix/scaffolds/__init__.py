"""New projects: what ``new`` and ``init`` write, one template per bindings, and how it gets onto the disk."""

from matrix.scaffolds.command import scaffold

__all__ = ["scaffold"]
