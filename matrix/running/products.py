"""What goes into a wheel from what a build made: a module beside its package, programs as scripts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matrix.archives import Entry, Layout, extension_path, extension_suffix
from matrix.model import Artifact, Build, Outcome

__all__ = ["product_entries"]


def product_entries(
    layout: Layout, distribution: str, build: Build, outcome: Outcome, replaced: Mapping[str, Path]
) -> list[Entry]:
    """Return the members of a wheel that are made from a build's artifacts.

    Args:
        layout: Where the Python side lies.
        distribution: ``name-version`` as in file names; names the ``.data`` directory.
        build: The build.
        outcome: What it made.
        replaced: Files that stand for an artifact, by its path.
    """
    return [
        Entry(_member(layout, distribution, build, one), replaced.get(one.path, Path(one.path)), executable=True)
        for one in outcome.artifacts
    ]


def _member(layout: Layout, distribution: str, build: Build, artifact: Artifact) -> str:
    if artifact.kind == "bin":  # installers put them on PATH (PEP 427)
        suffix = ".exe" if build.target.os == "windows" else ""
        return f"{distribution}.data/scripts/{artifact.crate}{suffix}"
    own = build.interpreter.ext_suffix if build.interpreter is not None else ".so"
    return extension_path(layout, extension_suffix(build.target, build.stable_abi, own))
