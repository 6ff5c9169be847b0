"""What the lock file of a workspace says."""

from __future__ import annotations

from pathlib import Path

from matrix.errors import ConfigError
from matrix.project.cargo import CargoMetadata
from matrix.project.toml import read_toml

__all__ = ["all_fetched"]


def all_fetched(metadata: CargoMetadata) -> bool:
    """Whether every crate that Cargo.lock names is on this machine.

    ``cargo metadata`` downloads what it tells of, for it reads each manifest; crates of features that are off, which
    the lock file names as well, it leaves out. Without a readable lock file nothing is known.
    """
    try:
        packages = read_toml(Path(metadata.workspace_root, "Cargo.lock"))["package"]
        wanted = {(one["name"], one["version"]) for one in packages if "source" in one}
    except (ConfigError, KeyError, TypeError):
        return False
    return wanted <= {(one.name, one.version) for one in metadata.packages if one.source is not None}
