"""Sweeps over four interpreters, wheelmatrix against maturin: cold, unchanged, and after one edited line.

Both sides build the same project on the same machine in the same run, one after another and alternating, so that only
the ratios count. Run it with the Python that wheelmatrix and maturin are installed for::

    python benchmarks/sweep.py rpds-py==0.30.0 --runs 3
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measure import measure
from projects import copied, edit_one_line, interpreters, project_source

SWEEPS = ("cold", "unchanged", "edited")
SIDES = ("maturin", "wheelmatrix")
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
UNITS = {
    "wall": "seconds",
    "cpu": "seconds of user and system time over the process tree",
    "memory": "bytes, highest sum of resident sizes over the process tree, sampled; shared pages count in each process",
    "largest": "bytes, resident size of the largest single process",
    "speedup": "maturin's wall time by wheelmatrix's, median of the runs",
}
TARGETS = {"cold": 0.9, "unchanged": 20.0}  # how many times maturin's speed at least


def main() -> int:
    """Run the sweeps and write the result; exit 1 when a target is missed and ``--check`` was given."""
    options = parse(sys.argv[1:])
    pythons = interpreters(options.python)
    with tempfile.TemporaryDirectory(prefix="sweep-", dir=options.scratch) as scratch:
        source = project_source(options.project, Path(scratch))
        subprocess.run(["cargo", "fetch", "--quiet"], cwd=source, check=True)  # no side pays for downloads
        runs = [one_run(source, Path(scratch), pythons, options, number) for number in range(options.runs)]
    result = {
        "version": 1,
        "project": options.project,
        "profile": "dev" if options.dev else "release",
        "interpreters": [python.version for python in pythons],
        "machine": machine(),
        "units": UNITS,
        "runs": runs,
        "sweeps": {sweep: summary(runs, sweep) for sweep in options.sweeps},
    }
    missed = [f"{sweep} {result['sweeps'][sweep]['speedup']}x" for sweep in missed_targets(result["sweeps"])]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))
    print(f"result in {options.output}")
    if missed:
        print(f"below target: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed and options.check else 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", help="name==version of an sdist on PyPI, or a folder")
    parser.add_argument("--runs", type=int, default=3, help="runs of every sweep; medians count (default: 3)")
    parser.add_argument("--python", nargs="+", default=PYTHONS, help="versions or paths")
    parser.add_argument("--sweeps", nargs="+", choices=SWEEPS, default=SWEEPS, help="which of them (default: all)")
    parser.add_argument("--dev", action="store_true", help="the dev profile instead of release")
    parser.add_argument("-j", "--jobs", type=int, help="-j of both sides")
    parser.add_argument("--check", action="store_true", help="exit 1 when a target is missed")
    parser.add_argument("--scratch", type=Path, help="where projects are copied to and built")
    parser.add_argument("--output", type=Path, help="JSON result (default: benchmarks/results/PROJECT.json)")
    options = parser.parse_args(argv)
    name = Path(options.project).name.replace("==", "-")
    few = f"-{len(options.python)}-python" if len(options.python) != len(PYTHONS) else ""
    options.output = options.output or Path(__file__).parent / "results" / f"{name}{few}.json"
    return options


def one_run(
    source: Path, scratch: Path, pythons: Sequence[Any], options: argparse.Namespace, number: int
) -> dict[str, Any]:
    """Run all three sweeps of both sides once, on fresh copies; who begins alternates."""
    order = SIDES if number % 2 == 0 else SIDES[::-1]
    roots = {side: copied(source, scratch / f"run{number}" / side) for side in order}
    figures: dict[str, dict[str, Any]] = {sweep: {} for sweep in options.sweeps}
    for sweep in options.sweeps:
        for side in order:
            root = roots[side]
            if sweep == "edited":
                edit_one_line(root, number)
            measured = measure(command(side, pythons, options), cwd=root, env=environment(root))
            wheels = sorted(path.name for path in (root / "target" / "wheels").glob("*.whl"))
            if measured.exit or not wheels:
                sys.exit(f"{side} failed ({sweep}):\n{measured.output}")
            figures[sweep][side] = {**measured.figures, "wheels": len(wheels)}
            print(f"run {number + 1} {sweep:9} {side:11} {measured.wall:7.2f} s  {len(wheels)} wheels", file=sys.stderr)
        if len({figures[sweep][side]["wheels"] for side in SIDES}) != 1:
            sys.exit(f"the sides made different wheels: {figures[sweep]}")
    shutil.rmtree(scratch / f"run{number}")
    return figures


def command(side: str, pythons: Sequence[Any], options: argparse.Namespace) -> list[str]:
    """Return the command line of one side."""
    program = shutil.which(side, path=str(Path(sys.executable).parent)) or shutil.which(side)
    if program is None:
        sys.exit(f"{side} is not installed for {sys.executable}")
    jobs = [f"-j{options.jobs}"] if options.jobs else []
    profile = [] if options.dev else ["-r"]
    return [program, "build", *profile, *jobs, "-i", *(str(python.path) for python in pythons)]


def environment(root: Path) -> dict[str, str]:
    """Return the environment both sides get: this one, with nothing that moves or warms a target directory."""
    steering = ("CARGO_TARGET_DIR", "CARGO_BUILD_", "RUSTC_WRAPPER", "RUSTFLAGS", "PYO3_", "VIRTUAL_ENV", "MAKEFLAGS")
    uncached = "PYTHONDONTWRITEBYTECODE"  # with it Python compiles wheelmatrix anew each time
    env = {name: value for name, value in os.environ.items() if not name.startswith((*steering, uncached))}
    return {**env, "PWD": str(root)}


def summary(runs: Sequence[dict[str, Any]], sweep: str) -> dict[str, Any]:
    """Return the medians of one sweep, and the median of its runs' ratios."""

    def median(side: str, figure: str) -> float:
        return round(float(statistics.median(run[sweep][side][figure] for run in runs)), 3)

    def ratio(figure: str) -> float:
        return round(
            float(statistics.median(run[sweep]["maturin"][figure] / run[sweep]["wheelmatrix"][figure] for run in runs)),
            2,
        )

    sides = {side: {figure: median(side, figure) for figure in ("wall", "cpu", "memory", "largest")} for side in SIDES}
    return {**sides, "speedup": ratio("wall"), "cpu_ratio": ratio("cpu"), "memory_ratio": ratio("memory")}


