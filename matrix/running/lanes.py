"""Where builds happen: a lane (cargo target directory) a build, kept between runs, locked against a second run.

Everything lies under ``<target directory>/wheelmatrix``, since any other file written inside a package makes a build
script without ``rerun-if-changed`` run again:

    lanes/<build>/         the cargo target directory of a build
    lanes/<build>.lock     held while the build runs
    lanes/<build>.pyo3     its PyO3 configuration, rewritten only when it changes
    logs/<build>.log       the whole output of its last run
    state/<build>.json     what the last good run of it made
    staged/<pid>/<build>/  copies of its artifacts while they are audited and packed
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

__all__ = ["Workshop"]

LOCK_POLL = 0.1  # seconds between looks at a lane held by another run


@dataclass(frozen=True)
class Workshop:
    """The directory that holds lanes, logs and state of one project.

    Attributes:
        base: ``<target directory>/wheelmatrix``.
    """

    base: Path

    def lane(self, build: str) -> Path:
        """The cargo target directory that ``build`` owns."""
        return self.base / "lanes" / build

    def config(self, build: str) -> Path:
        """The PyO3 configuration file of ``build``."""
        return self.base / "lanes" / f"{build}.pyo3"

    def log(self, build: str) -> Path:
        """The log file of ``build``."""
        return self.base / "logs" / f"{build}.log"

    def state(self, build: str) -> Path:
        """What the last good run of ``build`` made."""
        return self.base / "state" / f"{build}.json"

    @property
    def staging(self) -> Path:
        """Where this run copies artifacts to."""
        return self.base / "staged" / str(os.getpid())

    def prepare(self) -> None:
        """Make the directories, and drop what runs that were killed left in ``staged``.

        Raises:
            OSError: The directory cannot be written.
        """
        for name in ("lanes", "logs", "state", "staged"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        tag = self.base.parent / "CACHEDIR.TAG"
        if not tag.exists():  # backup programs and maturin's sdist skip what carries it
            tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n", encoding="ascii")
        for left in (self.base / "staged").iterdir():
            if left.name.isdigit() and not _alive(int(left.name)):
                shutil.rmtree(left, ignore_errors=True)

    def tidy(self) -> None:
        """Remove this run's staged copies."""
        shutil.rmtree(self.staging, ignore_errors=True)

    @asynccontextmanager
    async def held(self, build: str, waiting: Callable[[], None]) -> AsyncIterator[Path]:
        """Hold the lane of ``build`` against other runs; call ``waiting`` once when another run has it."""
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only runs need it

        lane = self.lane(build)
        lane.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lane.with_name(f"{build}.lock"))
        told = False
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except Timeout:
                if not told:
                    told = True
                    waiting()
                await anyio.sleep(LOCK_POLL)
        try:
            yield lane
        finally:
            lock.release()


def _alive(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end it; what a killed run left stays until the directory is cleaned
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
