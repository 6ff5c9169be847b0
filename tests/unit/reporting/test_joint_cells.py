"""How cells that two builds make together are told."""

from __future__ import annotations

import msgspec
from support.made_up_runs import make_plan

from matrix.events import BuildEnded, BuildStarted, CellEnded, Event, RunEnded, RunStarted
from matrix.model import Build, Outcome, Plan
from matrix.platforms import parse_target
from matrix.reporting.closing import failures
from matrix.reporting.collector import ReportCollector
from matrix.reporting.state import RunState

INTEL, ARM = parse_target("x86_64-apple-darwin"), parse_target("aarch64-apple-darwin")
BOTH = "cp312-universal2-apple-darwin"


def joint_plan() -> Plan:
    """Both slices of one cell, and a cell of arm64 alone."""
    single = make_plan((12,), (INTEL, ARM))
    intel, arm = single.builds
    both = msgspec.structs.replace(
        single.cells[0], id=BOTH, target=parse_target("universal2-apple-darwin"), build=intel.id, joined=(arm.id,)
    )
    builds = (
        msgspec.structs.replace(intel, cells=(BOTH,)),
        msgspec.structs.replace(arm, cells=(BOTH, single.cells[1].id)),
    )
    return msgspec.structs.replace(single, cells=(both, single.cells[1]), builds=builds)


def ended(build: Build, status: str = "ok", reason: str = "") -> list[Event]:
    outcome = Outcome(build=build.id, status=status, reason=reason, log=f"logs/{build.id}.log")  # type: ignore[arg-type]
    return [BuildStarted(build=build.id, argv=("cargo",), log=outcome.log), BuildEnded(outcome=outcome)]


def told(plan: Plan, *events: Event) -> tuple[RunState, ReportCollector]:
    state, collector = RunState(), ReportCollector(wheelmatrix="1", tools={}, argv=["wheelmatrix"], previous=None)
    for event in (RunStarted(plan=plan, jobs=2, out="wheels"), *events, RunEnded(interrupted=False)):
        state.apply(event)
        collector(event)
    return state, collector


def test_a_joint_cell_ends_both_builds() -> None:
    plan = joint_plan()
    intel, arm = plan.builds
    state, _ = told(plan, *ended(arm), *ended(intel))
    assert [row.state for row in state.builds.values()] == ["auditing", "auditing"]
    done = [CellEnded(cell=cell.id, build=cell.build, status="built") for cell in plan.cells]
    state, collector = told(plan, *ended(arm), *ended(intel), *done)
    assert [row.state for row in state.builds.values()] == ["done", "done"]
    record = collector.report().cells[0]
    assert (record.build, record.joined, record.status) == (intel.id, (arm.id,), "built")


def test_the_build_that_fails_a_joint_cell_is_the_one_that_is_named() -> None:
    plan = joint_plan()
    intel, arm = plan.builds
    failed = CellEnded(cell=BOTH, build=arm.id, status="failed", reason="link error")
    alone = CellEnded(cell=plan.cells[1].id, build=arm.id, status="failed", reason="link error")
    for events in (
        (*ended(arm, "failed", "link error"), failed, alone, *ended(intel)),
        (*ended(intel), *ended(arm, "failed", "link error"), failed, alone),
    ):
        state, collector = told(plan, *events)
        assert {name: row.state for name, row in state.builds.items()} == {intel.id: "done", arm.id: "failed"}
        (failure,) = failures(state)
        assert (failure.build, failure.log) == (arm.id, f"logs/{arm.id}.log")
        assert len(failure.cells) == 2
        record = collector.report().cells[0]
        assert (record.status, record.reason, record.log) == ("failed", "link error", f"logs/{arm.id}.log")
