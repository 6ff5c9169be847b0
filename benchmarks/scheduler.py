"""The scheduler alone: thousands of made-up builds on many slots under a clock that jumps, against the lower bound.

No run can be shorter than its total work divided by the slots, nor than its longest chain (a seed, then what waits for
it). Builds take no real time; what the scheduler itself costs is CPU time of this process::

    python benchmarks/scheduler.py --check
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import selectors
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from matrix.estimates import urgencies
from matrix.events import Bus
from matrix.model import Build, Outcome, Settings, Target
from matrix.running.pool import Pool
from matrix.running.scheduler import Scheduler

MOST = 1.05  # times the lower bound
LINUX = Target(
    triple="x86_64-unknown-linux-gnu", arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64
)


@dataclass
class Work:
    """Builds to be: how long each takes, what each waits for, and what the last run said it takes."""

    seconds: dict[str, float] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)
    expected: dict[str, float | None] = field(default_factory=dict)

    def add(self, name: str, seconds: float, expected: float | None, after: str | None = None) -> None:
        """Add a build."""
        self.seconds[name], self.expected[name] = seconds, expected
        if after is not None:
            self.after[name] = after

    def bound(self, slots: int) -> float:
        """Return the seconds that no schedule undercuts."""
        return max(sum(self.seconds.values()) / slots, *urgencies(self.seconds, self.after).values())


def alone(count: int, dice: random.Random) -> Work:
    """Builds that wait for nothing, some of them far longer than most."""
    work = Work()
    for number in range(count):
        length = dice.lognormvariate(3.0, 1.0)
        work.add(f"b{number}", length, length)
    return work


def families(count: int, dice: random.Random, *, error: float = 0.0) -> Work:
    """Seeds and the two to forty siblings that wait for each; estimates are wrong by up to ``error``."""
    work = Work()
    while len(work.seconds) < count:
        seed = f"seed{len(work.seconds)}"
        length = dice.lognormvariate(3.0, 0.8)
        work.add(seed, length, length * dice.uniform(1 - error, 1 + error))
        for number in range(min(dice.randint(2, 40), count - len(work.seconds))):
            own = length * dice.uniform(0.2, 0.8)
            work.add(f"{seed}-{number}", own, own * dice.uniform(1 - error, 1 + error), seed)
    return work


def chain(count: int, dice: random.Random) -> Work:
    """Families, and one seed with its sibling that together are longer than everything else over the slots."""
    work = families(count - 2, dice)
    total = sum(work.seconds.values())
    work.add("long", total / 100, total / 100)
    work.add("long-sibling", total / 120, total / 120, "long")
    return work


WORKLOADS: dict[str, Callable[[int, random.Random], Work]] = {
    "alone": alone,
    "families": families,
    "estimates wrong by up to 50%": lambda count, dice: families(count, dice, error=0.5),
    "one long chain": chain,
}


class _Skipping(selectors.DefaultSelector):
    """A selector that waits no real time but moves the loop's clock."""

    clock = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout > 0:
            self.clock += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to whatever happens next."""

    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.clock


class _Slots:
    """Slots without a FIFO."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.held = 0
        self._limit = anyio.Semaphore(total)

    async def acquire(self) -> None:
        await self._limit.acquire()
        self.held += 1

    def release(self) -> None:
        self.held -= 1
        self._limit.release()

    def handoff(self) -> Any:
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is open."""


def builds_of(expected: Mapping[str, float | None]) -> list[Build]:
    """Return builds with these ids and histories."""
    settings = Settings(profile="release")
    return [
        Build(
            id=name,
            target=LINUX,
            interpreter=None,
            bindings="pyo3",
            driver="cargo",
            settings=settings,
            cells=(),
            manifest="Cargo.toml",
            crate="made-up",
            lib_name="made_up",
            expected=seconds,
        )
        for name, seconds in expected.items()
    ]


def simulate(work: Work, slots: int) -> dict[str, float]:
    """Run the scheduler over made-up work; return what came out, in seconds."""
    builds = builds_of(work.expected)

    async def execute(build: Build) -> Outcome:
        await anyio.sleep(work.seconds[build.id])
        return Outcome(build=build.id, status="ok")

    async def finish(_: Build, __: Outcome) -> bool:
        return True

    async def main() -> float:
        pool: Pool = _Slots(slots)
        began = anyio.current_time()
        await Scheduler(pool=pool, execute=execute, finish=finish, bus=Bus()).run(builds, work.after)
        return anyio.current_time() - began

    cpu = time.process_time()
    took: float = anyio.run(main, backend_options={"loop_factory": _Loop})
    cpu = time.process_time() - cpu
    bound = work.bound(slots)
    return {
        "seconds": round(took, 3),
        "bound": round(bound, 3),
        "ratio": round(took / bound, 4),
        "scheduler_cpu": round(cpu, 3),
    }


def main() -> int:
    """Simulate every workload and write the result; exit 1 when one misses the target and ``--check`` was given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=64)
    parser.add_argument("--seeds", type=int, default=3, help="random workloads of each kind; the worst counts")
    parser.add_argument("--check", action="store_true", help=f"exit 1 above {MOST} times the bound")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "scheduler.json")
    options = parser.parse_args()
    result: dict[str, Any] = {
        "version": 1,
        "builds": options.builds,
        "slots": options.slots,
        "python": platform.python_version(),
        "units": {
            "seconds": "simulated, from the first start to the last end",
            "bound": "simulated, max(total work / slots, longest chain)",
            "scheduler_cpu": "real CPU seconds of this process for all builds",
        },
        "workloads": {},
    }
    for name, make in WORKLOADS.items():
        runs = [
            simulate(make(options.builds, random.Random(seed)), options.slots)  # noqa: S311 - made-up work
            for seed in range(options.seeds)
        ]
        result["workloads"][name] = runs
        worst = max(runs, key=lambda run: run["ratio"])
        print(f"{name:30} {worst['ratio']:.4f} times the bound, {worst['scheduler_cpu']:.2f} s of CPU")
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    missed = [name for name, runs in result["workloads"].items() if any(run["ratio"] > MOST for run in runs)]
    if missed:
        print(f"above {MOST} times the bound: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
