"""Files that cargo makes beside a library or a program: separate debug info, and import libraries of Windows."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeAlias

from matrix.model import Artifact

__all__ = ["Companion", "companions_of", "staged_companions"]

Companion: TypeAlias = Literal["debuginfo", "import-lib"]

_ENDINGS: dict[Companion, tuple[str, ...]] = {
    "debuginfo": (".pdb", ".dSYM", ".dwp"),
    "import-lib": (".dll.lib", ".dll.a"),
}


def companions_of(files: Iterable[str], wanted: Collection[Companion]) -> Iterator[str]:
    """Yield the paths of one cargo target's files that are wanted beside it.

    Args:
        files: What cargo names.
        wanted: The kinds.
    """
    endings = tuple(ending for kind in _ENDINGS if kind in wanted for ending in _ENDINGS[kind])
    yield from (file for file in files if endings and file.endswith(endings))


def staged_companions(artifact: Artifact, into: Path) -> Iterator[Artifact]:
    """Copy a companion, a file or a bundle of some (dSYM), and yield an artifact for each file.

    Args:
        artifact: The companion, as cargo left it.
        into: Directory to copy it to.

    Raises:
        OSError: It cannot be copied.
    """
    source = Path(artifact.path)
    copy = into / source.name
    if not source.is_dir():
        shutil.copy2(source, copy)
        yield Artifact(path=str(copy), kind="companion", crate=source.name)
        return
    shutil.copytree(source, copy, dirs_exist_ok=True)
    for path in sorted(one for one in copy.rglob("*") if one.is_file()):
        yield Artifact(path=str(path), kind="companion", crate=path.relative_to(into).as_posix())
