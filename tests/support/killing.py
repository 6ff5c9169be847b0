"""Runs that are killed at some moment, with everything they started."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from support.judges import check_whole
from support.tools import clean_environment, need, run

MARK = "WHEELMATRIX_KILLED_TEST"


def kill_after(seconds: float, arguments: list[str | Path], *, cwd: Path) -> int | None:
    """Start ``wheelmatrix``, kill it and all its descendants after some time; return its exit code if it ended before.

    Descendants are known by a variable in their environment, since each compiler has a session of its own.
    """
    mark = f"{os.getpid()}-{time.monotonic_ns()}"
    with subprocess.Popen(
        [need("wheelmatrix"), *arguments],
        cwd=cwd,
        env=clean_environment({MARK: mark}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            return child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            while marked := _marked(mark):
                for process in marked:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                psutil.wait_procs(marked, timeout=1)
    return None


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                found.append(process)
    return found


def survive_kills(root: Path, arguments: list[str | Path], rounds: int, seed: int) -> dict[str, int]:
    """Kill a run at random moments; after each, every wheel must be whole and the next run must succeed.

    The crate is edited before each kill, so that there is something to compile, audit and write; every tenth run starts
    without lanes. The moments are spread over the time that an undisturbed run takes.

    Args:
        root: A project that is not built yet; ``src/lib.rs`` is its root module.
        arguments: What to call ``wheelmatrix`` with.
        rounds: How many runs are killed; one that ends before its moment does not count.
        seed: Of the random moments.

    Returns:
        How many runs were killed, how many had ended before, and how many wheels were looked at in between.
    """
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    program = need("wheelmatrix")
    out = root / "target" / "wheels"
    cold = run([program, *arguments], cwd=root, check=True)
    expected = {path.name for path in out.glob("*.whl")}
    assert expected
    _edit(root, 0)
    warm = run([program, *arguments], cwd=root, check=True)
    count = {"killed": 0, "ended": 0, "wheels": 0}
    for number in range(1, 4 * rounds):
        if count["killed"] == rounds:
            break
        _edit(root, number)
        fresh_start = number % 10 == 0
        if fresh_start:
            shutil.rmtree(root / "target")
        moment = moments.uniform(0, 1.1 * (cold if fresh_start else warm).seconds)
        ended = kill_after(moment, arguments, cwd=root)
        count["killed" if ended is None else "ended"] += 1
        assert ended in {None, 0}, f"round {number}: exit {ended} within {moment:.2f} s"
        for wheel in out.glob("*.whl"):
            check_whole(wheel)
            count["wheels"] += 1
        after = run([program, *arguments], cwd=root)
        assert after.exit == 0, f"round {number}, killed after {moment:.2f} s:\n{after}"
        assert {path.name for path in out.glob("*.whl")} == expected
        for wheel in out.glob("*.whl"):
            check_whole(wheel)
    return count


def _edit(root: Path, number: int) -> None:
    with (root / "src" / "lib.rs").open("a", encoding="utf-8") as source:
        source.write(f"\n#[allow(dead_code)] const EDIT_{number}: u32 = {number};\n")
