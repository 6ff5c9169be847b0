from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.made_up_runs import ARM, LINUX, make_plan, tell

from matrix.errors import ToolError
from matrix.events import CellEnded, Event, Note, RunEnded
from matrix.model import LeftOut, Plan
from matrix.reporting import (
    Report,
    ReportCollector,
    compile_seconds,
    encode_report,
    read_report,
    write_report,
)
from matrix.reporting.collector import describe_machine
from matrix.reporting.schema import SCHEMA_FILE, render_schema

SCHEMA = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
ARM_IDS = [build.id for build in make_plan(targets=(ARM,)).builds]
STARTED = datetime(2026, 11, 23, 21, 0, 1, tzinfo=timezone(timedelta(hours=2)))


def collected(events: list[Event], previous: Report | None = None) -> Report:
    collector = ReportCollector(
        wheelmatrix="1.0",
        tools={"cargo": "1.95.0"},
        argv=["wheelmatrix", "build", "--config", "registry.token='s3cr3t'"],
        previous=previous,
        started=STARTED,
    )
    for event in events:
        collector(event)
    return collector.report()


def test_the_schema_is_the_one_the_types_make() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_schema(), "run python -m matrix.reporting.schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_a_good_run() -> None:
    report = collected(tell(make_plan()))
    assert report.summary.built == 4
    assert report.summary.seconds == 20.0
    assert not report.interrupted
    assert report.absent == ()
    assert report.started == "2026-11-23T19:00:01Z"
    assert report.jobs == 2
    assert report.argv == ("wheelmatrix", "build", "--config", "registry.token=***")
    cell = report.cells[0]
    assert cell.interpreter == "cp310"
    assert cell.wheel is not None
    assert cell.wheel.size == 325_120
    assert cell.audit is not None
    assert cell.audit.overall_tag == "manylinux_2_17_x86_64"
    build = report.builds[2]
    assert (build.started, build.ended, build.exit) == (10.0, 20.0, 0)
    assert (build.crates.compiled, build.crates.fresh) == (10, 0)
    assert build.cells == (build.id,)


def test_a_run_with_failures() -> None:
    left_out = [LeftOut(id="cp39-aarch64-unknown-linux-gnu", reason="below requires-python")]
    report = collected(tell(make_plan(targets=(LINUX, ARM), left_out=left_out, warnings=["careful"]), failing=ARM_IDS))
    assert (report.summary.built, report.summary.failed) == (4, 4)
    (skipped,) = [cell for cell in report.cells if cell.status == "skipped"]
    assert (skipped.id, skipped.reason) == (left_out[0].id, left_out[0].reason)
    assert report.summary.skipped == 1
    assert skipped.id not in [one.cell for one in report.absent]
    assert [one.cell for one in report.absent] == ARM_IDS
    assert report.absent[0].file == "rpds_py-0.30.0-cp310-cp310-*_aarch64.whl"
    assert report.notes[0].text == "careful"
    cell = report.cells[-2]
    assert cell.reason == "openssl-sys build script"
    assert cell.details.startswith("error: failed to run custom build command")
    assert "\x1b" not in encode_report(report).decode()
    assert report.builds[-1].exit == 101


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 160))
def test_at_any_moment_there_is_a_whole_report(heard: int) -> None:
    events = tell(make_plan(targets=(LINUX, ARM)), failing=ARM_IDS, warn=True)
    report = collected(events[:heard])
    assert report.interrupted == (heard < len(events))
    summary = report.summary
    total = summary.built + summary.reused + summary.failed + summary.skipped + summary.cancelled
    assert total == len(report.cells)
    assert len(report.absent) == total - summary.built - summary.reused
    data = encode_report(report)
    VALIDATOR.validate(json.loads(data))
    assert msgspec.json.decode(data, type=Report) == report


def test_an_interrupted_run_says_what_was_cut_off() -> None:
    events = [event for event in tell(make_plan()) if event.at <= 12.5]
    report = collected([*events, RunEnded(at=13.0, interrupted=True)])
    assert (report.summary.built, report.summary.cancelled) == (2, 2)
    assert report.interrupted
    build = report.builds[-1]
    assert (build.status, build.started, build.ended) == ("cancelled", 10.0, 13.0)


def test_foreign_wheels_and_notes_are_named() -> None:
    note = Note(level="note", text="see https://me:s3cr3t@example.org", build="b")
    report = collected([*tell(make_plan())[:-1], note, note, RunEnded(at=20, interrupted=False, foreign=("x.whl",))])
    assert report.foreign == ("x.whl",)
    assert [one.text for one in report.notes] == ["see https://***@example.org"]


def test_a_fresh_build_remembers_how_long_it_once_took() -> None:
    first = collected(tell(make_plan()))
    assert compile_seconds(first) == {build.id: 10.0 for build in make_plan().builds}
    second = collected(tell(make_plan(), reused=True), previous=first)
    assert second.summary.reused == 4
    assert compile_seconds(second) == compile_seconds(first)
    assert compile_seconds(None) == {}


def test_a_report_is_written_whole_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.json"
    report = collected(tell(make_plan()))
    write_report(path, report)
    assert read_report(path) == report
    assert [one.name for one in path.parent.iterdir()] == ["report.json"]
    assert path.read_bytes().endswith(b"}\n")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b"\xff\xfe", b"[" * 100_000])
def test_a_report_that_is_none_is_no_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.json"
    assert read_report(path) is None
    path.write_bytes(content)
    assert read_report(path) is None


def test_a_report_of_another_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    data = json.loads(encode_report(collected(tell(make_plan()))))
    path.write_text(json.dumps({**data, "news": 1}), encoding="utf-8")
    assert read_report(path) is not None
    path.write_text(json.dumps({**data, "version": 2}), encoding="utf-8")
    assert read_report(path) is None


def test_a_report_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match="the report cannot be written") as caught:
        write_report(tmp_path / "file" / "report.json", collected([]))
    assert caught.value.hint == "choose another place with --report"


def test_a_report_before_anything_happened() -> None:
    report = collected([])
    assert report.interrupted
    jsonschema.validate(json.loads(encode_report(report)), SCHEMA)


def test_events_of_another_plan_are_not_reported(plan: Plan) -> None:
    stray = CellEnded(cell="cp27-nowhere", build="x", status="built")
    assert len(collected([*tell(plan), stray]).cells) == 4


def test_the_machine() -> None:
    machine = describe_machine()
    assert machine.cpus >= 1
    assert machine.os == machine.os.lower() != ""


@pytest.fixture
def plan() -> Plan:
    return make_plan()


def test_no_password_of_a_url_is_reported() -> None:
    url = "https://me:pass@word@example.org/x"
    plan = make_plan((10, 11), left_out=[LeftOut(id="cp39-x", reason=f"see {url}", hint=f"try {url}")], warnings=[url])
    events = [
        msgspec.structs.replace(event, status="failed", reason=url, details=url, hint=url, wheel=None, verdict=None)
        if isinstance(event, CellEnded)
        else event
        for event in tell(plan)
    ]
    text = encode_report(collected([*events, Note(level="note", text=url, hint=url)])).decode()
    assert "word" not in text
    assert text.count("https://***@example.org/x") == 11
