"""Processes, shown with real tiny children: whatever they do, the run gets its answer and nobody is left behind."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import time
from pathlib import Path

import anyio
import psutil
import pytest

from matrix import ears, process
from matrix.errors import ToolError
from matrix.model import Command
from matrix.process import Ended, capture, run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")


def python(code: str, *, env: dict[str, str | None] | None = None) -> Command:
    return Command(argv=(sys.executable, "-S", "-E", "-c", textwrap.dedent(code)), env=env or {})


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def written(path: Path) -> str:
    """Wait until a child wrote a line into ``path``; return it."""
    file = anyio.Path(path)
    text = ""
    with anyio.fail_after(10):
        while not text.endswith("\n"):
            await anyio.sleep(0.01)
            text = await file.read_text(encoding="utf-8") if await file.exists() else ""
    return text.strip()


# A child with a grandchild; the grandchild does not listen to SIGTERM and tells its pid.
FAMILY = """
    import os, signal, subprocess, sys, time
    code = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" \\
        "open(os.environ['PIDS'] + '.tmp', 'w').write(str(os.getpid()) + chr(10));" \\
        "os.rename(os.environ['PIDS'] + '.tmp', os.environ['PIDS']); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-S", "-c", code])
    print("family", flush=True)
    {end}
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the waits of the module short."""
    monkeypatch.setattr(process, "GRACE", 0.3)
    monkeypatch.setattr(process, "QUIET", 0.02)
    monkeypatch.setattr(process, "QUIET_ROUNDS", 5)


async def test_output_exit_code_and_order_of_lines(tmp_path: Path) -> None:
    code = "import sys; print('one'); print('two'); print('wrong', file=sys.stderr); sys.exit(7)"
    ended = await capture(python(code), root=tmp_path)
    assert (ended.exit, ended.stdout, ended.stderr) == (7, "one\ntwo", "wrong")


async def test_a_signal_is_a_negative_exit_code(tmp_path: Path) -> None:
    ended = await run(python("import os; os.kill(os.getpid(), 9)"), root=tmp_path)
    assert ended.exit == -signal.SIGKILL
    assert not ended.timed_out


async def test_stdin_is_closed(tmp_path: Path) -> None:
    ended = await capture(python("import sys; print(repr(sys.stdin.read()))"), root=tmp_path, timeout=10)
    assert ended.stdout == "''"


async def test_the_environment_is_changed_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("GONE", "gone")
    command = python(
        "import os; print([os.environ.get(n) for n in ('KEPT', 'GONE', 'NEW')])", env={"GONE": None, "NEW": "n"}
    )
    assert (await capture(command, root=tmp_path)).stdout == "['kept', None, 'n']"


async def test_the_directory_is_relative_to_the_root(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    command = Command(argv=(sys.executable, "-c", "import os; print(os.getcwd())"), cwd="inside")
    assert Path((await capture(command, root=tmp_path)).stdout) == (tmp_path / "inside").resolve()


async def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="no-such-program: program not found"):
        await run(Command(argv=("no-such-program",)), root=tmp_path)


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="nowhere: no such directory"):
        await run(Command(argv=(sys.executable,), cwd="nowhere"), root=tmp_path)


async def test_a_file_that_is_no_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("data", encoding="utf-8")
    with pytest.raises(ToolError, match="data: Permission denied"):
        await run(Command(argv=(str(tmp_path / "data"),)), root=tmp_path)


async def test_much_on_both_pipes_at_once(tmp_path: Path) -> None:
    code = """
        import sys, threading
        def fill(pipe, letter):
            for number in range(40000):
                pipe.write(f"{number} {letter * 100}\\n")
            pipe.flush()
        other = threading.Thread(target=fill, args=(sys.stderr, "e"))
        other.start()
        fill(sys.stdout, "o")
        other.join()
    """
    with anyio.fail_after(30):
        ended = await capture(python(code), root=tmp_path, timeout=30)
    for text, letter in ((ended.stdout, "o"), (ended.stderr, "e")):
        lines = text.splitlines()
        assert len(lines) == 40000
        assert lines[-1] == f"39999 {letter * 100}"


async def test_one_line_of_megabytes_without_an_end(tmp_path: Path) -> None:
    ended = await capture(python("import sys; sys.stdout.write('x' * 5_000_000)"), root=tmp_path)
    assert len(ended.stdout) == 5_000_000


async def test_a_line_that_never_ends_is_cut_into_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "LONGEST", 100_000)
    lines: list[str] = []
    await run(
        python("import sys; sys.stdout.write('x' * 5_000_000 + chr(10) + 'end')"), root=tmp_path, on_stdout=lines.append
    )
    assert "".join(lines) == "x" * 5_000_000 + "end"
    assert lines[-1] == "end"
    assert max(map(len, lines)) < 400_000


async def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    code = r"import sys; sys.stdout.buffer.write(b'\xff\xfe caf\xc3\xa9\r\nnext\n')"
    assert (await capture(python(code), root=tmp_path)).stdout == "\ufffd\ufffd café\nnext"


async def test_output_survives_an_event_loop_that_stalls(tmp_path: Path, quick: None) -> None:
    lines: list[str] = []

    def slow(line: str) -> None:
        if len(lines) < 3:
            time.sleep(0.2)  # longer than all the silence that is waited for
        lines.append(line)

    code = "for number in range(20000): print(number, 'x' * 20)"
    await run(python(code), root=tmp_path, on_stdout=slow)
    assert len(lines) == 20000


async def test_the_log_holds_what_the_filters_keep_and_the_tail_its_end(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("of an earlier run\n", encoding="utf-8")

    def only_even(line: str) -> str | None:
        return f"kept {line}" if int(line) % 2 == 0 else None

    ended = await run(python("for n in range(300): print(n)"), root=tmp_path, on_stdout=only_even, log=log)
    kept = [f"kept {n}" for n in range(0, 300, 2)]
    assert log.read_text(encoding="utf-8").splitlines() == kept
    assert list(ended.tail) == kept[-process.TAIL :]


async def test_the_log_grows_while_the_command_runs(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(
            lambda: run(python("import time; print('early', flush=True); time.sleep(600)"), root=tmp_path, log=log)
        )
        assert await written(log) == "early"
        tasks.cancel_scope.cancel()


async def test_a_log_that_cannot_be_written_starts_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    with pytest.raises(FileNotFoundError):
        await run(python(f"open({str(mark)!r}, 'w')"), root=tmp_path, log=tmp_path / "nowhere" / "log")
    await anyio.sleep(0.2)
    assert not mark.exists()


async def test_the_time_limit_ends_the_command(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = await run(python("import time; print('working', flush=True); time.sleep(600)"), root=tmp_path, timeout=0.5)
    assert time.monotonic() - began < 3
    assert ended == Ended(exit=-signal.SIGTERM, timed_out=True, tail=("working",))


async def test_a_short_command_past_its_time_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"no answer within 0\.3 s"):
        await capture(python("import time; time.sleep(600)"), root=tmp_path, timeout=0.3)


async def test_words_said_on_sigterm_are_heard(tmp_path: Path) -> None:
    code = """
        import signal, sys, time
        def bye(*_):
            print("goodbye", flush=True)
            sys.exit(3)
        signal.signal(signal.SIGTERM, bye)
        print("ready", flush=True)
        time.sleep(600)
    """
    ended = await run(python(code), root=tmp_path, timeout=1)
    assert ended == Ended(exit=3, timed_out=True, tail=("ready", "goodbye"))


@pytest.mark.parametrize("how", ["cancel", "timeout"])
async def test_the_whole_group_ends_with_the_command(tmp_path: Path, quick: None, how: str) -> None:
    pids = tmp_path / "pids"
    command = python(FAMILY.format(end="time.sleep(600)"), env={"PIDS": str(pids)})
    began = 0.0
    if how == "timeout":
        ended = await run(command, root=tmp_path, timeout=1.0)
        assert ended.timed_out
        grandchild = int(await written(pids))
    else:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: run(command, root=tmp_path))
            grandchild = int(await written(pids))
            assert alive(grandchild)
            began = time.monotonic()
            tasks.cancel_scope.cancel()
        assert 0.3 <= time.monotonic() - began < 3, "SIGTERM, a grace, SIGKILL"
    assert not alive(grandchild)


async def test_a_cancelled_command_is_gone_before_the_cancellation_goes_on(tmp_path: Path) -> None:
    pids: list[int] = []
    async with anyio.create_task_group() as tasks:

        async def story() -> None:
            code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
            try:
                await run(python(code), root=tmp_path, on_stdout=lambda line: pids.append(int(line)))
            finally:
                assert not alive(pids[0])

        tasks.start_soon(story)
        with anyio.fail_after(10):
            while not pids:  # noqa: ASYNC110
                await anyio.sleep(0.01)
        assert alive(pids[0])
        tasks.cancel_scope.cancel()


async def test_an_error_in_a_filter_ends_the_command(tmp_path: Path) -> None:
    pids: list[int] = []

    def fail(line: str) -> str:
        pids.append(int(line))
        raise ZeroDivisionError

    with pytest.raises(BaseException) as caught:  # noqa: PT011 - a group, whose name 3.10 does not have
        await run(
            python("import os, time; print(os.getpid(), flush=True); time.sleep(600)"), root=tmp_path, on_stdout=fail
        )
    assert "ZeroDivisionError" in repr(caught.value)
    assert not alive(pids[0])


async def test_what_a_command_leaves_in_its_group_is_ended(tmp_path: Path, quick: None) -> None:
    pids = tmp_path / "pids"
    end = "while not os.path.exists(os.environ['PIDS']): time.sleep(0.01)"
    with anyio.fail_after(10):
        ended = await run(python(FAMILY.format(end=end), env={"PIDS": str(pids)}), root=tmp_path)
    assert (ended.exit, ended.tail) == (0, ("family",))
    grandchild = int(await written(pids))
    with anyio.fail_after(5):
        while alive(grandchild):  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def test_a_daemon_that_holds_the_pipes_holds_up_nobody(tmp_path: Path, quick: None) -> None:
    code = """
        import os, subprocess, sys
        daemon = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
        print(daemon.pid, flush=True)
    """
    with anyio.fail_after(10):
        ended = await run(python(code), root=tmp_path)
    daemon = int(ended.tail[0])
    try:
        assert alive(daemon), "it asked for a session of its own"
    finally:
        os.kill(daemon, signal.SIGKILL)


async def test_a_daemon_that_never_stops_talking_is_left(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "DRAIN", 0.5)
    chatter = "import time\nwhile True: print('and', flush=True); time.sleep(0.005)"
    code = f"""
        import subprocess, sys
        daemon = subprocess.Popen([sys.executable, "-S", "-c", {chatter!r}], start_new_session=True)
        print(daemon.pid, file=sys.stderr, flush=True)
    """
    daemons: list[str] = []
    with anyio.fail_after(10):
        await run(python(code), root=tmp_path, on_stderr=daemons.append)
    if alive(int(daemons[0])):  # it dies of the closed pipe by itself
        os.kill(int(daemons[0]), signal.SIGKILL)


async def test_descriptors_are_handed_on(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        await run(python(f"import os; os.write({writer}, b'token')"), root=tmp_path, pass_fds=(writer,))
        assert os.read(reader, 10) == b"token"
    finally:
        os.close(reader)
        os.close(writer)


async def test_many_at_a_time(tmp_path: Path) -> None:
    seen: list[int] = []

    async def one(number: int) -> None:
        seen.append(int((await capture(python(f"print({number})"), root=tmp_path)).stdout))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(one, number)
    assert sorted(seen) == list(range(20))
