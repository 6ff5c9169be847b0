from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.golden import assert_golden
from support.made_up_runs import ARM, LINUX, make_plan, missing_arm, tell

from matrix.events import BuildEnded, BuildStarted, BuildWaiting, CellEnded, Event, PrepareStarted, RunEnded
from matrix.model import LeftOut, Outcome
from matrix.reporting.closing import closing, left_out_lines
from matrix.reporting.rows import folded_rows, frame
from matrix.reporting.state import RunState, label_of
from matrix.reporting.text import ASCII, UNICODE, Line, paint

GOLDEN = Path(__file__).with_name("golden")
ARM_IDS = [build.id for build in make_plan(targets=(ARM,)).builds]


def followed(events: Sequence[Event]) -> RunState:
    state = RunState()
    for event in events:
        state.apply(event)
    return state


def written(lines: Sequence[Line]) -> str:
    return "".join(f"{paint(one, color=False)}\n" for one in lines)


def until(events: Sequence[Event], at: float) -> list[Event]:
    return [event for event in events if event.at <= at and not isinstance(event, RunEnded)]


def test_half_way(plan_events: list[Event]) -> None:
    state = followed(until(plan_events, 13))
    assert_golden(GOLDEN / "half_way.txt", written(frame(state, UNICODE, now=13.2, width=80, height=24)))


def test_half_way_in_ascii(plan_events: list[Event]) -> None:
    state = followed(until(plan_events, 13))
    text = written(frame(state, ASCII, now=13.2, width=80, height=24))
    assert text.isascii()
    assert_golden(GOLDEN / "half_way_ascii.txt", text)


def test_many_builds_on_a_small_terminal() -> None:
    events = tell(make_plan(range(8, 25), (LINUX, ARM)), jobs=3, failing=["cp39-x86_64-unknown-linux-gnu"])
    state = followed(until(events, 35))
    lines = frame(state, UNICODE, now=35.0, width=80, height=14)
    assert len(lines) <= 14
    assert_golden(GOLDEN / "folded.txt", written(lines))


def test_waiting_and_preparing(plan_events: list[Event]) -> None:
    first = plan_events[0]
    state = followed(
        [
            first,
            PrepareStarted(at=0.1, what="cargo fetch"),
            BuildWaiting(at=0.2, build="cp310-x86_64-unknown-linux-gnu", reason="its lane is held by another run"),
        ]
    )
    assert_golden(GOLDEN / "waiting.txt", written(frame(state, UNICODE, now=1.0, width=80, height=24)))


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 30), st.floats(0, 60), st.integers(20, 200))
def test_a_frame_fits_every_terminal(builds: int, height: int, at: float, width: int) -> None:
    state = followed(until(tell(make_plan(range(builds)), jobs=4), at))
    lines = frame(state, UNICODE, now=at, width=width, height=height)
    assert 1 <= len(lines) <= height
    assert len(paint(lines[-1], color=False)) <= max(width, 60)


@settings(deadline=None)
@given(st.integers(1, 12), st.floats(0, 40))
def test_builds_in_work_are_never_folded_away_while_there_is_room(room: int, at: float) -> None:
    state = followed(until(tell(make_plan(range(8, 25)), jobs=3), at))
    shown = folded_rows(list(state.builds.values()), room)
    assert len(shown) <= room
    running = [row for row in state.builds.values() if row.state == "running"]
    if room > len(running):
        assert {row.build.id for row in running} <= {row.build.id for row in shown}


@pytest.mark.parametrize("name", ["all_built", "all_reused", "failed", "interrupted", "foreign", "all_built_ascii"])
def test_what_stays(name: str) -> None:
    plan = make_plan(targets=(LINUX, ARM)) if name == "failed" else make_plan()
    events = tell(plan, failing=ARM_IDS if name == "failed" else [], reused=name == "all_reused")
    if name == "interrupted":
        events = [*until(events, 13), RunEnded(at=13.5, interrupted=True)]
    if name == "foreign":
        events = [*events[:-1], RunEnded(at=20, interrupted=False, foreign=("old-1.0-cp39-cp39-win32.whl",))]
    lines = closing(
        followed(events),
        ASCII if name.endswith("ascii") else UNICODE,
        color=False,
        report="target/wheels/report.json",
        lines_in=lambda _path: 214,
    )
    assert_golden(GOLDEN / f"closing_{name}.txt", written(lines))


