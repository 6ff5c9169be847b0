"""The timeline page in a real browser: of a real run, and of a made-up one with a thousand cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from support.browser import show
from support.made_up_runs import ARM, LINUX, make_plan, tell
from support.tools import Ran, find_python

from matrix.reporting import ReportCollector
from matrix.reporting.page import render_page

pytestmark = pytest.mark.real

PROBE = """
  const bars = [...document.querySelectorAll(".bar")];
  const boxes = () => bars.map((bar) => bar.getBoundingClientRect());
  const before = boxes();
  const overlaps = [...document.querySelectorAll(".bars")].flatMap((row) => {
    const ends = [...row.children].map((bar) => bar.getBoundingClientRect()).sort((a, b) => a.left - b.left);
    return ends.filter((box, at) => at && box.left < ends[at - 1].right - 1.5);
  }).length;
  // dispatched, as focus() tells nobody while the window itself has none
  bars[bars.length - 1].dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
  const told = document.querySelector("#told").textContent;
  const zoom = document.querySelector("#zoom");
  zoom.value = zoom.max;
  zoom.dispatchEvent(new Event("input"));
  const zoomed = boxes();
  const find = document.querySelector("#find");
  find.value = bars[0].dataset.build;
  find.dispatchEvent(new Event("input"));
  return {
    builds: bars.map((bar) => bar.dataset.build),
    widths: before.map((box) => box.width),
    heights: before.map((box) => box.height),
    titles: bars.map((bar) => bar.title),
    marks: document.querySelectorAll(".bar i[title]").length,
    overlaps, told,
    grown: zoomed.every((box, at) => box.width > before[at].width),
    lit: bars.filter((bar) => !bar.classList.contains("off")).map((bar) => bar.dataset.build),
    loaded: performance.getEntriesByType("resource").length,
    sideways: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  };
"""


def test_a_browser_shows_every_build_of_a_real_run(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], tmp_path: Path
) -> None:
    root = project("ffi-only")
    pythons = [str(find_python(version)) for version in ("3.10", "3.12")]
    ran = wheelmatrix("build", "--timings", "--json", "-i", *pythons, cwd=root)
    assert ran.exit == 0, ran
    report = json.loads(ran.stdout)
    spans = report["timeline"]
    builds = [build["id"] for build in report["builds"]]
    assert sorted(span["build"] for span in spans if not span["build"].startswith("seed-")) == sorted(builds)
    assert len(spans) == len(builds) + 1
    assert 0 < report["utilisation"] <= 1
    compiled = {span["build"]: {crate["name"] for crate in span["crates"]} for span in spans}
    assert all({"pyo3-ffi", "ffi-only"} <= compiled[build] for build in builds)
    for span in spans:
        assert 0 <= span["started"] < span["ended"] <= report["summary"]["seconds"]
        known = [one for crate in span["crates"] for one in (crate["started"], crate["ended"]) if one is not None]
        assert all(span["started"] <= at <= span["ended"] for at in known)
    # cargo's own report is there as well
    assert len([*root.glob("target/wheelmatrix/lanes/cp3*/cargo-timings/cargo-timing.html")]) == 2
    shown = show(root / "target" / "wheels" / "timeline.html", PROBE, tmp_path)
    assert shown.console == ()
    seen = shown.measured
    assert seen["builds"] == [span["build"] for span in sorted(spans, key=lambda one: (one["slot"], one["started"]))]
    assert all(title.startswith(f"{build}: ") for build, title in zip(seen["builds"], seen["titles"], strict=True))
    assert seen["told"] == seen["titles"][-1]
    assert min(seen["widths"]) > 30
    assert seen["marks"] == sum(len(span["crates"]) for span in spans)
    assert (seen["overlaps"], seen["loaded"], seen["grown"], seen["sideways"]) == (0, 0, True, False)
    assert seen["lit"] == seen["builds"][:1]


def test_a_browser_shows_a_thousand_cells_that_can_be_read(tmp_path: Path) -> None:
    plan = make_plan(range(2, 502), targets=(LINUX, ARM))
    collector = ReportCollector(wheelmatrix="1.0", started=datetime(2026, 11, 23, tzinfo=timezone.utc))
    for event in tell(plan, jobs=8, failing=[plan.builds[7].id]):
        collector(event)
    page = tmp_path / "timeline.html"
    page.write_text(render_page(collector.report()), encoding="utf-8")
    shown = show(page, PROBE, tmp_path)
    assert shown.console == ()
    seen = shown.measured
    assert sorted(seen["builds"]) == sorted(build.id for build in plan.builds)
    assert min(seen["widths"]) >= 30
    assert min(seen["heights"]) >= 20
    assert (seen["overlaps"], seen["loaded"], seen["grown"], seen["sideways"]) == (0, 0, True, False)


def test_the_browser_tells_of_errors_on_its_console(tmp_path: Path) -> None:
    """So that an empty console means something."""
    page = tmp_path / "broken.html"
    page.write_text("<body><script>console.error('seen'); missing();</script></body>", encoding="utf-8")
    assert len(show(page, "return {};", tmp_path).console) == 2
