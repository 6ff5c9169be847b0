"""The clean command from its options to what it removed."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.errors import WheelmatrixError
from matrix.files import shown
from matrix.project.cargo import CargoPlaces, ask_cargo
from matrix.project.locate import find_files
from matrix.reporting.formats import count, size
from matrix.running.lanes import workshop_of
from matrix.running.pruning import Pruned, prune
from matrix.telling import say

__all__ = ["clean"]


async def clean(options: argparse.Namespace) -> list[Path]:
    """Remove what the options name; return what was removed, or would be.

    Raises:
        UsageError: There is no project here.
        ConfigError: cargo refuses the project.
        ToolError: cargo is missing.
        OSError: Something cannot be removed.
    """
    cwd = Path.cwd()
    base, unpacked = await _workshops(options, cwd)
    before = time.time() - options.older_than if options.older_than is not None else None
    removed: list[Path] = []
    # wheels built from a source distribution have lanes of their own
    for workshop in (unpacked, base):
        done = await anyio.to_thread.run_sync(_prune, workshop, options, before)
        removed += done.removed
        if not options.quiet:
            _tell(done, workshop, options, cwd, main=workshop == base)
    return removed


def _prune(base: Path, options: argparse.Namespace, before: float | None) -> Pruned:
    return prune(base, lanes_only=options.lanes, before=before, dry_run=options.dry_run)


def _tell(done: Pruned, base: Path, options: argparse.Namespace, cwd: Path, *, main: bool) -> None:
    for lane in done.held:
        say("note", f"{shown(lane, cwd)} stays: a run has it in use")
    lanes = sum(path.parent.name == "lanes" and path.suffix not in {".pyo3", ".from"} for path in done.removed)
    if main or lanes:
        word = "would be removed" if options.dry_run else "removed"
        say("note", f"{count(lanes, 'lane')} {word} from {shown(base, cwd)}, {size(done.size)}")


async def _workshops(options: argparse.Namespace, cwd: Path) -> tuple[Path, Path]:
    """Return where lanes are, and where those of wheels made from a source distribution are.

    The flag says, else cargo, which needs no dependencies for it.
    """
    flag = (cwd / str(options.target_dir)).resolve() if options.target_dir is not None else None
    try:
        files = find_files(cwd, Path(options.manifest_path) if options.manifest_path is not None else None)
        asked = ("metadata", "--no-deps", "--format-version=1", "--manifest-path", str(files.manifest))
        said = msgspec.json.decode(await ask_cargo(asked, files.manifest, files.root), type=CargoPlaces)
    except WheelmatrixError:
        if flag is None:
            raise
        return flag / "wheelmatrix", _unpacked(flag)
    target = flag or Path(said.target_directory)
    return workshop_of(files.root, target, said.build_dir), _unpacked(target)


def _unpacked(target: Path) -> Path:
    return target / "wheelmatrix" / "sdist" / "target" / "wheelmatrix"
