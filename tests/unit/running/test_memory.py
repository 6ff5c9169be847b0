from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from matrix.events import BuildWaiting, Bus, Event, Note
from matrix.flag_values import memory
from matrix.model import Build, Command, Outcome
from matrix.process import run
from matrix.running.cgroups import available_memory
from matrix.running.lanes import disk_size
from matrix.running.meter import Meter
from matrix.running.oversize import Oversize
from matrix.running.scheduler import Scheduler

BuildFactory = Callable[..., Build]
MB = 2**20
TWO = "a (99 B the last time), b (99 B the last time) need more memory than --max-memory allows (9 B): each runs alone"


@pytest.mark.parametrize(
    ("files", "own", "free"),
    [
        ({}, "", 1000 * 1024),
        ({"memory.max": "max", "memory.current": "5", "memory.stat": ""}, "0::/", 1000 * 1024),
        ({"memory.max": "500", "memory.current": "200", "memory.stat": "anon 1\ninactive_file 50\n"}, "0::/", 350),
        ({"a/b/memory.max": "900", "a/b/memory.current": "1", "a/b/memory.stat": "", "a/memory.max": "300",
          "a/memory.current": "400", "a/memory.stat": ""}, "0::/a/b", 0),
        ({"memory/x/memory.limit_in_bytes": "700", "memory/x/memory.usage_in_bytes": "600",
          "memory/x/memory.stat": "inactive_file 9\ntotal_inactive_file 100\n"}, "4:memory:/x\n2:cpu:/x", 200),
        ({"memory.max": "junk"}, "0::/", 1000 * 1024),
    ],
)  # fmt: skip
def test_free_memory_is_the_machines_or_what_a_group_leaves(
    tmp_path: Path, files: dict[str, str], own: str, free: int
) -> None:
    for name, text in files.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(text)
    (tmp_path / "own").write_text(own)
    (tmp_path / "meminfo").write_text("MemTotal:  2000 kB\nMemAvailable:    1000 kB\n")
    assert available_memory(tmp_path / "meminfo", tmp_path / "cgroup", tmp_path / "own") == free


def test_a_system_that_does_not_tell_has_no_bound(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "none", tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(
    ("text", "amount"),
    [("8G", 8 * 2**30), ("512m", 512 * MB), ("1.5 GiB", 1536 * MB), ("100KB", 102400), ("2T", 2**41)],
)
def test_amounts_of_memory(text: str, amount: int) -> None:
    assert memory(text) == amount


@pytest.mark.parametrize("text", ["8", "0G", "-1G", "many", "", "1e3G", "99999999999999G", "999999999999T"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="8G"):
        memory(text)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes in files")
async def test_the_peak_of_a_group_counts_what_its_children_hold(tmp_path: Path) -> None:
    child = "b = bytearray(60 * 2**20); import time; time.sleep(1)"
    parent = f"import subprocess, sys; b = bytearray(30 * 2**20); subprocess.run([sys.executable, '-c', {child!r}])"
    meter = Meter()
    async with meter.looking():
        with meter.watching() as seen, meter.watching() as other:
            await run(Command(argv=(sys.executable, "-c", parent)), root=tmp_path, on_pid=seen.started)
    assert seen.peak is not None
    assert 90 * MB < seen.peak < 200 * MB
    assert other.peak is None


async def test_nothing_is_measured_where_the_system_tells_nothing(tmp_path: Path) -> None:
    meter = Meter(tmp_path)
    async with meter.looking():
        with meter.watching() as seen:
            await run(Command(argv=(sys.executable, "-c", "")), root=tmp_path, on_pid=seen.started)
    assert seen.peak is None


async def test_a_build_waits_for_memory_and_says_so(make_build: BuildFactory) -> None:
    running: list[str] = []
    together: list[int] = []
    told: list[Event] = []

    class Slots:
        total = held = 2

        async def acquire(self) -> None:
            await anyio.lowlevel.checkpoint()

        def release(self) -> None: ...

    async def execute(build: Build) -> Outcome:
        running.append(build.id)
        together.append(len(running))
        await anyio.sleep(0.01)
        running.remove(build.id)
        return Outcome(build=build.id, status="ok")

    async def finish(_: Build, __: Outcome) -> bool:
        await anyio.lowlevel.checkpoint()
        return True

    scheduler = Scheduler(
        pool=Slots(),  # type: ignore[arg-type]
        execute=execute,
        finish=finish,
        bus=Bus([told.append]),
        budget=100,
        peaks={"a": 60, "b": 60},
    )
    outcomes = await scheduler.run([make_build("a"), make_build("b")])
    assert {outcome.status for outcome in outcomes.values()} == {"ok"}
    assert together == [1, 1]
    (waits,) = [event for event in told if isinstance(event, BuildWaiting)]
    assert waits.build == "b"
    assert "--max-memory" in waits.reason


def test_a_linked_file_counts_once_on_disk(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(b"x" * 100_000)
    alone = disk_size(tmp_path)
    (tmp_path / "link").hardlink_to(tmp_path / "a" / "b" / "file")
    assert 100_000 <= alone < 200_000
    assert disk_size(tmp_path) == disk_size(tmp_path / "a", tmp_path) == alone
    assert disk_size(tmp_path / "missing") == 0


@pytest.mark.parametrize(
    ("limit", "peaks", "ended", "words"),
    [
        (None, {"a": 900 * MB}, 900, []),
        (500 * MB, {"a": 400 * MB}, 450, []),
        (500 * MB, {}, 550,
         ["a (550.0 MB) needed more memory than --max-memory allows (500.0 MB): such a build runs alone"]),
        (500 * MB, {"a": 600 * MB, "b": 3}, 550,
         ["a (600.0 MB the last time) needs more memory than --max-memory allows (500.0 MB): it runs alone"]),
        (9, {"a": 99, "b": 99}, 550,
         [TWO]),
    ],
)  # fmt: skip
def test_one_warning_of_builds_that_alone_need_more_than_allowed(
    make_build: BuildFactory, limit: int | None, peaks: dict[str, int], ended: int, words: list[str]
) -> None:
    heard: list[Event] = []
    oversize = Oversize(Bus([heard.append]), limit)
    oversize.known([make_build("a"), make_build("b")], peaks)
    for _ in range(2):
        oversize.ended(Outcome(build="a", status="ok", peak=ended * MB))
    assert [event.text for event in heard if isinstance(event, Note)] == words
