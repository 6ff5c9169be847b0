"""What a pool of slots is, whatever it is made of."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

__all__ = ["Handoff", "Pool"]


class Handoff(msgspec.Struct, frozen=True, kw_only=True):
    """What a child needs to join the pool.

    Attributes:
        makeflags: Value of ``CARGO_MAKEFLAGS``.
        pass_fds: Descriptors it must inherit.
        fifo: Path of the FIFO, for a child that cannot inherit, or ``None``.
    """

    makeflags: str
    pass_fds: tuple[int, ...] = ()
    fifo: str | None = None


class Pool(Protocol):
    """A bounded pool of slots shared with every child."""

    total: int
    held: int

    async def acquire(self) -> None:
        """Wait for a slot and take it."""
        ...

    def release(self) -> None:
        """Give one slot back."""
        ...

    def handoff(self) -> AbstractContextManager[Handoff]:
        """Open what one child inherits; closed on exit, when the child has ended."""
        ...

    def close(self) -> None:
        """Remove the pool."""
        ...
