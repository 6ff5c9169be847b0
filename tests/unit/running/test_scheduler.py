from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.events import Bus
from matrix.model import Build, Outcome
from matrix.running.scheduler import Scheduler

BuildFactory = Callable[..., Build]


class MemoryPool:
    """Slots without a FIFO, to see the scheduler alone."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.held = 0
        self.peak = 0
        self._limit = anyio.Semaphore(total)

    async def acquire(self) -> None:
        await self._limit.acquire()
        self.held += 1
        self.peak = max(self.peak, self.held)

    def release(self) -> None:
        self.held -= 1
        self._limit.release()

    def handoff(self) -> None:
        raise AssertionError("the scheduler starts no process")

    def close(self) -> None:
        pass


class Shop:
    """Counts what runs at once and plays given endings."""

    def __init__(self, endings: dict[str, str], seconds: dict[str, float] | None = None) -> None:
        self.endings = endings
        self.seconds = seconds or {}
        self.started: list[str] = []
        self.finished: list[str] = []
        self.running: Counter[str] = Counter()
        self.peaks: Counter[str] = Counter()

    async def execute(self, build: Build) -> Outcome:
        self.started.append(build.id)
        self.running[build.driver] += 1
        self.peaks[build.driver] = max(self.peaks[build.driver], self.running[build.driver])
        try:
            await anyio.sleep(self.seconds.get(build.id, 0))
        finally:
            self.running[build.driver] -= 1
        ending = self.endings.get(build.id, "ok")
        return Outcome(build=build.id, status=ending)  # type: ignore[arg-type]

    async def finish(self, build: Build, _: Outcome) -> bool:
        await anyio.lowlevel.checkpoint()
        self.finished.append(build.id)
        return True


def run(
    builds: list[Build],
    shop: Shop,
    *,
    slots: int,
    caps: dict[str, int] | None = None,
    fail_fast: bool = False,
) -> tuple[dict[str, Outcome], MemoryPool]:
    async def main() -> tuple[dict[str, Outcome], MemoryPool]:
        pool = MemoryPool(slots)
        scheduler = Scheduler(
            pool=pool,  # type: ignore[arg-type]
            execute=shop.execute,
            finish=shop.finish,
            bus=Bus(),
            caps=caps,
            fail_fast=fail_fast,
        )
        return await scheduler.run(builds), pool

    return anyio.run(main)


@given(data=st.data(), count=st.integers(0, 12), slots=st.integers(1, 5))
def test_every_build_runs_once_within_slots_and_caps(
    make_build: BuildFactory, data: st.DataObject, count: int, slots: int
) -> None:
    drivers = data.draw(st.lists(st.sampled_from("abc"), min_size=count, max_size=count))
    caps = data.draw(st.dictionaries(st.sampled_from("abc"), st.integers(1, 3)))
    endings = {str(n): data.draw(st.sampled_from(["ok", "failed", "timeout"])) for n in range(count)}
    builds = [make_build(str(n), driver=driver) for n, driver in enumerate(drivers)]
    shop = Shop(endings)
    outcomes, pool = run(builds, shop, slots=slots, caps=caps)
    assert sorted(shop.started) == sorted(build.id for build in builds)
    assert {name: outcome.status for name, outcome in outcomes.items()} == endings
    assert sorted(shop.finished) == sorted(name for name, ending in endings.items() if ending == "ok")
    assert pool.peak <= slots
    assert pool.held == 0
    assert all(shop.peaks[driver] <= cap for driver, cap in caps.items())


@given(count=st.integers(1, 10), slots=st.integers(1, 4))
def test_builds_start_in_plan_order_when_no_cap_holds_them(make_build: BuildFactory, count: int, slots: int) -> None:
    builds = [make_build(f"b{n}") for n in range(count)]
    shop = Shop({})
    run(builds, shop, slots=slots)
    assert shop.started == [build.id for build in builds]


@given(data=st.data(), count=st.integers(1, 10), slots=st.integers(1, 4))
def test_nothing_starts_before_what_it_waits_for(
    make_build: BuildFactory, data: st.DataObject, count: int, slots: int
) -> None:
    after = {f"b{n}": f"b{data.draw(st.integers(0, n - 1))}" for n in range(1, count) if data.draw(st.booleans())}
    order = data.draw(st.permutations([f"b{n}" for n in range(count)]))
    ended: list[str] = []
    broken: list[str] = []

    async def execute(build: Build) -> Outcome:
        if build.id in after and after[build.id] not in ended:
            broken.append(build.id)
        await anyio.lowlevel.checkpoint()
        ended.append(build.id)
        return Outcome(build=build.id, status=data.draw(st.sampled_from(["ok", "failed"])))

    async def finish(_: Build, __: Outcome) -> bool:
        await anyio.lowlevel.checkpoint()
        return True

    async def main() -> None:
        scheduler = Scheduler(pool=MemoryPool(slots), execute=execute, finish=finish, bus=Bus())  # type: ignore[arg-type]
        await scheduler.run([make_build(name) for name in order], after)

    anyio.run(main)
    assert sorted(ended) == sorted(order)
    assert broken == []


def test_a_capped_driver_does_not_hold_up_another(make_build: BuildFactory) -> None:
    builds = [make_build("a1", driver="a"), make_build("a2", driver="a"), make_build("b1", driver="b")]
    shop = Shop({}, {"a1": 0.02})
    run(builds, shop, slots=2, caps={"a": 1})
    assert shop.started == ["a1", "b1", "a2"]


def test_a_failure_costs_nothing_else(make_build: BuildFactory) -> None:
    builds = [make_build(name) for name in "abcd"]
    outcomes, _ = run(builds, Shop({"a": "failed", "c": "timeout"}), slots=2)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "a": "failed",
        "b": "ok",
        "c": "timeout",
        "d": "ok",
    }


def test_fail_fast_cancels_what_runs_and_starts_nothing_more(make_build: BuildFactory) -> None:
    builds = [make_build(name) for name in ("bad", "long", "never")]
    shop = Shop({"bad": "failed"}, {"bad": 0.01, "long": 60})
    outcomes, pool = run(builds, shop, slots=2, fail_fast=True)
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "bad": "failed",
        "long": "cancelled",
        "never": "cancelled",
    }
    assert shop.started == ["bad", "long"]
    assert pool.held == 0


async def test_cancelling_the_run_records_every_build_and_finishes_good_ones(make_build: BuildFactory) -> None:
    shop = Shop({}, {"slow": 60})
    pool = MemoryPool(1)
    scheduler = Scheduler(pool=pool, execute=shop.execute, finish=shop.finish, bus=Bus())  # type: ignore[arg-type]
    with anyio.move_on_after(0.05) as scope:
        await scheduler.run([make_build("quick"), make_build("slow"), make_build("later")])
    assert scope.cancelled_caught
    assert {name: outcome.status for name, outcome in scheduler.outcomes.items()} == {
        "quick": "ok",
        "slow": "cancelled",
        "later": "cancelled",
    }
    assert shop.finished == ["quick"]
    assert pool.held == 0


async def test_finishing_goes_on_while_the_next_build_runs(make_build: BuildFactory) -> None:
    order: list[str] = []

    async def execute(build: Build) -> Outcome:
        order.append(f"start {build.id}")
        await anyio.sleep(0.02)
        order.append(f"end {build.id}")
        return Outcome(build=build.id, status="ok")

    async def finish(build: Build, _: Outcome) -> bool:
        await anyio.sleep(0.005)
        order.append(f"audited {build.id}")
        return True

    scheduler = Scheduler(pool=MemoryPool(1), execute=execute, finish=finish, bus=Bus())  # type: ignore[arg-type]
    await scheduler.run([make_build("one"), make_build("two")])
    assert order.index("audited one") < order.index("end two")


@pytest.mark.parametrize("good", [True, False])
async def test_fail_fast_counts_a_failed_audit_as_a_failure(make_build: BuildFactory, *, good: bool) -> None:
    async def execute(build: Build) -> Outcome:
        await anyio.sleep(0 if build.id == "first" else 0.1)
        return Outcome(build=build.id, status="ok")

    async def finish(_: Build, __: Outcome) -> bool:
        await anyio.lowlevel.checkpoint()
        return good

    scheduler = Scheduler(
        pool=MemoryPool(1),  # type: ignore[arg-type]
        execute=execute,
        finish=finish,
        bus=Bus(),
        fail_fast=True,
    )
    outcomes = await scheduler.run([make_build("first"), make_build("second")])
    assert outcomes["second"].status == ("ok" if good else "cancelled")
    assert scheduler.stopped_early is not good
