"""Gives the disk back: removes lanes and what belongs to them, never one that a run holds, nor what is not ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from matrix.running.lanes import disk_size, origin_of

__all__ = ["Pruned", "prune"]

_DOOMED = ".removed-"
"""How the name of a lane begins that is on its way out: half of one must never look like a lane."""


class Pruned(msgspec.Struct):
    """What was removed, or would be.

    Attributes:
        removed: Directories and files.
        size: Bytes on disk of the lanes; what they share with each other counts once.
        held: Lanes that a run has in use.
    """

    removed: list[Path] = msgspec.field(default_factory=list)
    size: int = 0
    held: list[Path] = msgspec.field(default_factory=list)


def prune(base: Path, *, lanes_only: bool = False, before: float | None = None, dry_run: bool = False) -> Pruned:
    """Remove lanes, and unless ``lanes_only`` their logs and what is remembered of them.

    A seed stays as long as a lane that came from it: build scripts may have told that lane of paths within the seed.
    Lock files stay: a run may be waiting for one.

    Args:
        base: The directory that holds lanes, logs and state.
        lanes_only: Whether logs and what is remembered stay.
        before: Only what was last used before this time, in seconds since the epoch; ``None`` for everything.
        dry_run: Whether nothing is really removed.

    Raises:
        OSError: Something cannot be removed.
    """
    done = Pruned()
    lanes = _lanes(base)
    staying = {lane.name for lane in lanes if before is not None and _used(base, lane.name) >= before}
    gone: list[Path] = []
    seen: set[tuple[int, int]] = set()  # what lanes share counts once
    for lane in _seeds_last(lanes):
        needed = any(lane.name in origin_of(other) for other in lanes if other not in gone)
        if lane.name in staying or needed:
            staying.add(lane.name)
            continue
        with _locked(lane) as ours:
            if ours:
                gone.append(lane)
                done.size += disk_size(lane, seen=seen)
                _remove([lane, lane.with_name(f"{lane.name}.pyo3"), lane.with_name(f"{lane.name}.from")], done, dry_run)
            else:
                staying.add(lane.name)
                done.held.append(lane)
    for left in (base / "lanes").glob(f"{_DOOMED}*") if not dry_run else ():
        shutil.rmtree(left, ignore_errors=True)
    if not lanes_only:
        _remove(_papers(base, staying, before), done, dry_run)
    return done


def _lanes(base: Path) -> list[Path]:
    """Return our lanes: real directories whose lock a run has made."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(
            lane
            for lane in (base / "lanes").iterdir()
            if lane.is_dir() and not lane.is_symlink() and lane.with_name(f"{lane.name}.lock").is_file()
        )
    return []


def _seeds_last(lanes: Sequence[Path]) -> Iterator[Path]:
    """Yield every lane after those that came from it."""
    pending = list(lanes)
    while pending:
        free = [lane for lane in pending if not any(lane.name in origin_of(one) for one in pending if one != lane)]
        for lane in free or pending[:1]:
            pending.remove(lane)
            yield lane


def _used(base: Path, name: str) -> float:
    """Return when a lane was last used."""
    marks = (base / "lanes" / f"{name}.lock", base / "logs" / f"{name}.log", base / "state" / f"{name}.json")
    return max((mark.stat().st_mtime for mark in marks if mark.is_file()), default=0.0)


@contextmanager
def _locked(lane: Path) -> Iterator[bool]:
    """Hold a lane if nobody else does; say whether."""
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only here

    path = lane.with_name(f"{lane.name}.lock")
    times = path.stat()
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
        with suppress(OSError):  # to look whether it is in use is no use
            os.utime(path, (times.st_atime, times.st_mtime))


def _papers(base: Path, staying: set[str], before: float | None) -> Iterator[Path]:
    """Yield logs, memories and reports of what does not stay."""
    for folder, suffix in (("logs", ".log"), ("state", ".json")):
        for path in sorted((base / folder).glob(f"*{suffix}")):
            old = before is None or path.stat().st_mtime < before
            if old and not staying & {*path.stem.split("+")}:
                yield path
    if before is None and not staying:
        yield from (
            path for name in ("metadata.json", "report.json", "timeline.html") if (path := base / name).is_file()
        )


def _remove(paths: Sequence[Path] | Iterator[Path], done: Pruned, dry_run: bool) -> None:
    for path in paths:
        if not path.exists() or path.is_symlink():
            continue
        done.removed.append(path)
        if dry_run:
            continue
        if path.is_dir():
            doomed = path.with_name(f"{_DOOMED}{os.urandom(4).hex()}")
            path.rename(doomed)
            shutil.rmtree(doomed)
        else:
            path.unlink()
