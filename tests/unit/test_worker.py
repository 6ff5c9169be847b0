"""Worker processes: out of the way, isolated from where they start, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import psutil
import pytest

from matrix.worker import WorkerLostError, Workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="priorities and sessions of POSIX")


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(1)
    yield made
    await made.close()


async def test_it_has_the_lowest_priority_and_a_session_of_its_own(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    assert await workers.run(os.getpriority, os.PRIO_PROCESS, 0) == 19
    assert await workers.run(os.getsid, 0) == pid
    autogroup = Path("/proc/self/autogroup")
    if autogroup.exists():
        assert (await workers.run(Path.read_text, autogroup)).endswith(" nice 10\n")


async def test_what_a_terminal_sends_does_not_end_it(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, name)
    assert await workers.run(os.getpid) == pid


async def test_files_of_the_working_directory_are_not_loaded(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pickle", "signal", "anyio", "matrix"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(name)")
    monkeypatch.chdir(tmp_path)
    assert Path(await workers.run(os.getcwd)) == tmp_path.resolve()


@pytest.mark.parametrize("flags", [["-X", "utf8=1", "-B"], ["-X", "utf8=0"]])
def test_it_reads_names_of_files_and_writes_bytecode_as_its_starter_does(flags: list[str]) -> None:
    asked = "[(s := __import__('sys')).flags.utf8_mode, s.dont_write_bytecode]"
    program = f"""
        import anyio
        from matrix.worker import Workers
        print(anyio.run(Workers(1).run, eval, {asked!r}))
    """
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    words = [sys.executable, *flags, "-c", textwrap.dedent(program)]
    said = subprocess.run(words, capture_output=True, text=True, check=True, env=environ).stdout
    assert said == ("[1, True]\n" if "-B" in flags else "[0, False]\n")


async def test_what_is_printed_does_not_get_among_the_answers(workers: Workers) -> None:
    await workers.run(print, "words")
    assert await workers.run(os.write, 1, b"more") == 4
    assert await workers.run(len, b"x" * 5_000_000) == 5_000_000


@pytest.mark.parametrize("most", [1, 2])
async def test_there_are_never_more_than_asked_for(most: int) -> None:
    several = Workers(most)
    pids: set[int] = set()

    async def call() -> None:
        await several.run(time.sleep, 0.1)
        pids.add(await several.run(os.getpid))

    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(call)
    assert len({child.pid for child in psutil.Process().children()} & pids) == len(pids) == most
    await several.close()
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_one_that_ends_early_is_told_and_replaced(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    with pytest.raises(WorkerLostError):
        await workers.run(os._exit, 3)
    assert await workers.run(os.getpid) != pid


async def test_it_is_ended_when_nobody_waits_for_it_any_more(workers: Workers) -> None:
    pid = await workers.run(os.getpid)
    with anyio.move_on_after(0.2):
        await workers.run(time.sleep, 60)
    assert not psutil.pid_exists(pid)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = """
        import anyio, os, signal
        from matrix.worker import Workers
        async def main():
            print(await Workers(1).run(os.getpid), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        anyio.run(main)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ran.returncode == -signal.SIGKILL
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(ran.stdout)).wait(timeout=10)
