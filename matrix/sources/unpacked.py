"""Unpacks our own source distribution so that cargo sees only what changed since the last time."""

from __future__ import annotations

import os
import tarfile
from contextlib import suppress
from pathlib import Path

from matrix.errors import WheelmatrixError
from matrix.files import write_atomically

__all__ = ["unpack_into"]


def unpack_into(tree: Path, archive: Path) -> Path:
    """Make a directory hold exactly what an archive's top folder holds; return it.

    A file whose content is right already keeps its time, and a changed one gets that of now: cargo goes by times, and
    the archive's own are fixed.

    Args:
        tree: The directory; made when it is missing.
        archive: A source distribution that this program wrote.

    Raises:
        WheelmatrixError: The directory cannot be written.
    """
    kept: set[Path] = set()
    try:
        tree.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content is None:
                    continue
                path = tree.joinpath(*Path(member.name).parts[1:])
                kept.add(path)
                _settle(tree, path, content.read(), member.mode)
        _remove_others(tree, kept)
    except (OSError, tarfile.TarError) as error:
        raise WheelmatrixError(f"{archive.name} cannot be unpacked into {tree}: {error}") from error
    return tree


def _settle(tree: Path, path: Path, data: bytes, mode: int) -> None:
    with suppress(OSError):
        if not path.is_symlink() and path.read_bytes() == data:
            if path.stat().st_mode & 0o777 != mode:
                path.chmod(mode)
            return
    _make_room(tree, path)
    write_atomically(path, data, mode=mode)


def _make_room(tree: Path, path: Path) -> None:
    """Remove a directory where a file is to be, and a file where a directory is to be."""
    if path.is_dir() and not path.is_symlink():
        _remove_others(path, set())
    for parent in path.relative_to(tree).parents:
        place = tree / parent
        if parent.parts and (place.is_symlink() or place.is_file()):
            place.unlink()


def _remove_others(tree: Path, kept: set[Path]) -> None:
    """Remove every file that is not kept, and directories that are left empty."""
    for folder, directories, files in os.walk(tree, topdown=False):
        for name in files:
            path = Path(folder, name)
            if path not in kept:
                path.unlink()
        for name in directories:
            path = Path(folder, name)
            if path.is_symlink():
                path.unlink()
            else:
                with suppress(OSError):  # not empty
                    path.rmdir()
    if tree.is_dir() and not kept:
        tree.rmdir()
