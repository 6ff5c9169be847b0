"""What a run of a hundred cells costs wheelmatrix itself, against what its children cost: CPU time, no clock is read.

Two projects are built with zig for every Python and target that there is, from nothing and once more unchanged: one
function with pyo3, the least that anybody ships, and a module on pyo3-ffi alone, which is a tenth of that work. The
limit is for the first. Needs a toolchain that has the std of the targets::

    RUSTUP_TOOLCHAIN=... python benchmarks/own_cpu.py --check
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measure import measure
from projects import copied
from sweep import environment, machine
from targets import TARGETS

TOP = Path(__file__).parents[1]
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15", "3.15t")
LEVELS = ("manylinux2014", "manylinux_2_28", "manylinux_2_31", "manylinux_2_34", "musllinux_1_2")
RUN = """
import resource, sys
from matrix import building
from matrix.cli import main
children = building._children_seconds
building._children_seconds = lambda: print("CPU", children()) or children()
code = main(sys.argv[1:])
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    usage = resource.getrusage(who)
    print("CPU", usage.ru_utime + usage.ru_stime)
sys.exit(code)
"""
PROJECTS = ("hello-pyo3", "ffi-only")
MOST = 0.02  # of the children's CPU time


def main() -> int:
    """Measure and write the result; exit 1 when the limit is passed and ``--check`` was given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 when the limit is passed")
    parser.add_argument("--scratch", type=Path, help="where the project is copied to and built")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "own-cpu.json")
    options = parser.parse_args()
    runs = {name: both_runs(name, options.scratch) for name in PROJECTS}
    result = {
        "version": 1,
        "machine": machine(),
        "units": {
            "own": "seconds of user and system time of wheelmatrix itself, its worker processes included",
            "workers": "those of the worker processes alone",
            "children": "the same of every other process that it started",
            "share": "own by children",
        },
        "runs": runs,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(runs, indent=2))
    limited = runs[PROJECTS[0]]["cold"]
    missed = limited["share"] > MOST or limited["cells"] < 100
    if missed:
        print(f"below target: at least 100 cells, at most {MOST:.0%}", file=sys.stderr)
    return int(missed and options.check)


def both_runs(name: str, scratch: Path | None) -> dict[str, Any]:
    """Build a project of the tests from nothing and once more."""
    with tempfile.TemporaryDirectory(prefix="own-cpu-", dir=scratch) as folder:
        root = copied(TOP / "tests" / "projects" / name, Path(folder) / "project")
        subprocess.run(["cargo", "fetch", "--quiet"], cwd=root, check=True)
        return {sweep: one_run(root) for sweep in ("cold", "unchanged")}


def one_run(root: Path) -> dict[str, Any]:
    """Build everything and return what it cost."""
    words = ["build", "-r", "--zig", "--offline", "-q", "--compatibility", *LEVELS, "-i", *PYTHONS]
    for target in TARGETS:
        words += ["--target", target]
    measured = measure([sys.executable, "-c", RUN, *words], cwd=root, env=environment(root))
    if measured.exit:
        sys.exit(measured.output)
    report = json.loads((root / "target" / "wheels" / "report.json").read_bytes())
    figures = [float(line.split()[1]) for line in measured.output.splitlines() if line.startswith("CPU ")]
    children, own, with_workers = figures  # the first is read while its workers still live
    workers = with_workers - children
    own += workers
    return {
        "cells": len([cell for cell in report["cells"] if cell["wheel"] is not None]),
        "builds": len(report["builds"]),
        "wall": round(measured.wall, 1),
        "own": round(own, 2),
        "workers": round(workers, 2),
        "children": round(children, 1),
        "share": round(own / children, 4),
        "load": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    sys.exit(main())
