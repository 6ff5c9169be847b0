from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_up_runs import ARM, CRATES, LINUX, make_plan, tell
from support.pages import Page

from matrix.errors import ToolError
from matrix.events import BuildEnded, CrateDone, Event, Line, RunStarted, SlotFreed, SlotTaken
from matrix.files import PAGE
from matrix.reporting import Report, ReportCollector
from matrix.reporting.page import render_page, write_page
from matrix.reporting.timeline import Timeline, utilisation


def collected(events: list[Event]) -> Report:
    collector = ReportCollector(wheelmatrix="1.0", started=datetime(2026, 11, 23, tzinfo=timezone.utc))
    for event in events:
        collector(event)
    return collector.report()


def seeded() -> list[Event]:
    """A run in which a seed comes first and the second build has not ended."""
    plan = make_plan((11, 12))
    one, two = (build.id for build in plan.builds)
    return [
        RunStarted(plan=plan, jobs=2, out="target/wheels"),
        SlotTaken(at=0.5, build="seed-1234", slot=0),
        Line(at=1.0, build="seed-1234", text="\x1b[32m   Compiling\x1b[0m serde v1.2.3"),
        CrateDone(at=2.0, build="seed-1234", crate="build-script-build", fresh=False, package="serde"),
        CrateDone(at=3.0, build="seed-1234", crate="serde", fresh=False, package="serde"),
        SlotFreed(at=3.5, build="seed-1234", slot=0),
        SlotTaken(at=3.5, build=one, slot=0),
        SlotTaken(at=3.6, build=two, slot=1),
        CrateDone(at=4.0, build=one, crate="serde", fresh=True, package="serde"),
        CrateDone(at=5.0, build=one, crate="rpds", fresh=False, package="rpds-py"),
        SlotFreed(at=6.0, build=one, slot=0),
        Line(at=7.0, build=two, text="   Compiling rpds-py v0.30.0"),
        Line(at=8.0, build=two, text="warning: unused"),
    ]


def test_the_report_says_who_held_which_slot_when() -> None:
    report = collected(seeded())
    seed, first, second = report.timeline
    assert (seed.build, seed.slot, seed.started, seed.ended) == ("seed-1234", 0, 0.5, 3.5)
    assert [(crate.name, crate.started, crate.ended) for crate in seed.crates] == [("serde", 1.0, 3.0)]
    assert (first.slot, first.started, first.ended) == (0, 3.5, 6.0)
    assert [(crate.name, crate.started, crate.ended) for crate in first.crates] == [("rpds-py", None, 5.0)]
    assert (second.slot, second.started, second.ended) == (1, 3.6, 8.0)
    assert [(crate.name, crate.started, crate.ended) for crate in second.crates] == [("rpds-py", 7.0, None)]
    assert report.utilisation == pytest.approx((3.0 + 2.5 + 4.4) / 16, abs=1e-4)


def test_a_run_without_builds_used_nothing() -> None:
    report = collected([RunStarted(plan=make_plan(()), jobs=2, out="")])
    assert (report.timeline, report.utilisation) == ((), None)


@given(st.integers(1, 99), st.floats(0, 1e6), st.floats(0, 1e9), st.none() | st.floats(0, 1e9))
def test_a_share_is_a_share(jobs: int, seconds: float, busy: float, cpu: float | None) -> None:
    share = utilisation(jobs, seconds, busy, cpu)
    assert share is None or 0 <= share <= 1


def test_what_nobody_announced_is_no_fault() -> None:
    timeline = Timeline()
    timeline(SlotFreed(at=1.0, build="x", slot=0))
    timeline(CrateDone(at=1.0, build="x", crate="y", fresh=False))
    assert timeline.spans(2.0) == ()


