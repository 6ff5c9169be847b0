"""Where builds happen: a lane (cargo target directory) a build, kept between runs, locked against a second run.

Everything lies under ``<target directory>/wheelmatrix``, or where ``build.build-dir`` says (``workshop_of``): any other
file written inside a package makes a build script without ``rerun-if-changed`` run again.

    lanes/<build>/         the cargo target directory of a build
    lanes/<build>.lock     held while the build runs
    lanes/<build>.pyo3     its PyO3 configuration, rewritten only when it changes
    lanes/<build>.from     the seed that it was cloned from
    logs/<build>.log       the whole output of its last run
    state/<build>.json     what the last good run of it made
    metadata.json          the core metadata of the last run
    profiles/<build>/      the profile it is made with (--pgo)
    staged/<run>/<build>/  copies of its artifacts while they are audited and packed
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio
import msgspec

__all__ = ["Workshop", "disk_size", "held_lock", "origin_of", "workshop_of"]

LOCK_POLL = 0.1  # seconds between looks at a lane held by another run
LOCK_TIMEOUT = 10.0  # seconds; only another run's sweep can hold this run's own lock, for a moment


class Workshop(msgspec.Struct, frozen=True):
    """The directory that holds lanes, logs and state of one project.

    Attributes:
        base: ``<target directory>/wheelmatrix``, or in the build directory.
        run: Names this run among those that use it.
    """

    base: Path
    run: str = msgspec.field(default_factory=lambda: f"run-{os.urandom(6).hex()}")

    def lane(self, build: str) -> Path:
        """The cargo target directory that ``build`` owns."""
        return self.base / "lanes" / build

    def config(self, build: str) -> Path:
        """The PyO3 configuration file of ``build``."""
        return self.base / "lanes" / f"{build}.pyo3"

    def log(self, build: str) -> Path:
        """The log file of ``build``."""
        return self.base / "logs" / f"{build}.log"

    def profile(self, build: str) -> Path:
        """The profile that ``build`` is made with (``--pgo``), and what it was merged from."""
        return self.base / "profiles" / build

    def state(self, build: str) -> Path:
        """What the last good run of ``build`` made."""
        return self.base / "state" / f"{build}.json"

    @property
    def staging(self) -> Path:
        """Where this run copies artifacts to."""
        return self.base / "staged" / self.run

    def prepare(self) -> None:
        """Make the directories.

        Raises:
            OSError: The directory cannot be written.
        """
        for name in ("lanes", "logs", "state", "staged"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        tag = self.base.parent / "CACHEDIR.TAG"
        if not tag.exists():  # backup programs and maturin's sdist skip what carries it
            tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n", encoding="ascii")

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Use the workshop for one run: drop what killed runs left in ``staged``, and leave nothing there.

        A run holds a lock of its own meanwhile; process ids would not do, for a container has its own.

        Raises:
            OSError: The directory cannot be written.
        """
        from filelock import FileLock  # noqa: PLC0415 - only runs need it

        self.prepare()
        mine = FileLock(self.staging.with_suffix(".lock"))
        mine.acquire(timeout=LOCK_TIMEOUT)
        try:
            self._sweep()
            yield
        finally:
            shutil.rmtree(self.staging, ignore_errors=True)
            mine.release()
            self.staging.with_suffix(".lock").unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove staged copies whose run is not alive any more."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only runs need it

        for left in (self.base / "staged").iterdir():
            if left.stem == self.run:
                continue
            lock = left.with_suffix(".lock")
            with suppress(Timeout, OSError), FileLock(lock, timeout=0):
                shutil.rmtree(left.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)

    @asynccontextmanager
    async def held(self, build: str, waiting: Callable[[], None]) -> AsyncIterator[Path]:
        """Hold the lane of ``build`` against other runs; call ``waiting`` once when another run has it."""
        lane = self.lane(build)
        lane.mkdir(parents=True, exist_ok=True)
        async with held_lock(lane.with_name(f"{build}.lock"), waiting):
            yield lane


def workshop_of(root: Path, target: Path, build: Path | None) -> Path:
    """Return the directory of lanes, logs and state.

    Args:
        root: The project's root.
        target: cargo's target directory.
        build: cargo's build directory (``build.build-dir``), or ``None`` when cargo knows none; what is made on the
            way to a wheel goes there. One that several projects may share gets a directory for each.
    """
    if build is None or build == target:
        return target / "wheelmatrix"
    if build.is_relative_to(root):
        return build / "wheelmatrix"
    return build / f"wheelmatrix-{root.name}-{hashlib.sha256(str(root).encode()).hexdigest()[:8]}"


def origin_of(lane: Path) -> tuple[str, ...]:
    """Return the names of the seeds that a lane was cloned from."""
    try:
        return tuple(lane.with_name(f"{lane.name}.from").read_text(encoding="utf-8").split())
    except OSError:
        return ()


def disk_size(*folders: Path, seen: set[tuple[int, int]] | None = None) -> int:
    """Return the bytes that folders take on disk together; a file with several links counts once.

    Args:
        folders: The folders.
        seen: Files with several links that do not count any more; gets those that counted now.
    """
    seen = set() if seen is None else seen
    total, pending = 0, [str(folder) for folder in folders]
    while pending:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                    continue
                with suppress(OSError):
                    known = entry.stat(follow_symlinks=False)
                    if (known.st_dev, known.st_ino) not in seen:
                        total += known.st_blocks * 512 if hasattr(known, "st_blocks") else known.st_size
                    if known.st_nlink > 1:
                        seen.add((known.st_dev, known.st_ino))
    return total


@asynccontextmanager
async def held_lock(path: Path, waiting: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """Hold a lock file against other runs; call ``waiting`` once when another run has it.

    Raises:
        OSError: It cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only runs need it

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    told = waiting is None
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except Timeout:
            if not told and waiting is not None:
                told = True
                waiting()
            await anyio.sleep(LOCK_POLL)
    try:
        yield
    finally:
        lock.release()
