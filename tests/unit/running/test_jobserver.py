from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.running.jobserver import FifoPool, open_pool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a FIFO pool needs POSIX")


async def test_never_more_slots_than_the_total() -> None:
    pool = FifoPool(3)
    try:
        peak = 0

        async def worker() -> None:
            nonlocal peak
            await pool.acquire()
            peak = max(peak, pool.held)
            await anyio.sleep(0.001)
            pool.release()

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(worker)
        assert peak == 3
        assert pool.free() == 3
    finally:
        pool.close()


async def test_a_cancelled_wait_loses_no_token() -> None:
    pool = FifoPool(1)
    try:
        await pool.acquire()
        with anyio.move_on_after(0.02):
            await pool.acquire()
        assert pool.held == 1
        pool.release()
        assert pool.free() == 1
    finally:
        pool.close()


async def test_tokens_lost_with_a_killed_child_come_back_when_no_build_is_alive() -> None:
    pool = FifoPool(4)
    try:
        await pool.acquire()
        await pool.acquire()
        with pool.handoff() as handoff:
            os.read(handoff.pass_fds[0], 2)  # a child took the rest and was killed
        assert pool.free() == 0
        pool.release()
        assert pool.free() == 1, "the run goes on with fewer while a build is alive"
        pool.release()
        assert pool.free() == 4
    finally:
        pool.close()


async def test_a_child_returning_too_much_is_corrected_when_idle() -> None:
    pool = FifoPool(2)
    try:
        await pool.acquire()
        with pool.handoff() as handoff:
            os.write(handoff.pass_fds[1], b"++++")
        pool.release()
        assert pool.free() == 2
    finally:
        pool.close()


def test_each_child_gets_descriptions_of_its_own() -> None:
    with open_pool(2) as pool, pool.handoff() as one, pool.handoff() as two:
        assert not set(one.pass_fds) & set(two.pass_fds)
        os.set_blocking(one.pass_fds[0], False)
        assert os.get_blocking(two.pass_fds[0])
        match = re.fullmatch(r"-j --jobserver-fds=(\d+),(\d+) --jobserver-auth=(\d+),(\d+)", one.makeflags)
        assert match is not None
        assert tuple(map(int, match.groups())) == one.pass_fds * 2


def test_descriptors_are_closed_and_the_fifo_removed() -> None:
    with open_pool(1) as pool:
        assert isinstance(pool, FifoPool)
        path = Path(pool.path)
        with pool.handoff() as handoff:
            fds = handoff.pass_fds
        for fd in fds:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(fd)
        assert path.exists()
    assert not path.exists()


@given(total=st.integers(1, 8), steps=st.lists(st.sampled_from(["take", "give", "lose", "extra"]), max_size=40))
def test_whatever_children_do_the_pool_is_whole_when_idle(total: int, steps: list[str]) -> None:
    pool = FifoPool(total)

    async def play() -> None:
        for step in steps:
            if step == "take":
                with anyio.move_on_after(0):
                    await pool.acquire()
            elif step == "give" and pool.held:
                pool.release()
            elif step == "lose" and pool.held:
                pool._drain()
            elif step == "extra" and pool.held:
                os.write(pool._fd, b"+")
            if not pool.held:
                assert pool.free() == total
        while pool.held:
            pool.release()
        assert pool.free() == total

    try:
        anyio.run(play)
    finally:
        pool.close()


def test_release_without_a_slot_is_a_fault() -> None:
    pool = FifoPool(1)
    try:
        with pytest.raises(RuntimeError):
            pool.release()
    finally:
        pool.close()
