"""The flags that decide what else goes into a wheel, and how it is packed, in maturin's words."""

from __future__ import annotations

import argparse

__all__ = ["ABSENT", "add_contents", "add_packing"]

ABSENT: dict[str, object] = {"generate_stubs": False, "include_debuginfo": False, "pgo": False, "sbom_include": None}
"""What flags of builds are where a command has them not."""


def add_contents(parser: argparse.ArgumentParser) -> None:
    """Add what else goes into wheels, in a group of its own."""
    add = parser.add_argument_group("what else the wheel holds").add_argument
    add(
        "--include-debuginfo",
        action="store_true",
        help="separate debug info beside the module: .dwp (Linux), .dSYM (macOS), .pdb (Windows); packed so by cargo",
    )
    add(
        "--sbom-include",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="more files for .dist-info/sboms, beside those of [tool.maturin.sbom] include",
    )


def add_packing(parser: argparse.ArgumentParser) -> None:
    """Add what modules get beside them, and how wheels are packed, in a group of its own."""
    add = parser.add_argument_group("how wheels are packed").add_argument
    add(
        "--generate-stubs",
        action="store_true",
        help="type stubs of the module, read from its binary (pyo3 with its feature experimental-inspect)",
    )
    add(
        "--pgo",
        action="store_true",
        help="build with a profile: an instrumented build, [tool.maturin] pgo-command in an environment of its own, "
        "and the build that is made from what was counted; release unless a profile is named (env MATURIN_PGO)",
    )
    add(
        "--compression-method",
        choices=["deflated", "stored", "bzip2", "zstd"],
        help="how members are compressed (default: deflated; every installer reads that and stored alone)",
    )
    add(
        "--compression-level",
        type=int,
        metavar="N",
        help="level of the method: 0 to 9 for deflated, 1 to 9 for bzip2, -7 to 22 for zstd",
    )
    add(
        "--compression-enable-large-file-support",
        action="store_true",
        help="give every member the header for more than 4 GiB, which a larger one always gets",
    )
