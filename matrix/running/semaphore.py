"""The pool on Windows: a named semaphore, as GNU make's jobserver uses there."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio

from matrix.running.pool import Handoff

__all__ = ["SemaphorePool"]

POLL = 0.01  # seconds; a semaphore cannot be awaited by the event loop
WAIT_OBJECT_0 = 0


class SemaphorePool:
    """A named semaphore of ``total`` slots, handed to children by its name (``--jobserver-auth=NAME``)."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.held = 0
        self._name = f"wheelmatrix-{os.getpid()}-{uuid.uuid4().hex}"
        self._kernel = _kernel32()
        self._handle = self._kernel.CreateSemaphoreW(None, total, total, self._name)
        if not self._handle:
            raise OSError("CreateSemaphoreW failed")

    async def acquire(self) -> None:
        """Wait for a slot, looking every few milliseconds."""
        while self._kernel.WaitForSingleObject(self._handle, 0) != WAIT_OBJECT_0:  # noqa: ASYNC110 - see POLL
            await anyio.sleep(POLL)
        self.held += 1

    def release(self) -> None:
        """Give one slot back; with the last one the pool is made whole again."""
        if self.held < 1:
            raise RuntimeError("no slot is held")
        self.held -= 1
        self._kernel.ReleaseSemaphore(self._handle, 1, None)
        if not self.held:
            while self._kernel.ReleaseSemaphore(self._handle, 1, None):  # fails when full
                pass

    @contextmanager
    def handoff(self) -> Iterator[Handoff]:
        """Name the semaphore; nothing has to be inherited."""
        yield Handoff(makeflags=f"-j --jobserver-fds={self._name} --jobserver-auth={self._name}")

    def close(self) -> None:
        """Close our handle; the semaphore goes with its last user."""
        self._kernel.CloseHandle(self._handle)


def _kernel32() -> Any:
    import ctypes  # noqa: PLC0415 - only here, only on Windows

    kernel = getattr(ctypes, "WinDLL")("kernel32", use_last_error=True)  # noqa: B009 - unknown to checkers elsewhere
    kernel.CreateSemaphoreW.restype = ctypes.c_void_p
    kernel.CreateSemaphoreW.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_long, ctypes.c_wchar_p]
    kernel.WaitForSingleObject.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    kernel.ReleaseSemaphore.argtypes = [ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p]
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    return kernel
