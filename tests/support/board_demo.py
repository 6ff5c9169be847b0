"""Plays a made-up run to stderr: ``PYTHONPATH=tests python -m support.board_demo [--speed 20] [--failing] …``."""

from __future__ import annotations

import argparse
import sys
import time

import msgspec

from matrix.events import Bus
from matrix.reporting import make_listener
from support.made_up_runs import ARM, LINUX, make_plan, tell


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=float, default=10.0)
    for flag in ("failing", "many", "reused", "warn", "break", "quiet", "verbose", "stay"):
        parser.add_argument(f"--{flag}", action="store_true")
    parser.add_argument("--color", default="auto")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log-format")
    args = vars(parser.parse_args())
    minors = range(8, 25) if args["many"] else (10, 11, 12, 13)
    plan = make_plan(minors, (LINUX, ARM) if args["many"] or args["failing"] else (LINUX,))
    failing = [build.id for build in plan.builds if build.target is ARM] if args["failing"] else []
    events = tell(plan, jobs=args["jobs"], failing=failing, reused=args["reused"], warn=args["warn"])
    reporter = make_listener(
        sys.stderr,
        quiet=args["quiet"],
        verbose=int(args["verbose"]),
        color=args["color"],
        log_format=args["log_format"],
        report="target/wheels/report.json",
    )
    with reporter:
        bus = Bus([reporter.listener])
        for index, event in enumerate(events):
            time.sleep(max(event.at / args["speed"] - bus.now, 0))
            if args["break"] and index > len(events) / 2:
                raise KeyboardInterrupt
            bus.emit(msgspec.structs.replace(event))
        if args["stay"]:
            time.sleep(1)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
