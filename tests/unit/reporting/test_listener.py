from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from support.golden import assert_golden
from support.made_up_runs import ARM, LINUX, make_plan, missing_arm, tell

from matrix.events import BuildStarted, CellEnded, Diagnostic, Event, Line, Note
from matrix.model import Finding, LeftOut, Verdict
from matrix.reporting import make_listener
from matrix.reporting.logs import LogFormat
from matrix.reporting.spoken import Spoken
from matrix.reporting.text import UNICODE, ColorChoice

GOLDEN = Path(__file__).with_name("golden")
TESTS = Path(__file__).parents[2]
LINUX_IDS = [build.id for build in make_plan().builds]
ARM_IDS = [build.id for build in make_plan(targets=(ARM,)).builds]
needs_pty = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")


def heard(
    events: Sequence[Event],
    *,
    quiet: bool = False,
    verbose: int = 0,
    color: ColorChoice = "auto",
    log_format: LogFormat | None = None,
    env: dict[str, str] | None = None,
    encoding: str = "utf-8",
) -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    reporter = make_listener(
        stream, quiet=quiet, verbose=verbose, color=color, log_format=log_format, report="r.json", env=env or {}
    )
    with reporter:
        for event in events:
            reporter.listener(event)
    return raw.getvalue().decode(encoding)


def test_plain_lines() -> None:
    plan = make_plan(
        targets=(LINUX, ARM),
        left_out=[LeftOut(id="cp39-aarch64-unknown-linux-gnu", reason="below requires-python >=3.10")],
        warnings=["cp310 is below requires-python"],
    )
    assert_golden(GOLDEN / "plain.txt", heard(tell(plan, failing=ARM_IDS, warn=True)))


def test_what_this_machine_cannot_build_has_failed() -> None:
    merely = LeftOut(id="cp39-x86_64-unknown-linux-gnu", reason="below requires-python >=3.10")
    plan = make_plan((12,), left_out=[merely, *missing_arm()])
    assert_golden(GOLDEN / "plain_missing.txt", heard(tell(plan)))
    again = heard(tell(plan, reused=True))
    assert "1 of 3 wheels in target/wheels (1 unchanged) · 2 failed (all aarch64-unknown-linux-gnu)" in again
    quiet = heard(tell(plan), quiet=True)
    assert quiet.startswith("  ✗ cp311  aarch64-unknown-linux-gnu   not built: no driver here")
    assert "hint: pip install 'wheelmatrix[zig]'" in quiet
    assert "below requires-python" not in quiet


def test_the_log_counts_what_this_machine_cannot_build() -> None:
    merely = LeftOut(id="cp39-x86_64-unknown-linux-gnu", reason="below requires-python >=3.10")
    plan = make_plan((12,), left_out=[merely, *missing_arm()])
    records = [json.loads(one) for one in heard(tell(plan), log_format="json").splitlines()]
    (started,) = [one for one in records if one["event"] == "run started"]
    assert (started["cells"], started["left_out"], started["failed"]) == (1, 1, 2)
    lost = [one for one in records if one["event"] == "cell ended" and one["status"] == "failed"]
    assert [(one["cell"], one["level"], one["hint"]) for one in lost] == [
        (f"cp3{minor}-{ARM.triple}", "error", "pip install 'wheelmatrix[zig]'") for minor in (11, 12)
    ]
    assert (records[-1]["built"], records[-1]["failed"], records[-1]["skipped"]) == (1, 2, 1)
    assert records[-1]["level"] == "error"
    assert len(heard(tell(plan), log_format="json", quiet=True).splitlines()) == 3


def test_plain_lines_of_a_run_with_nothing_to_do() -> None:
    last = heard(tell(make_plan(), reused=True)).splitlines()[-1]
    assert last == "4 wheels in target/wheels, all unchanged · 0.2s"


