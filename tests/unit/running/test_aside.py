"""Steps are taken by a worker while others compile, by a thread when none do or none can be started."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from matrix.errors import WheelmatrixError
from matrix.running.aside import Aside, guarded
from matrix.running.claims import Claims
from matrix.running.ends import End

Step = Callable[..., Any]


class Packer:
    """Stands in for what packs, and takes steps of its own."""

    def where(self) -> int:
        return os.getpid()

    def fail(self, kind: str) -> None:
        if kind == "said":
            raise WheelmatrixError("no good", hint="do better")
        if kind == "system":
            raise FileNotFoundError(2, "No such file or directory")
        raise KeyError(kind)

    def die_elsewhere(self, home: int) -> int:
        if os.getpid() != home:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()


@asynccontextmanager
async def aside(folder: Path, *, busy: bool = True, packer: object | None = None) -> AsyncIterator[Any]:
    made: Any = packer if packer is not None else Packer()
    one = Aside(lambda: made, folder, folder / "out", lambda: busy)
    try:
        yield one
    finally:
        await one.close()


async def test_a_worker_is_kept_while_others_compile(tmp_path: Path) -> None:
    async with aside(tmp_path) as one:
        first, second = await one.run(Packer.where), await one.run(Packer.where)
    assert first == second != os.getpid()


async def test_nothing_is_started_when_nothing_compiles(tmp_path: Path) -> None:
    async with aside(tmp_path, busy=False) as one:
        assert await one.run(Packer.where) == os.getpid()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("busy", [False, True])
async def test_errors_are_ends_wherever_they_happen(tmp_path: Path, busy: bool) -> None:
    async with aside(tmp_path, busy=busy) as one:
        assert await one.run(Packer.fail, "said") == End(status="failed", reason="no good", hint="do better")
        system = await one.run(Packer.fail, "system")
        assert system == End(status="failed", reason=f"{tmp_path / 'out'}: No such file or directory")
        ours = await one.run(Packer.fail, "other")
        assert ours.reason == "internal error: KeyError('other')"
        assert "in fail" in ours.details


async def test_what_a_killed_worker_left_is_done_again_by_a_thread(tmp_path: Path) -> None:
    async with aside(tmp_path) as one:
        assert await one.run(Packer.die_elsewhere, os.getpid()) == os.getpid()
        assert await one.run(Packer.where) == os.getpid()


async def test_a_worker_that_was_killed_between_two_steps_costs_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with aside(tmp_path) as one:
        os.kill(await one.run(Packer.where), signal.SIGKILL)
        assert await one.run(Packer.where) == os.getpid()
    assert capfd.readouterr() == ("", "")


async def test_threads_do_it_where_no_process_can_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    async with aside(tmp_path) as one:
        assert await one.run(Packer.where) == os.getpid()
        monkeypatch.undo()
        assert await one.run(Packer.where) == os.getpid()  # it is not tried again


async def test_threads_do_it_where_a_worker_cannot_load_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with aside(tmp_path) as one:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "path", [])
            assert await one.run(Packer.where) == os.getpid()


async def test_threads_do_it_where_what_is_needed_cannot_be_sent(tmp_path: Path) -> None:
    class Local(Packer):
        """Cannot be pickled: its name leads nowhere."""

    async with aside(tmp_path, packer=Local()) as one:
        assert await one.run(Packer.where) == os.getpid()


def test_a_step_that_ends_well_returns_what_it_made() -> None:
    assert guarded("out", sum, [1, 2]) == 3


def test_a_file_name_belongs_to_one_build(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "claims")
    claims.take("a.whl", "one")
    claims.take("a.whl", "one")
    claims.take("b.whl", "two")
    with pytest.raises(WheelmatrixError, match=r"^a\.whl was already made by one$"):
        claims.take("a.whl", "two")
