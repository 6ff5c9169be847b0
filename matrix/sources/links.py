"""Crates on the way into a source distribution: packed inside the repository, refused elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matrix.errors import ConfigError

__all__ = ["check_repository"]


def check_repository(root: Path, manifests: Sequence[Path]) -> None:
    """Refuse crates outside the git repository that holds the project: nobody else could make its source distribution.

    A repository may be part of another (submodules); the outermost counts.

    Args:
        root: The project's root. Outside any repository nothing is refused.
        manifests: Cargo.toml of every crate to pack, the project's own first.

    Raises:
        ConfigError: Names the first manifest that lies outside.
    """
    repositories = [one for one in (root, *root.parents) if (one / ".git").exists()]
    for manifest in manifests if repositories else ():
        if not manifest.is_relative_to(repositories[-1]):
            own = manifest == manifests[0]
            what = "[tool.maturin] manifest-path" if own else "a path dependency"
            raise ConfigError(
                f"{manifest}: {what} leads to this crate, outside the repository {repositories[-1]}",
                hint="move the crate into the repository" + ("" if own else ", or depend on it by git or by version"),
            )