def missed_targets(sweeps: dict[str, Any]) -> list[str]:
    """Return the sweeps that are slower than their target."""
    return [sweep for sweep, least in TARGETS.items() if sweep in sweeps and sweeps[sweep]["speedup"] < least]


def table(result: dict[str, Any]) -> str:
    """Return the medians for people."""
    lines = [
        ", ".join([result["project"], result["profile"], *result["interpreters"], f"{len(result['runs'])} runs"]),
        "",
    ]
    lines.append(f"{'sweep':10}{'side':13}{'wall':>9}{'CPU':>9}{'memory':>10}{'speed':>9}")
    for sweep, figures in result["sweeps"].items():
        for side in SIDES:
            own = figures[side]
            speed = f"{figures['speedup']:.2f}x" if side == "wheelmatrix" else ""
            memory = own["memory"] / 1024**2
            lines.append(f"{sweep:10}{side:13}{own['wall']:>7.2f} s{own['cpu']:>7.2f} s{memory:>7.0f} MB{speed:>9}")
    return "\n".join(lines)


def machine() -> dict[str, Any]:
    """Describe the machine and the tools."""

    def field(path: str, key: str) -> str:
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except OSError:
            return "unknown"
        return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "unknown")

    return {
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "processor": field("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": field("/proc/meminfo", "MemTotal"),
        "python": platform.python_version(),
        **{name: version_of(name) for name in ("cargo", "rustc", *SIDES)},
    }


def command_path(side: str) -> str:
    """Return the program of one side: beside this Python, else on PATH."""
    return shutil.which(side, path=str(Path(sys.executable).parent)) or side


def version_of(program: str) -> str:
    """Return the first line of a program's ``--version``."""
    argv = (command_path(program), "--version")
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
