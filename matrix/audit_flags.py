"""The flags of ``wheelmatrix audit``."""

from __future__ import annotations

import argparse

__all__ = ["add_audit"]


def add_audit(parser: argparse.ArgumentParser) -> None:
    """Add the wheels, what is reported of them, and levels of one's own."""
    add = parser.add_argument
    add("wheels", nargs="+", metavar="WHEEL", help="wheel files, made by anyone")
    add("--json", action="store_true", help="print the verdicts as JSON")
    add(
        "--select",
        action="append",
        metavar="CODES",
        help="report only these findings: codes and groups, with commas between (default: all)",
    )
    add("--ignore", action="append", metavar="CODES", help="leave these findings out, likewise")
    add(
        "--policy",
        metavar="FILE",
        help="levels of your own that count beside the known ones, in auditwheel's JSON or as TOML",
    )
