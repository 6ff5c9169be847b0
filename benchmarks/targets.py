"""Six targets from one machine: wheelmatrix, a serial loop of maturin, one cargo-zigbuild with six ``--target``.

All sides build the same project with zig, for one stable-ABI interpreter or for several, from nothing, on the same
machine in the same run, taking turns in who goes first, so that only the ratios count. cargo-zigbuild compiles only and
makes no wheels; with several interpreters it has no part, for it compiles for one of them alone. With ``--alone``
wheelmatrix takes part once more, and compiles build scripts and proc macros anew for every target.
Run it on Linux with the Python that wheelmatrix, maturin, ziglang and cargo-zigbuild are installed for, and a Rust
toolchain that has the std of every target::

    RUSTUP_TOOLCHAIN=... python benchmarks/targets.py --runs 3
    RUSTUP_TOOLCHAIN=... python benchmarks/targets.py tests/projects/hello-pyo3 --python 3.10 3.11 3.12 3.13
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measure import Measured, measure
from projects import copied, project_source
from sweep import command_path, environment, machine, version_of

TARGETS = {  # and what cargo-zigbuild is told, so that all sides link against the same glibc
    "x86_64-unknown-linux-gnu": "x86_64-unknown-linux-gnu.2.17",
    "aarch64-unknown-linux-gnu": "aarch64-unknown-linux-gnu.2.17",
    "x86_64-unknown-linux-musl": "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl": "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin": "x86_64-apple-darwin",
    "aarch64-apple-darwin": "aarch64-apple-darwin",
}
SIDES = ("maturin", "zigbuild", "wheelmatrix", "alone")
DEFAULT = Path(__file__).resolve().parents[1] / "tests" / "projects" / "abi3"
UNITS = {
    "wall": "seconds",
    "cpu": "seconds of user and system time over the process trees",
    "memory": "bytes, highest sum of resident sizes over the process tree, sampled; shared pages count in each process",
    "speedup": "wall time of the side by wheelmatrix's, median of the runs",
}


def main() -> int:
    """Run the sides and write the result."""
    options = parse(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="targets-", dir=options.scratch) as scratch:
        source = project_source(str(options.project), Path(scratch))
        subprocess.run(["cargo", "fetch", "--quiet"], cwd=source, check=True)  # no side pays for downloads
        warm(source, Path(scratch), options)
        runs = [one_run(source, Path(scratch), options, number) for number in range(options.runs)]
    result = {
        "version": 1,
        "project": options.project.name if isinstance(options.project, Path) else options.project,
        "profile": "dev" if options.dev else "release",
        "interpreters": options.python,
        "targets": list(TARGETS),
        "machine": {**machine(), "zigbuild": version_of("cargo-zigbuild")},
        "units": UNITS,
        "runs": runs,
        "sides": {side: summary(runs, side) for side in options.sides},
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(result))
    print(f"result in {options.output}")
    return 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", nargs="?", default=str(DEFAULT), help="name==version, or a folder (default: abi3)")
    parser.add_argument("--runs", type=int, default=3, help="runs of every side; medians count (default: 3)")
    parser.add_argument("--python", nargs="+", default=["3.12"], help="interpreters, 3.10 or newer (default: 3.12)")
    parser.add_argument("--alone", action="store_true", help="measure wheelmatrix with --no-seed too")
    parser.add_argument("--dev", action="store_true", help="the dev profile instead of release")
    parser.add_argument("--scratch", type=Path, help="where projects are copied to and built")
    parser.add_argument("--output", type=Path, help="JSON result (default: benchmarks/results/targets-PROJECT.json)")
    options = parser.parse_args(argv)
    name = Path(options.project).name.replace("==", "-")
    several = f"-{len(options.python)}-pythons" if len(options.python) > 1 else ""
    options.output = options.output or Path(__file__).parent / "results" / f"targets-{name}{several}.json"
    left_out = {"zigbuild": several, "alone": not options.alone}
    options.sides = [side for side in SIDES if not left_out.get(side)]
    if "==" not in options.project:
        options.project = Path(options.project).resolve()
    return options


def warm(source: Path, scratch: Path, options: argparse.Namespace) -> None:
    """Let zig fill its caches once, which no side pays for: build with each side's own tools, and throw it away."""
    for side in options.sides:
        root = copied(source, scratch / "warm" / side)
        for argv in commands(side, options):
            measured = measure(argv, cwd=root, env=environment_of(side, root))
            if measured.exit:
                sys.exit(f"{side} failed:\n{measured.output}")
    shutil.rmtree(scratch / "warm")


