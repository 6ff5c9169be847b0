"""Stops a block of work at the first SIGINT, SIGTERM or SIGHUP."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.abc

__all__ = ["stopped_by_signals"]


@asynccontextmanager
async def stopped_by_signals() -> AsyncIterator[anyio.CancelScope]:
    """Cancel the block at the first signal; afterwards the signals mean what they meant before.

    A signal that is ignored stays ignored: so nohup, and a shell's background jobs, keep a run alive. After the
    block ``cancel_called`` of the scope says whether a signal came.
    """
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            await group.start(_listen, scope)
            yield scope
        group.cancel_scope.cancel()


async def _listen(
    scope: anyio.CancelScope, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    if sys.platform == "win32":  # the event loop knows no signal handlers there: Ctrl-C cancels the main task
        task_status.started()
        return
    heard = [one for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) != signal.SIG_IGN]
    if not heard:
        task_status.started()
        return
    with anyio.open_signal_receiver(*heard) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
            return