def test_actions_logs_are_folded_and_cannot_be_commanded() -> None:
    plan = make_plan((10, 11))
    events = tell(plan, warn=True)
    evil = "warning: look\n::set-output name=x::y\n  ::error::z\n##[error]w"
    events.insert(5, Diagnostic(at=1.0, build=LINUX_IDS[0], level="warning", rendered=evil))
    text = heard(events, env={"GITHUB_ACTIONS": "true"})
    assert_golden(GOLDEN / "actions.txt", text)
    commands = [one for one in text.splitlines() if one.lstrip().startswith("::") or "##[" in one]
    assert commands == [f"::group::{LINUX_IDS[0]}: 2 warnings", "::endgroup::"]


def test_quiet_says_nothing_of_good_runs() -> None:
    assert heard([*tell(make_plan(), warn=True), Note(level="warning", text="x")], quiet=True) == ""


def test_quiet_tells_errors_with_their_hint() -> None:
    text = heard(tell(make_plan(targets=(LINUX, ARM)), failing=ARM_IDS), quiet=True)
    assert text.count("error: failed to run custom build command") == 1
    assert text.count("failed after") == 4
    assert "hint: vendor OpenSSL" in text
    assert "✓" not in text


def test_verbose_shows_cargos_lines_with_their_build_and_no_secret() -> None:
    events = tell(make_plan((12,)))
    line = "     Running `CARGO_REGISTRY_TOKEN=s3cr3t rustc --crate-name x`"
    events.insert(4, Line(at=1.0, build=LINUX_IDS[2], text=line))
    text = heard(events, verbose=1)
    assert f"[{LINUX_IDS[2]}]    Compiling pyo3 v1.2.3" in text
    assert "CARGO_REGISTRY_TOKEN=***" in text
    assert "s3cr3t" not in text
    assert "Compiling" not in heard(events)


def test_very_verbose_shows_commands_without_secrets() -> None:
    started = BuildStarted(build="b", argv=("cargo", "rustc", "--config", 'registry.token="s3cr3t"', "a b"), log="")
    assert heard([started], verbose=2) == "start   b\n[b] $ cargo rustc --config 'registry.token=***' 'a b'\n"
    assert heard([started], verbose=1) == "start   b\n"


def test_what_the_audit_objects_to_is_told_once() -> None:
    plan = make_plan((11, 12))
    findings = (
        Finding(code="external-library", severity="warning", file="a.so", message="needs libfoo.so.1", hint="link it"),
        Finding(code="level-set-by", severity="note", file="a.so", message="the widest level"),
    )
    verdict = Verdict(overall_tag="linux_x86_64", sym_tag="linux_x86_64", findings=findings)
    events = [
        msgspec.structs.replace(event, verdict=verdict) if isinstance(event, CellEnded) else event
        for event in tell(plan)
    ]
    text = heard(events)
    assert f"[{LINUX_IDS[1]}] warning: needs libfoo.so.1 (a.so)\nhint: link it\n" in text
    assert f"warning: needs libfoo.so.1 · in 2 builds: {LINUX_IDS[1]}, {LINUX_IDS[2]}\n" in text
    assert text.count("libfoo") == 2
    assert "widest" not in text
    many = msgspec.structs.replace(
        verdict,
        findings=tuple(msgspec.structs.replace(findings[0], message=f"needs lib{number}") for number in range(20)),
    )
    lines = heard(
        [
            msgspec.structs.replace(event, verdict=many) if isinstance(event, CellEnded) else event
            for event in events[:-1]
        ]
    )
    assert "… and 12 more: wheelmatrix audit shows them all" in lines


def test_rustcs_advice_after_a_failure_is_left_out() -> None:
    advice = Diagnostic(build=LINUX_IDS[0], level="failure-note", rendered="try `rustc --explain E0308`")
    assert "explain" not in heard([*tell(make_plan())[:2], advice])
    assert "explain" not in heard([advice], log_format="json")


def test_words_that_can_still_be_read_are_not_said_again() -> None:
    spoken = Spoken(UNICODE, color=False)
    spoken.hear(Diagnostic(build="a", level="error", rendered="error: x\n --> y"))
    assert spoken.told("a", "error: x\n\n  --> y")
    assert spoken.told("a", "error: x", within=5)
    assert not spoken.told("a", "error: x\nand more")
    assert not spoken.told("b", "error: x")
    for number in range(5):
        spoken.hear(Note(level="note", text=str(number)))
    assert spoken.told("a", "error: x")
    assert spoken.told("a", "error: x", within=5)
    assert not spoken.told("a", "error: x", within=4)


