"""The audit against ``auditwheel show`` on the same wheels, its growth up to 1,000 wheels, and its peak memory.

Three sides judge the same Linux wheels in the same run and take turns in who goes first: ``wheelmatrix audit`` of all
in one command, ``auditwheel show`` once a wheel, as it takes no more, and auditwheel's own code over all in one
process, which it has no command for. Then wheelmatrix alone judges 125 to 1,000 wheels, and one of 100 MB. Give a
directory of wheels, such as the one that tests/long fills::

    python benchmarks/audit.py ~/.cache/wheelmatrix-cross/wheels --runs 3 --check
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import statistics
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from measure import Measured, measure
from sweep import command_path, environment, machine, version_of

SIDES = ("wheelmatrix", "auditwheel", "auditwheel in one process")
COUNTS = (125, 250, 500, 1000)
LARGE = 100 << 20
BIG_NAME = "big-1-py3-none-manylinux_2_17_x86_64.whl"
UNITS = {
    "wall": "seconds for all wheels",
    "cpu": "seconds of user and system time, likewise",
    "memory": "bytes, resident size of the largest process",
    "load": "number of processes that want to run, by /proc/loadavg, before the side began",
    "faster": "time of the side by wheelmatrix's, median of the runs",
}
TARGETS = {"faster": 10.0, "growth": 1.5, "memory": 200 << 20}
LOOP = """
import sys
from auditwheel.main import main
for wheel in sys.argv[1:]:
    sys.argv = ["auditwheel", "show", "--json", "--ldpaths", "", wheel]
    main()
