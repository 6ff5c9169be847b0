"""Audits and packs off the event loop: in a process at idle priority while others compile, else in a thread."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from matrix.affinity import usable_cpus
from matrix.errors import WheelmatrixError, disk_hint
from matrix.files import write_atomically
from matrix.running.ends import End

if TYPE_CHECKING:
    from matrix.running.packing import Packer
    from matrix.worker import Workers

__all__ = ["Aside", "guarded"]

PACKERS = 2  # wheels packed at a time by threads, which let go of the interpreter's lock where it takes long
CPUS_A_WORKER = 4
MOST_WORKERS = 4
P = ParamSpec("P")
T = TypeVar("T")


class Aside:
    """Where the blocking steps of a run are taken; whatever goes wrong in one is returned as the end of its cells.

    Args:
        make: Makes what takes the steps; called in threads.
        folder: A directory of this run, where workers find a copy of it.
        out: The out directory, blamed for what names no file.
        busy: Whether anything compiles.
    """

    def __init__(self, make: Callable[[], Packer], folder: Path, out: Path, busy: Callable[[], bool]) -> None:
        self._make = make
        self._copy = folder / "packer.pickle"
        self._out = str(out)
        self._busy = busy
        self._limiter = anyio.CapacityLimiter(PACKERS)
        self._starting = anyio.Lock()
        self._workers: Workers | None = None
        self._lost = False

    async def run(self, step: Callable[Concatenate[Packer, P], T], *args: P.args, **_: P.kwargs) -> T | End:
        """Take one step and return what it returns."""
        workers = await self._ready() if self._busy() else None
        if workers is not None:
            from matrix.worker import WorkerLostError  # noqa: PLC0415 - there is a worker

            try:
                return await workers.run(_from_copy, self._out, self._copy, step, *args)
            except WorkerLostError:  # every step may be taken again from its start
                self._lost = True
        return await anyio.to_thread.run_sync(guarded, self._out, self._take, step, *args, limiter=self._limiter)

    async def close(self) -> None:
        """End the workers."""
        if self._workers is not None:
            await self._workers.close()

    def _take(self, step: Callable[..., T], *args: object) -> T:
        return step(self._make(), *args)

    async def _ready(self) -> Workers | None:
        """Return the workers, or ``None`` where one was lost: threads do their work then."""
        async with self._starting:
            if self._workers is None and not self._lost:
                from matrix.worker import Workers  # noqa: PLC0415 - not every run needs them

                try:
                    await anyio.to_thread.run_sync(self._store)
                except Exception:  # noqa: BLE001 - whatever cannot be sent, threads have at hand
                    self._lost = True
                else:
                    most = min(MOST_WORKERS, max(1, usable_cpus() // CPUS_A_WORKER))
                    self._workers = Workers(most, load=partial(_loaded, self._copy))
        return None if self._lost else self._workers

    def _store(self) -> None:
        self._copy.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._copy, pickle.dumps(self._make(), pickle.HIGHEST_PROTOCOL), mode=0o600)


def guarded(out: str, step: Callable[..., T], *args: object) -> T | End:
    """Take one step; whatever goes wrong fails its cells and nothing else.

    Args:
        out: What is blamed where an error of the system names no file.
        step: What to call.
        args: What with.
    """
    try:
        return step(*args)
    except WheelmatrixError as error:
        return End(status="failed", reason=error.message, hint=error.hint)
    except OSError as error:
        return End(status="failed", reason=f"{error.filename or out}: {error.strerror or error}", hint=disk_hint(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours costs these cells, not the run
        words = "".join(traceback.format_exception(error))
        return End(status="failed", reason=f"internal error: {error!r}", details=words)


@cache
def _loaded(copy: Path) -> Packer:
    packer: Packer = pickle.loads(copy.read_bytes())  # noqa: S301 - the process that started this one wrote it
    return packer


def _from_copy(out: str, copy: Path, step: Callable[..., T], *args: object) -> T | End:
    return guarded(out, step, _loaded(copy), *args)