def one_run(source: Path, scratch: Path, options: argparse.Namespace, number: int) -> dict[str, Any]:
    """Run every side once on a fresh copy; who begins changes from run to run."""
    first = number % len(options.sides)
    figures: dict[str, Any] = {}
    for side in (*options.sides[first:], *options.sides[:first]):
        root = copied(source, scratch / f"run{number}" / side)
        parts = [measure(argv, cwd=root, env=environment_of(side, root)) for argv in commands(side, options)]
        for part in parts:
            if part.exit:
                sys.exit(f"{side} failed:\n{part.output}")
        made = len(list((root / "target" / "wheels").glob("*.whl"))) or binaries(root, options)
        wanted = len(TARGETS) * len(options.python)
        if made != wanted:
            sys.exit(f"{side} made {made} of {wanted}:\n{parts[-1].output}")
        figures[side] = {**added(parts), "made": made}
        print(f"run {number + 1} {side:11} {figures[side]['wall']:7.2f} s  {made} made", file=sys.stderr)
    shutil.rmtree(scratch / f"run{number}")
    return figures


def commands(side: str, options: argparse.Namespace) -> list[list[str]]:
    """Return the command lines of one side, to be run one after the other."""
    profile = [] if options.dev else ["--release"]
    if side == "maturin":
        one = [command_path("maturin"), "build", *profile, "--zig", "-i", *options.python, "--target"]
        return [[*one, target] for target in TARGETS]
    if side == "zigbuild":
        named = [word for target in TARGETS.values() for word in ("--target", target)]
        return [[command_path("cargo-zigbuild"), "zigbuild", "--lib", *profile, *named]]
    named = [word for target in TARGETS for word in ("--target", target)]
    alone = ["--no-seed"] if side == "alone" else []
    return [[command_path("wheelmatrix"), "build", *profile, "--zig", "-i", *options.python, *alone, *named]]


def environment_of(side: str, root: Path) -> dict[str, str]:
    """Return the environment of a side; cargo-zigbuild is told what the other two tell it by themselves."""
    env = environment(root)
    if side == "zigbuild":
        env |= {"PYO3_NO_PYTHON": "1", "PYO3_BUILD_EXTENSION_MODULE": "1"}
        for target in TARGETS:
            name = f"CARGO_TARGET_{target.upper().replace('-', '_')}_RUSTFLAGS"
            if target.endswith("-musl"):
                env[name] = "-Ctarget-feature=-crt-static"
            elif target.endswith("-darwin"):
                env[name] = "-Clink-arg=-undefined -Clink-arg=dynamic_lookup"
    return env


def binaries(root: Path, options: argparse.Namespace) -> int:
    """Count the libraries that cargo left, one a target."""
    profile = "debug" if options.dev else "release"
    return sum(
        any(path.suffix in {".so", ".dylib"} for path in (root / "target" / target / profile).glob("lib*"))
        for target in TARGETS
    )


def added(parts: Sequence[Measured]) -> dict[str, Any]:
    """Add up what the commands of a side cost; the memory is the highest of them."""
    return {
        "wall": round(sum(part.wall for part in parts), 3),
        "cpu": round(sum(part.cpu for part in parts), 3),
        "memory": max(part.memory for part in parts),
    }


def summary(runs: Sequence[dict[str, Any]], side: str) -> dict[str, Any]:
    """Return a side's medians, and the median of its wall time by wheelmatrix's of the same run."""
    medians = {name: statistics.median(run[side][name] for run in runs) for name in ("wall", "cpu", "memory")}
    ratio = statistics.median(run[side]["wall"] / run["wheelmatrix"]["wall"] for run in runs)
    return {**medians, "speedup": round(float(ratio), 2)}


def table(result: dict[str, Any]) -> str:
    """Return the medians for people."""
    count = f"{len(result['runs'])} runs"
    pythons = " ".join(result["interpreters"])
    lines = [f"{result['project']}, {result['profile']}, {pythons}, {len(TARGETS)} targets, {count}", ""]
    lines.append(f"{'side':13}{'wall':>9}{'CPU':>10}{'memory':>10}{'by ours':>9}")
    for side, own in result["sides"].items():
        memory = own["memory"] / 1024**2
        lines.append(f"{side:13}{own['wall']:>7.2f} s{own['cpu']:>8.2f} s{memory:>7.0f} MB{own['speedup']:>8.2f}x")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
