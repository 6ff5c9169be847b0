"""The running room with real cargos: slots, killed processes, lanes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import psutil
import pytest

from drivers import ALL
from matrix.driver import Host
from matrix.events import BuildEnded, BuildStarted, Bus, CrateDone, Event
from matrix.model import Build, Interpreter, Outcome, Plan, Settings, Target
from matrix.platforms import parse_target
from matrix.running.bench import Bench
from matrix.running.jobserver import FifoPool
from matrix.running.lanes import Workshop
from matrix.running.run import carry_out

pytestmark = [
    pytest.mark.own_rustc,
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="counts processes in /proc"),
]

PROJECTS = Path(__file__).parents[1] / "projects"
HOST = Target(
    triple="x86_64-unknown-linux-gnu", arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64
)


def build(minor: int, crate: str, *, profile: str = "dev") -> Build:
    python = Interpreter(
        implementation="cpython",
        version=(3, minor),
        python_tag=f"cp3{minor}",
        abi_tag=f"cp3{minor}",
        ext_suffix=f".cpython-3{minor}-x86_64-linux-gnu.so",
    )
    return Build(
        id=f"cp3{minor}",
        target=HOST,
        interpreter=python,
        bindings="pyo3",
        driver="cargo",
        settings=Settings(profile=profile),
        cells=(f"cp3{minor}",),
        pyo3_config=f"implementation=CPython\nversion=3.{minor}\nshared=true\npointer_width=64\n",
        manifest="Cargo.toml",
        crate=crate,
        lib_name=crate.replace("-", "_"),
    )


class Run:
    """Carries builds of a copied project out and keeps every event."""

    def __init__(self, project: str, into: Path, *, jobs: int) -> None:
        self.crate = project
        self.root = into / project
        shutil.copytree(PROJECTS / project, self.root)
        self.pool = FifoPool(jobs)
        self.events: list[Event] = []
        self.bus = Bus([self.events.append])

    async def carry_out(self, *minors: int, fail_fast: bool = False) -> dict[str, Outcome]:
        workshop = Workshop(self.root / "target" / "wheelmatrix")
        workshop.prepare()
        bench = Bench(
            root=self.root,
            workshop=workshop,
            drivers={driver.name: driver for driver in ALL},
            pool=self.pool,
            bus=self.bus,
            host=Host(target=parse_target("x86_64-unknown-linux-gnu")),
            cache=self.root / "target" / "cache",
        )
        plan = Plan(
            project=self.crate,
            version="1",
            bindings="pyo3",
            cells=(),
            builds=tuple(build(minor, self.crate) for minor in minors),
        )
        await carry_out(plan, bench, finish, fail_fast=fail_fast)
        return {event.outcome.build: event.outcome for event in self.events if isinstance(event, BuildEnded)}


async def finish(_: Build, outcome: Outcome) -> bool:
    return all(Path(artifact.path).is_file() for artifact in outcome.artifacts)


@contextmanager
def pool_of(run: Run) -> Iterator[FifoPool]:
    try:
        yield run.pool
    finally:
        run.pool.close()


def command_lines() -> list[str]:
    return [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]


def live_rustcs(lanes: Path) -> list[psutil.Process]:
    """Return rustc processes that compile a crate for one of these lanes (not those that only answer questions).

    A look at all processes takes a while, in which one may end and another begin: only those count that are still there
    at its end, so all of them were there at one moment. A child of a rustc is a linker that has not begun to be one.
    """
    found = []
    for process in psutil.process_iter():
        try:
            argv = process.cmdline()
        except psutil.Error:
            continue
        if argv and Path(argv[0]).name == "rustc" and "--emit" in " ".join(argv) and str(lanes) in " ".join(argv):
            found.append(process)
    pids = {process.pid for process in found}
    return [process for process in found if still_runs(process) and parent(process) not in pids]


def still_runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def parent(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.Error:
        return 0


@pytest.mark.parametrize("jobs", [1, 2])
async def test_jobs_bounds_rustc_over_all_builds(tmp_path: Path, jobs: int) -> None:
    run = Run("ffi-only", tmp_path, jobs=jobs)
    peak = 0
    samples = 0
    with pool_of(run) as pool:
        async with anyio.create_task_group() as group:

            async def sample() -> None:
                nonlocal peak, samples
                while True:
                    peak = max(peak, len(live_rustcs(run.root)))
                    samples += 1
                    await anyio.sleep(0.005)

            group.start_soon(sample)
            outcomes = await run.carry_out(10, 11, 12, 13)
            group.cancel_scope.cancel()
        assert {name: outcome.status for name, outcome in outcomes.items()} == dict.fromkeys(
            ["cp310", "cp311", "cp312", "cp313"], "ok"
        )
        assert samples > 20
        assert 1 <= peak <= jobs
        assert pool.free() == jobs


async def test_a_killed_cargo_costs_its_own_build_and_the_pool_is_whole_again(tmp_path: Path) -> None:
    run = Run("ffi-only", tmp_path, jobs=2)
    killed: list[int] = []

    def kill_first(event: Event) -> None:
        if isinstance(event, CrateDone) and event.build == "cp310" and not killed:
            for process in psutil.Process().children():
                if f"{os.sep}cp310" in " ".join(process.cmdline()):
                    killed.append(process.pid)
                    process.send_signal(signal.SIGKILL)

    run.bus.add(kill_first)
    with pool_of(run) as pool:
        outcomes = await run.carry_out(10, 11, 12)
        assert killed
        assert outcomes["cp310"].status == "failed"
        assert outcomes["cp310"].reason == "ended by SIGKILL"
        assert outcomes["cp311"].status == outcomes["cp312"].status == "ok"
        assert pool.free() == 2
        again = await run.carry_out(10, 11, 12)
    assert again["cp310"].status == "ok"
    assert (again["cp311"].compiled, again["cp312"].compiled) == (0, 0)


async def test_cancelling_leaves_no_process_behind(tmp_path: Path) -> None:
    run = Run("ffi-only", tmp_path, jobs=2)
    with pool_of(run):
        with anyio.move_on_after(30) as scope:

            def stop(event: Event) -> None:
                if isinstance(event, CrateDone):
                    scope.cancel()

            run.bus.add(stop)
            before = time.monotonic()
            await run.carry_out(10, 11)
        assert scope.cancelled_caught
        assert time.monotonic() - before < 20
        assert not [
            process
            for process in psutil.process_iter(["cmdline"])
            if str(run.root) in " ".join(process.info["cmdline"] or [])
        ]
        assert run.pool.free() == 2


async def test_a_second_run_compiles_nothing(tmp_path: Path) -> None:
    run = Run("ffi-only", tmp_path, jobs=2)
    with pool_of(run):
        first = await run.carry_out(11, 12)
        assert all(outcome.compiled > 0 for outcome in first.values())
        second = await run.carry_out(11, 12)
    assert all(outcome.compiled == 0 and outcome.fresh > 0 for outcome in second.values())


async def test_a_compile_error_is_told_in_rustc_s_words_and_costs_nothing_else(tmp_path: Path) -> None:
    run = Run("broken-compile", tmp_path, jobs=2)
    with pool_of(run):
        outcomes = await run.carry_out(12)
    outcome = outcomes["cp312"]
    assert outcome.status == "failed"
    assert outcome.reason.startswith("error[E0308]: mismatched types (src/lib.rs:")
    assert "src/lib.rs" in outcome.details
    log = run.root / "target" / "wheelmatrix" / outcome.log
    assert "mismatched types" in log.read_text()


async def test_two_runs_at_once_take_turns_in_a_lane(tmp_path: Path) -> None:
    run = Run("ffi-only", tmp_path, jobs=2)
    with pool_of(run):
        async with anyio.create_task_group() as group:
            group.start_soon(run.carry_out, 12)
            group.start_soon(run.carry_out, 12)
    ended = [event.outcome for event in run.events if isinstance(event, BuildEnded)]
    assert [outcome.status for outcome in ended] == ["ok", "ok"]
    assert sorted(outcome.compiled > 0 for outcome in ended) == [False, True]
    assert len([event for event in run.events if isinstance(event, BuildStarted)]) == 2
