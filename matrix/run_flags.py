"""The flags that decide how a run goes: how much at once, what is shared, and when it ends."""

from __future__ import annotations

import argparse

from matrix.flag_values import age, memory, positive

__all__ = ["add_run", "fill_clean"]


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add them to a command, in a group of their own."""
    add = parser.add_argument_group("how the run goes").add_argument
    add(
        "-j",
        "--jobs",
        type=positive,
        metavar="N",
        help="slots for the whole run: at most N rustc processes at a time, over all builds (default: the "
        "CPUs this process may use)",
    )
    add(
        "--max-memory",
        type=memory,
        metavar="SIZE",
        help="memory for all builds at once, such as 8G: one whose last peak would not fit beside those that run waits "
        "(default: what is free, limits of control groups included)",
    )
    add("--fail-fast", action="store_true", help="stop everything at the first failure instead of building the rest")
    add("--timeout", metavar="TIME", help="time limit of each build: 90s, 20m, 1h or seconds")
    add("--no-reuse", action="store_true", help="audit and pack every wheel again, even when nothing changed")
    add(
        "--no-seed",
        action="store_true",
        help="let every lane compile everything, instead of sharing what needs no Python",
    )
    add("--plan", action="store_true", help="show what would be built, and stop (same as the plan command)")


def fill_clean(parser: argparse.ArgumentParser) -> None:
    """Add what clean is told."""
    add = parser.add_argument
    add("--lanes", action="store_true", help="only cargo's target directories; keep logs and what is remembered")
    add("--older-than", type=age, metavar="AGE", help="only what no run has used for so long: 30d, 12h, 2w")
    add("--dry-run", action="store_true", help="say what would be removed, and remove nothing")
    add("-m", "--manifest-path", metavar="PATH", help="path to Cargo.toml")
    add("--target-dir", metavar="DIR", help="cargo target directory that the lanes lie in")
    add("-q", "--quiet", action="store_true", help="write nothing but errors to stderr")
    add("-v", "--verbose", action="count", default=0, help="-vv shows a traceback with every error")
