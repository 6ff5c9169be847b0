"""Questions put ahead: the same words in the same place get the answer that waits, and nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from matrix import ahead
from matrix.errors import ToolError
from matrix.model import Command
from matrix.process import capture

COUNTS = "import os, sys; open('ran', 'a').write('x'); print('hello', os.environ.get('WORD')); sys.exit(3)"
ARGV = (sys.executable, "-S", "-c", COUNTS)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT)}
    yield
    ahead.forget()
    for name, handler in before.items():
        signal.signal(name, handler)


async def test_the_answer_of_a_question_put_ahead_is_taken_and_the_command_runs_once(tmp_path: Path) -> None:
    ahead.ask(ARGV, cwd=tmp_path, env={**os.environ, "WORD": "there"})
    ahead.ask(ARGV, cwd=tmp_path, env={**os.environ, "WORD": "there"})
    command = Command(argv=ARGV, env={"WORD": "there"})
    said = [await capture(command, root=tmp_path) for _ in range(2)]
    assert [(one.exit, one.stdout, one.stderr) for one in said] == [(3, "hello there", "")] * 2
    assert (tmp_path / "ran").read_text() == "x"


@pytest.mark.parametrize("other", ["words", "environment", "directory"])
async def test_another_question_is_asked_anew(tmp_path: Path, other: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ahead.ask(ARGV, cwd=tmp_path, env={**os.environ, "WORD": "there"})
    command = Command(
        argv=(*ARGV, "more") if other == "words" else ARGV,
        env={"WORD": "here" if other == "environment" else "there"},
    )
    said = await capture(command, root=elsewhere if other == "directory" else tmp_path)
    ahead.forget()
    assert said.stdout == f"hello {command.env['WORD']}"
    assert (elsewhere / "ran").exists() == (other == "directory")


async def test_a_program_that_cannot_be_started_is_the_fault_of_who_wants_it(tmp_path: Path) -> None:
    ahead.ask(("no-such-program",), cwd=tmp_path, env=os.environ)
    with pytest.raises(ToolError, match="no-such-program: program not found"):
        await capture(Command(argv=("no-such-program",)), root=tmp_path)


async def test_a_question_without_an_answer_ends_in_time(tmp_path: Path) -> None:
    argv = (sys.executable, "-S", "-c", "import time; time.sleep(60)")
    ahead.ask(argv, cwd=tmp_path, env=os.environ)
    started = time.monotonic()
    with pytest.raises(ToolError, match=r"no answer within 0\.2 s"):
        await capture(Command(argv=argv), root=tmp_path, timeout=0.2)
    assert time.monotonic() - started < 30


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("end", ["exit", "SIGTERM", "SIGINT"])
def test_no_question_outlives_the_program(tmp_path: Path, end: str) -> None:
    asking = textwrap.dedent(
        """
        import os, signal, sys, time
        from pathlib import Path
        from matrix import ahead
        code = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"
        ahead.ask((sys.executable, "-S", "-c", code), cwd=Path.cwd(), env=os.environ)
        while not (os.path.exists("pid") and open("pid").read()):
            time.sleep(0.01)
        if sys.argv[1] != "exit":
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
            time.sleep(60)
        """
    )
    ran = subprocess.run(
        [sys.executable, "-c", asking, end], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )
    assert ran.returncode == {"exit": 0, "SIGTERM": -signal.SIGTERM, "SIGINT": -signal.SIGINT}[end], ran
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
