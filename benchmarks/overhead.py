"""What wheelmatrix itself costs: CPU of --version, --help and plan, and memory at a thousand cells; no clock is read.

CPU is user and system time of the process and its children (``getrusage``), median of several runs, so that a busy
machine changes little. Planning needs a toolchain that has the std of four targets::

    RUSTUP_TOOLCHAIN=stable python benchmarks/overhead.py --check
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from projects import copied

TOP = Path(__file__).parents[1]
TARGETS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "armv7-unknown-linux-gnueabihf",
    "i686-unknown-linux-gnu",
)
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15", "3.15t", "pypy3.11")
LEVELS = tuple(f"manylinux_2_{minor}" for minor in range(17, 42))
LIMITS = {
    "version_ms": 60.0,
    "help_ms": 60.0,
    "plan_ms": 300.0,
    "run_mb": 80.0,
}
REPLAY = """
import resource
from support.made_up_runs import ARM, LINUX, make_plan, tell
import matrix.app, matrix.building
from matrix.reporting import ReportCollector, encode_report
from matrix.reporting.page import render_page
from matrix.reporting.state import RunState

plan = make_plan(range(2, 502), targets=(LINUX, ARM))
collector, state = ReportCollector(wheelmatrix="1"), RunState()
events = tell(plan, jobs=64, failing=[plan.builds[0].id])
for event in events:
    collector(event)
    state.apply(event)
report = collector.report()
assert len(report.cells) == 1000
print(len(encode_report(report)) + len(render_page(report)), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> int:
    """Measure and write the result; exit 1 when a limit is passed and ``--check`` was given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="runs of each; medians count (default: 7)")
    parser.add_argument("--check", action="store_true", help="exit 1 when a limit is passed")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "overhead.json")
    options = parser.parse_args()
    program = str(Path(sys.executable).with_name("wheelmatrix"))
    bare = cpu([sys.executable, "-c", "pass"], options.runs)
    with tempfile.TemporaryDirectory(prefix="overhead-") as scratch:
        root = copied(TOP / "tests" / "projects" / "hello-pyo3", Path(scratch) / "project")
        many = [program, *plan(TARGETS, LEVELS, PYTHONS)]
        cells = len(
            json.loads(subprocess.run([*many, "--json"], cwd=root, check=True, capture_output=True).stdout)["cells"]
        )
        one = cpu([program, *plan(TARGETS[:1], LEVELS[:1], ("3.12",))], options.runs, root)
        figures = {
            "bare_python_ms": bare,
            "version_ms": cpu([program, "--version"], options.runs) - bare,
            "help_ms": cpu([program, "build", "--help"], options.runs) - bare,
            "plan_of_one_ms": one,
            "plan_ms": cpu(many, options.runs, root) - one,
            "run_mb": replayed(),
        }
    result = {
        "version": 1,
        "python": platform.python_version(),
        "cells": cells,
        "units": {
            "*_ms": "milliseconds of CPU; version and help without bare Python, plan without the plan of one cell",
            "run_mb": "peak resident size of a process that hears every event of a run of 1,000 cells on 64 slots, with"
            " the report and the page it writes; the events themselves, kept for it, are in it",
        },
        "limits": LIMITS,
        "figures": {name: round(value, 1) for name, value in figures.items()},
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["figures"], indent=2))
    missed = [name for name, most in LIMITS.items() if figures[name] > most]
    if missed or cells != 1000:
        print(f"above the limit: {', '.join(missed)}; {cells} cells", file=sys.stderr)
    return int(options.check and bool(missed or cells != 1000))


def plan(targets: Sequence[str], levels: Sequence[str], pythons: Sequence[str]) -> list[str]:
    """Return the arguments that plan so much."""
    words = ["plan", "--zig", "--compatibility", *levels, "-i", *pythons]
    for target in targets:
        words += ["--target", target]
    return words


def cpu(argv: Sequence[str], runs: int, cwd: Path | None = None) -> float:
    """Return the median milliseconds of CPU that a command and its children take."""
    took = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(took) * 1000


def replayed() -> float:
    """Return the megabytes that listening to a run of 1,000 cells takes."""
    env = {**os.environ, "PYTHONPATH": str(TOP / "tests")}
    ran = subprocess.run([sys.executable, "-c", REPLAY], cwd=TOP, env=env, check=True, capture_output=True, text=True)
    return int(ran.stdout.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
