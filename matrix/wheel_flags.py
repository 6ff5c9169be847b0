"""The flags that decide what else goes into a wheel, and how it is packed, in maturin's words."""

from __future__ import annotations

import argparse

__all__ = ["add_packing"]

_WHEEL = "what the wheel holds"


def add_packing(parser: argparse.ArgumentParser) -> None:
    """Add them to a command, in a group of their own."""
    add = parser.add_argument_group(_WHEEL).add_argument
    add(
        "--sbom-include",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="more files for .dist-info/sboms, beside those of [tool.maturin.sbom] include",
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
