"""Signals against real small Pythons: nothing else can be sent one."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

SCRIPT = """
import signal, sys, anyio
from matrix.running.signals import stopped_by_signals
if sys.argv[1:] == ["ignoring"]:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
async def main():
    async with stopped_by_signals() as stopped:
        print("ready", flush=True)
        await anyio.sleep(float(sys.stdin.readline()))
    print("stopped" if stopped.cancel_called else "done", flush=True)
anyio.run(main)
"""


def start(*arguments: str, seconds: float) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    child.stdin.write(f"{seconds}\n")
    child.stdin.flush()
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_the_block_and_what_follows_still_runs(number: signal.Signals) -> None:
    child = start(seconds=30)
    child.send_signal(number)
    out, _ = child.communicate(timeout=10)
    assert (out, child.returncode) == ("stopped\n", 0)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    child = start("ignoring", seconds=0.5)
    child.send_signal(signal.SIGHUP)
    out, _ = child.communicate(timeout=10)
    assert (out, child.returncode) == ("done\n", 0)
