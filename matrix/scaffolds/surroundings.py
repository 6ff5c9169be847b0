"""What lies around a new project: a cargo workspace that has to know of it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["workspace_warning"]


def workspace_warning(manifest: Path) -> str | None:
    """Say that the nearest cargo workspace above a new manifest does not name it; cargo refuses to build it then.

    Args:
        manifest: The Cargo.toml to be, absolute.
    """
    import tomli  # noqa: PLC0415 - few new projects lie below another

    crate = manifest.parent
    for outer in crate.parents:
        try:
            workspace = tomli.loads((outer / "Cargo.toml").read_text("utf-8")).get("workspace")
        except (OSError, ValueError):  # none here, or one that cargo itself will complain of
            continue
        if not isinstance(workspace, dict):
            continue
        path = crate.relative_to(outer).as_posix()
        if _named(workspace, "members", path) or _named(workspace, "exclude", path):
            return None
        return f'{outer / "Cargo.toml"} is a cargo workspace: add "{path}" to its members, or to exclude'
    return None


def _named(workspace: dict[str, Any], key: str, path: str) -> bool:
    """Whether a list of paths and patterns has the crate; ``exclude`` has all that is below its paths, too."""
    listed = workspace.get(key)
    names = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    for name in names:
        plain = name.removeprefix("./").rstrip("/")
        depth = len(PurePosixPath(plain).parts)
        if len(PurePosixPath(path).parts) == depth and PurePosixPath(path).match(plain):
            return True
        if key == "exclude" and PurePosixPath(path).is_relative_to(plain):
            return True
    return False
