"""The flags of repair, in auditwheel's words where it has them."""

from __future__ import annotations

import argparse

__all__ = ["fill_repair"]


def fill_repair(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    add = parser.add_argument
    add("wheels", nargs="+", metavar="WHEEL", help="wheel files, made by anyone")
    add("-o", "--out", metavar="DIR", default="wheelhouse", help="directory of the new wheels (default: wheelhouse)")
    add("--plat", metavar="LEVEL", help="level to reach: manylinux_2_28, musllinux_1_2, … (default: the best one met)")
    add(
        "--exclude",
        action="append",
        metavar="GLOB",
        help="libraries that somebody else brings, by name with * and ?; repeatable",
    )
    add(
        "--ldpaths",
        metavar="DIRS",
        help="directories to look for libraries in, separated as in PATH (default: LD_LIBRARY_PATH and this machine's)",
    )
    add("--strip", action="store_true", help="strip symbols from what is brought along, and from what is rewritten")
    add("--json", action="store_true", help="print what was done as JSON")
    add("-q", "--quiet", action="store_true", help="write nothing but errors to stderr")
    add("-v", "--verbose", action="count", default=0, help="-vv shows a traceback with every error")
    choices = ["auto", "always", "never"]
    add("--color", choices=choices, default="auto", help="colours (default: auto; NO_COLOR is obeyed)")