"""


def main() -> int:
    """Run the sides and write the result."""
    options = parse(sys.argv[1:])
    wheels = chosen(options.wheels, options.limit)
    with tempfile.TemporaryDirectory(prefix="audit-", dir=options.scratch) as scratch:
        root = Path(scratch)
        measured = [one_run(wheels, root, number) for number in range(options.runs)]
        growth = {str(count): grown(wheels, root, count) for count in COUNTS}
        large = audited([big_wheel(root, wheels)], root)
    result = {
        "version": 1,
        "wheels": {"number": len(wheels), "bytes": sum(wheel.stat().st_size for wheel in wheels)},
        "machine": {**machine(), "auditwheel": version_of("auditwheel").partition(" installed at ")[0]},
        "units": UNITS,
        "runs": measured,
        "summary": summary(measured),
        "growth": growth,
        "large": {"bytes": LARGE, **large},
    }
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({key: result[key] for key in ("wheels", "summary", "growth", "large")}, indent=2))
    missed = misses(result)
    for line in missed:
        print(f"below target: {line}", file=sys.stderr)
    return int(bool(missed) and options.check)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the flags."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("wheels", type=Path, help="directory of wheels")
    parser.add_argument("--limit", type=int, default=60, help="wheels that the sides judge (default: 60)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scratch", type=Path, help="where copies go (default: the system's place)")
    parser.add_argument("--check", action="store_true", help="exit 1 below the targets")
    parser.add_argument("--result", type=Path, default=Path(__file__).parent / "results" / "audit.json")
    return parser.parse_args(argv)


def chosen(folder: Path, limit: int) -> list[Path]:
    """Return Linux wheels of the folder, spread evenly over their names."""
    found = sorted(folder.glob("*linux*.whl"))
    if len(found) < limit:
        sys.exit(f"{folder} has {len(found)} wheels for Linux; tests/long/test_verdicts_of_others.py fetches more")
    return [found[number * len(found) // limit] for number in range(limit)]


def one_run(wheels: Sequence[Path], root: Path, number: int) -> dict[str, Any]:
    """Let every side judge the wheels, each run beginning with another side."""
    judge: dict[str, Callable[[], dict[str, float]]] = {
        "wheelmatrix": lambda: audited(wheels, root),
        "auditwheel": lambda: one_by_one(wheels, root),
        "auditwheel in one process": lambda: figures(
            measure([sys.executable, "-c", LOOP, *map(str, wheels)], cwd=root, env=environment(root))
        ),
    }
    turn = number % len(SIDES)
    return {side: judge[side]() for side in (*SIDES[turn:], *SIDES[:turn])}


def audited(wheels: Sequence[Path], root: Path) -> dict[str, float]:
    """Measure one command of ours over all wheels."""
    command = [command_path("wheelmatrix"), "audit", "--json", *map(str, wheels)]
    return figures(measure(command, cwd=root, env=environment(root)))


def one_by_one(wheels: Sequence[Path], root: Path) -> dict[str, float]:
    """Measure a command of auditwheel for each wheel, one after another, and add up."""
    load = os.getloadavg()[0]
    command = [command_path("auditwheel"), "show", "--json", "--ldpaths", ""]
    all_of_them = [measure([*command, str(wheel)], cwd=root, env=environment(root)) for wheel in wheels]
    return {
        "wall": round(sum(one.wall for one in all_of_them), 3),
        "cpu": round(sum(one.cpu for one in all_of_them), 3),
        "memory": max(one.largest for one in all_of_them),
        "load": round(load, 2),
    }


def figures(one: Measured) -> dict[str, float]:
    """Return what counts of one command; it must have judged, whatever it found."""
    if one.exit not in {0, 1} or '"overall_tag"' not in one.output:
        sys.exit(f"a side failed:\n{one.output[-2000:]}")
    return {
        "wall": round(one.wall, 3),
        "cpu": round(one.cpu, 3),
        "memory": one.largest,
        "load": round(os.getloadavg()[0], 2),
    }


def grown(wheels: Sequence[Path], root: Path, count: int) -> dict[str, float]:
    """Measure ours over so many wheels, the same again and again under other paths."""
    folder = root / f"grown-{count}"
    copies = []
    for number in range(count):
        wheel = wheels[number % len(wheels)]
        copy = folder / str(number // len(wheels)) / wheel.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.symlink_to(wheel.resolve())
        copies.append(copy)
    return audited(copies, root)


def big_wheel(root: Path, wheels: Sequence[Path]) -> Path:
    """Write a wheel of 100 MB: a real library, followed by bytes that cannot be compressed.

    It goes by the megabyte, because a child's peak memory begins with what its parent had when it was started.
    """
    plain = next(wheel for wheel in wheels if "manylinux" in wheel.name and "x86_64" in wheel.name)
    with zipfile.ZipFile(plain) as one:
        library = next(data for name in one.namelist() if (data := one.read(name)).startswith(b"\x7fELF"))
    texts = {
        "big-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: big\nVersion: 1\n",
        "big-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-manylinux_2_17_x86_64\n",
    }
    rows = []
    with zipfile.ZipFile(root / BIG_NAME, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, parts in {"big/lib.so": followed(library), **{name: [text] for name, text in texts.items()}}.items():
            digest, size = hashlib.sha256(), 0
            with archive.open(name, "w") as member:
                for part in parts:
                    member.write(part)
                    digest.update(part)
                    size += len(part)
            rows.append(f"{name},sha256={base64.urlsafe_b64encode(digest.digest()).decode().rstrip('=')},{size}\n")
        archive.writestr("big-1.dist-info/RECORD", "".join([*rows, "big-1.dist-info/RECORD,,\n"]))
    return root / BIG_NAME


def followed(library: bytes) -> Iterator[bytes]:
    """Yield a library and noise behind it, 100 MB in all."""
    yield library
    for _ in range((LARGE - len(library)) >> 20):
        yield os.urandom(1 << 20)


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return each side's medians, and how many times faster ours is."""

    def median(side: str, figure: str) -> float:
        return round(float(statistics.median(run[side][figure] for run in runs)), 3)

    def ratio(side: str, figure: str) -> float:
        return round(float(statistics.median(run[side][figure] / run["wheelmatrix"][figure] for run in runs)), 2)

    return {
        side: {
            **{figure: median(side, figure) for figure in ("wall", "cpu", "memory")},
            **(
                {} if side == "wheelmatrix" else {f"faster_{figure}": ratio(side, figure) for figure in ("wall", "cpu")}
            ),
        }
        for side in SIDES
    }


def misses(result: dict[str, Any]) -> list[str]:
    """Say which targets were missed; growth is the CPU time of a wheel among 1,000 by that of one among 125."""
    faster = result["summary"]["auditwheel"]["faster_wall"]
    few, many = (result["growth"][str(count)]["cpu"] / count for count in (COUNTS[0], COUNTS[-1]))
    memory = result["large"]["memory"]
    lines = {
        f"{faster} times faster than auditwheel show, not {TARGETS['faster']}": faster < TARGETS["faster"],
        f"a wheel among {COUNTS[-1]} takes {many / few:.2f} times as long": many / few > TARGETS["growth"],
        f"{memory} bytes of memory for {LARGE}": memory > TARGETS["memory"],
    }
    return [line for line, missed in lines.items() if missed]


if __name__ == "__main__":
    sys.exit(main())