def test_an_audits_refusal_is_told_without_a_time(plan_events: list[Event]) -> None:
    ends = [event for event in plan_events if isinstance(event, CellEnded)]
    refused = CellEnded(
        at=10.0,
        cell=ends[0].cell,
        build=ends[0].build,
        status="failed",
        reason="asked for manylinux_2_17, needs glibc 2.34",
        details="__libc_start_main@GLIBC_2.34, pthread_create@GLIBC_2.34 (3 more) from std",
        hint="build with --zig, or in an image of that level; --compatibility linux to keep the wheel local",
    )
    events = [refused if event is ends[0] else event for event in plan_events]
    lines = closing(followed(events), UNICODE, color=False, report="r.json")
    assert_golden(GOLDEN / "closing_refused.txt", written(lines))


@pytest.mark.parametrize("reused", [False, True])
def test_the_end_tells_what_this_machine_cannot_build(reused: bool) -> None:
    """Even where nothing else had to be done."""
    events = tell(make_plan((12,), left_out=missing_arm()), reused=reused)
    lines = closing(followed(events), UNICODE, color=False, report="r.json")
    assert_golden(GOLDEN / f"closing_missing{'_reused' * reused}.txt", written(lines))


def test_cpu_seconds_tell_the_use_of_the_slots(plan_events: list[Event]) -> None:
    events = [*plan_events[:-1], RunEnded(at=20.0, interrupted=False, cpu_seconds=30.0)]
    assert followed(events).utilisation == 0.75
    assert followed(plan_events).utilisation == 1.0


def test_a_build_without_cells_ends_by_itself(plan_events: list[Event]) -> None:
    first = plan_events[0]
    plan = make_plan()
    seed = msgspec.structs.replace(plan.builds[0], id="seed-x86_64-unknown-linux-gnu", cells=())
    state = followed([msgspec.structs.replace(first, plan=msgspec.structs.replace(plan, builds=(seed, *plan.builds)))])
    state.apply(BuildStarted(at=1.0, build=seed.id, argv=("cargo",), log=""))
    state.apply(BuildEnded(at=2.0, outcome=Outcome(build=seed.id, status="ok", started=1.0, ended=2.0)))
    assert state.builds[seed.id].state == "done"
    assert state.builds[seed.id].seconds(9.0) == 1.0


def test_events_of_unknown_builds_change_nothing() -> None:
    state = followed(tell(make_plan())[1:])
    assert state.builds == {}
    assert written(frame(state, UNICODE, now=1, width=80, height=24))


def test_labels() -> None:
    assert label_of("cp312-x86_64-unknown-linux-gnu", "x86_64-unknown-linux-gnu") == "cp312"
    assert label_of("abi3-cp39-x86_64-unknown-linux-gnu-fast", "x86_64-unknown-linux-gnu") == "abi3-cp39 fast"
    assert label_of("odd", "x86_64-unknown-linux-gnu") == "odd"


def test_what_is_left_out_is_told_by_reason() -> None:
    left_out = [
        LeftOut(id="pp311-x86_64-unknown-linux-musl", reason="exclude[0] in pyproject.toml"),
        LeftOut(id="cp38-x86_64-unknown-linux-gnu", reason="below requires-python >=3.9"),
        LeftOut(id="cp37-x86_64-unknown-linux-gnu", reason="below requires-python >=3.9"),
    ]
    triples = ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"]
    assert written(left_out_lines(left_out, triples, UNICODE)).splitlines() == [
        "○ left out: pp311 on x86_64-unknown-linux-musl (exclude[0] in pyproject.toml)",
        "○ left out: cp38, cp37 on x86_64-unknown-linux-gnu (below requires-python >=3.9)",
    ]
    many = [LeftOut(id=f"x{number}", reason=f"reason {number}") for number in range(20)]
    lines = written(left_out_lines(many, triples, ASCII)).splitlines()
    assert len(lines) == 6
    assert lines[-1] == "... 15 more reasons: wheelmatrix plan"


@pytest.fixture
def plan_events() -> list[Event]:
    return tell(make_plan())