def test_every_stint_is_a_bar_and_every_build_a_line() -> None:
    page = Page(render_page(collected(seeded())))
    assert page.balanced
    assert page.open == []
    bars = page.having("bar")
    assert [bar["data-build"][:4] for bar in bars] == ["seed", "cp31", "cp31"]
    assert [bar["class"] for bar in bars] == ["bar seed", "bar cancelled", "bar cancelled"]
    assert "0.5s to 3.5s in slot 0" in bars[0]["title"]
    assert "1 crate compiled once" in bars[0]["title"]
    assert [attrs["title"].splitlines()[0] for tag, attrs in page.tags if tag == "i"] == [
        "serde: 1.0s to 3.0s",
        "rpds-py: 5.0s to 5.0s",
        "rpds-py: 7.0s to 8.0s",
    ]
    assert sum(tag == "tr" for tag, _ in page.tags) == 3
    assert sum(tag == "div" and attrs.get("class") == "slot" for tag, attrs in page.tags) == 2


def test_a_thousand_cells_keep_bars_wide_enough_to_read() -> None:
    plan = make_plan(range(2, 502), targets=(LINUX, ARM))
    report = collected(tell(plan, jobs=4, failing=[plan.builds[3].id]))
    text = render_page(report)
    page = Page(text)
    bars = page.having("bar")
    assert len(bars) == len(plan.builds) == 1000
    scale = float(re.search(r"--scale:([\d.]+)", text)[1])  # type: ignore[index]
    widths = [float(re.search(r"--for:([\d.]+)", bar["style"])[1]) * scale for bar in bars]  # type: ignore[index]
    assert min(widths) >= 30
    assert len([bar for bar in bars if "failed" in bar["class"]]) == 1
    assert sum(tag == "i" for tag, _ in page.tags) == 1000 * len(CRATES)
    axis = [attrs for tag, attrs in page.tags if tag == "span" and attrs.get("style", "").startswith("--at")]
    assert 10 < len(axis) <= 130


def test_nothing_is_loaded_from_anywhere_and_names_are_only_text() -> None:
    nasty = "</script><script src=//evil>'\"&"
    events = [msgspec.structs.replace(event) for event in seeded()]
    plan = msgspec.structs.replace(make_plan((11,)), project=nasty, version=nasty)
    build = msgspec.structs.replace(plan.builds[0], id=nasty, driver=nasty)
    plan = msgspec.structs.replace(plan, builds=(build,))
    events = [
        RunStarted(plan=plan, jobs=1, out=nasty),
        SlotTaken(at=0, build=nasty, slot=0),
        CrateDone(at=1, build=nasty, crate=nasty, fresh=False, package=nasty),
        SlotTaken(at=1, build=f"seed-{nasty}", slot=1),
        SlotFreed(at=2, build=nasty, slot=0),
    ]
    text = render_page(collected(events))
    page = Page(text)
    assert page.balanced
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert [bar["data-build"] for bar in page.having("bar")] == [nasty, f"seed-{nasty}"]
    assert not {"src", "href", "action", "data", "srcset"} & {name for _, attrs in page.tags for name in attrs}
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|https?:|//(?!evil)\w", text)


def test_a_secret_in_a_reason_is_not_told() -> None:
    events = tell(make_plan((11,)), failing=[make_plan((11,)).builds[0].id])
    told: list[Event] = [
        BuildEnded(
            at=event.at,
            outcome=msgspec.structs.replace(event.outcome, reason="fetch https://me:s3cr3t@index.invalid/x"),
        )
        if isinstance(event, BuildEnded)
        else event
        for event in events
    ]
    text = render_page(collected(told))
    assert "s3cr3t" not in text
    assert "https://***@index.invalid/x" in text


def test_the_page_is_written_beside_the_report(tmp_path: Path) -> None:
    report = collected(seeded())
    write_page(tmp_path / "report.json", report)
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == render_page(report)
    (tmp_path / "taken" / PAGE).mkdir(parents=True)
    with pytest.raises(ToolError, match="timeline cannot be written"):
        write_page(tmp_path / "taken" / "report.json", report)