def test_long_words_do_not_count_as_lines_after_themselves() -> None:
    spoken = Spoken(UNICODE, color=False)
    spoken.hear(Diagnostic(build="a", level="warning", rendered="warning: w\n  |"))
    spoken.hear(Note(level="note", text="\n".join(map(str, range(40)))))
    first = "\n".join(["error: x", "  |", *(f"{number} of x" for number in range(35))])
    second = "\n".join(["error: y", *(f"{number} of y" for number in range(35))])
    for words in (first, second):
        spoken.hear(Diagnostic(build="a", level="error", rendered=words))
    spoken.hear(Note(level="note", text="one line"))
    cut = "\n".join([*f"{first}\n{second}".splitlines()[:40], "… 32 more lines in the log"])
    for details in (f"{first}\n{second}", cut):
        assert spoken.told("a", details, within=1)
        assert not spoken.told("a", details, within=0)


def test_an_ascii_stream_gets_ascii() -> None:
    text = heard([*tell(make_plan(targets=(LINUX, ARM)), failing=ARM_IDS)], encoding="ascii")
    assert text.isascii()
    assert "+ cp310" in text
    assert "x cp310" in text


def test_the_same_note_is_told_once() -> None:
    note = Note(level="warning", text="lanes are on another disk", hint="move them\nor not")
    text = heard([tell(make_plan())[0], note, note])
    assert text.count("warning: lanes are on another disk\nhint: move them\n      or not\n") == 1


def test_colours_only_where_they_are_wanted() -> None:
    events = tell(make_plan(), warn=True)
    assert "\x1b" not in heard(events)
    assert "\x1b" not in heard(events, env={"FORCE_COLOR": "1", "NO_COLOR": "1"})
    for text in (heard(events, color="always"), heard(events, env={"FORCE_COLOR": "1"})):
        assert "\x1b[32m✓\x1b[0m" in text
        assert "\x1b[33mwarning" in text


def test_a_hostile_name_cannot_steer_the_terminal() -> None:
    events: list[Event] = [
        *tell(make_plan())[:2],
        Diagnostic(build=LINUX_IDS[0], level="error", rendered="error: \x1b]0;x\x07bad\x1b[2J\u202e"),
        Note(level="note", text="\x1b[5A../evil\r"),
    ]
    for color in ("always", "never"):
        text = re.sub(r"\x1b\[[0-9;]*m", "", heard(events, color=color))
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def test_a_closed_pipe_does_not_stop_the_run() -> None:
    read, write = os.pipe()
    os.close(read)
    stream = os.fdopen(write, "w", encoding="utf-8")
    reporter = make_listener(stream, env={})
    with reporter:
        for event in tell(make_plan()):
            reporter.listener(event)
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_slow_reader_does_not_hold_up_the_run() -> None:
    read, write = os.pipe()
    stream = os.fdopen(write, "w", encoding="utf-8")
    reporter = make_listener(stream, env={}, verbose=1)
    reporter.start()
    began = time.monotonic()
    for _ in range(200):
        for event in tell(make_plan((12,))):
            reporter.listener(event)
    assert time.monotonic() - began < 5
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(read, 65536), b"")], daemon=True)
    drain.start()
    reporter.stop()
    stream.close()
    drain.join()
    os.close(read)


def test_json_log_lines_are_all_there_is() -> None:
    plan = make_plan(targets=(LINUX, ARM), left_out=[LeftOut(id="cp39-x", reason="below requires-python")])
    lines = [json.loads(one) for one in heard(tell(plan, failing=ARM_IDS, warn=True), log_format="json").splitlines()]
    names = [one["event"] for one in lines]
    assert names[0] == "run started"
    assert names[-1] == "run ended"
    assert names.count("diagnostic") == 2
    assert {"build started", "build ended", "audit started", "audit ended", "cell ended"} <= set(names)
    assert all({"at", "timestamp", "level", "event"} <= one.keys() for one in lines)
    assert all(one["timestamp"].endswith("Z") for one in lines)
    assert [one["at"] for one in lines] == sorted(one["at"] for one in lines)
    ended = [one for one in lines if one["event"] == "build ended"]
    assert {one["seconds"] for one in ended} == {10.0}
    assert ended[-1]["level"] == "error"
    assert ended[-1]["details"].startswith("error: failed to run custom build command")
    assert lines[-1]["failed"] == 4
    assert lines[-1]["built"] == 4
    assert lines[-1]["skipped"] == 1


