"""The event loop while real cargos run: audits, hashes and archives are made elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import psutil
import pytest
from support.heartbeat import watched_loop
from support.tools import find_python

pytestmark = pytest.mark.real


PROGRAM = """
import sys
from support.heartbeat import watched_loop
from matrix.app import COMMANDS
from matrix.arguments import parse

options = parse(["build", "--quiet", *sys.argv[1:]])
with watched_loop() as loop:
    code = COMMANDS["build"](options)
print("watched", loop.count, loop.slow)
sys.exit(code)
"""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_nothing_blocks_the_loop_while_wheels_are_built(project: Callable[..., Path], jobs: str) -> None:
    """In a process of its own, where modules are loaded as in any run."""
    root = project("ffi-only")
    pythons = [str(find_python(version)) for version in ("3.10", "3.11", "3.12")]
    words = [sys.executable, "-c", PROGRAM, "-j", jobs, "-i", *pythons]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    said = subprocess.run(words, cwd=root, env=env, check=True, capture_output=True, text=True).stdout
    assert len([*root.glob("target/wheels/*.whl")]) == 3
    _, count, slow = said.splitlines()[-1].split(maxsplit=2)
    assert int(count) > 100
    assert slow == "[]"


def test_what_is_audited_while_others_compile_has_the_lowest_priority(
    project: Callable[..., Path],
) -> None:
    root = project("ffi-only")
    pythons = [str(find_python(version)) for version in ("3.10", "3.11", "3.12")]
    words = [sys.executable, "-m", "matrix", "build", "--quiet", "-j1", "-i", *pythons]
    seen: dict[int, int] = {}
    with subprocess.Popen(words, cwd=root, stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            with contextlib.suppress(psutil.Error):
                children = psutil.Process(running.pid).children()
                seen |= {one.pid: one.nice() for one in children if "matrix.worker" in " ".join(one.cmdline())}
            time.sleep(0.01)
    assert running.returncode == 0
    assert list(seen.values()) == [19]
    assert not any(psutil.pid_exists(pid) for pid in seen)
    assert len([*root.glob("target/wheels/*.whl")]) == 3


def test_a_blocked_loop_is_seen() -> None:
    async def main() -> None:
        asyncio.get_running_loop().call_soon(time.sleep, 0.12)
        await anyio.sleep(0.2)

    with watched_loop() as loop:
        anyio.run(main)
    assert len(loop.slow) == 1