def test_the_log_hides_secrets_in_commands() -> None:
    started = BuildStarted(build="b", argv=("cargo", "--config", 'registry.token="s3cr3t"'), log="l")
    text = heard([started], log_format="json")
    assert json.loads(text)["argv"] == ["cargo", "--config", "registry.token=***"]


def test_the_log_for_people_has_one_line_an_event() -> None:
    text = heard(tell(make_plan(targets=(ARM,)), failing=ARM_IDS[:1]), log_format="console")
    assert "\x1b" not in text
    assert len(text.splitlines()) == len(
        heard(tell(make_plan(targets=(ARM,)), failing=ARM_IDS[:1]), log_format="json").splitlines()
    )
    assert "build ended" in text
    assert "openssl-sys build script" in text


def test_a_quiet_log_holds_errors_only() -> None:
    text = heard(tell(make_plan(targets=(ARM,)), failing=ARM_IDS[:1]), log_format="json", quiet=True)
    assert {json.loads(one)["level"] for one in text.splitlines()} == {"error"}


def test_a_run_that_never_ended_is_summed_up() -> None:
    events = [event for event in tell(make_plan()) if event.at <= 12]
    assert heard(events).splitlines()[-1].startswith("interrupted: 2 of 4 wheels in target/wheels · 2 not built")


def test_logs_below_the_current_directory_are_shown_relative() -> None:
    events = tell(make_plan((10,)), failing=LINUX_IDS)
    at = next(index for index, event in enumerate(events) if isinstance(event, BuildStarted))
    events[at] = BuildStarted(build=LINUX_IDS[0], argv=(), log=str(Path.cwd() / "logs" / "x.log"))
    assert "log: logs/x.log\n" in heard(events)


@needs_pty
@pytest.mark.parametrize("how", ["", "--break"])
def test_the_board_leaves_the_terminal_as_it_was(how: str) -> None:
    shown = on_a_terminal("--speed", "20", how)
    assert "\x1b[?25l" in shown
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l")
    assert "of 4 · slots 2/2" in shown
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).splitlines()[-1]
    assert last.startswith("interrupted: " if how else "4 wheels in target/wheels")


@needs_pty
def test_the_board_without_colour() -> None:
    shown = on_a_terminal("--speed", "40", "--color", "never", "--warn")
    assert not re.search(r"\x1b\[[0-9;]*m", shown)
    ends = re.findall(r"slots [^\n\r\x1b]*(.)", shown, re.DOTALL)
    assert ends, "no frame was drawn"
    assert {*ends} == {"\n"}, "the cursor stands below the frame, where an echoed ^C makes no line longer"


@needs_pty
def test_a_run_with_nothing_to_do_leaves_one_line() -> None:
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", on_a_terminal("--speed", "1000", "--reused"))
    assert re.fullmatch(r"4 wheels in target/wheels, all unchanged · \d+\.\ds", shown.strip().splitlines()[-1])


def on_a_terminal(*args: str) -> str:
    """Run the demo on a pseudo-terminal of 80 × 24 and return everything it wrote."""
    parent, child = os.openpty()
    env = {name: value for name, value in os.environ.items() if name not in {"CI", "NO_COLOR", "FORCE_COLOR"}}
    env |= {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(TESTS), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "support.board_demo", *filter(None, args)]
    with subprocess.Popen(command, stderr=child, stdin=child, env=env, cwd=TESTS.parent) as process:
        os.close(child)
        chunks = []
        while True:
            try:
                chunk = os.read(parent, 65536)
            except OSError:  # the other end was closed
                break
            if not chunk:
                break
            chunks.append(chunk)
        process.wait(20)
    os.close(parent)
    return b"".join(chunks).decode().replace("\r\n", "\n")
