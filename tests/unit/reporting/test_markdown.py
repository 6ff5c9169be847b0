from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.golden import assert_golden

from matrix.reporting.reference import (
    commands_reference,
    markdown_table,
    stale_blocks,
    update_between_markers,
)

GOLDEN = Path(__file__).with_name("golden")


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wheelmatrix", description="Builds wheels.")
    parser.add_argument("-V", "--version", action="version", version="1", help="print the version")
    commands = parser.add_subparsers(dest="command")
    build = commands.add_parser("build", description="Build them.", aliases=["b"])
    which = build.add_argument_group("which wheels", "the axes")
    which.add_argument("-i", "--interpreter", nargs="*", metavar="PYTHON", help="Pythons | paths, 100%% of them")
    which.add_argument("--color", choices=["auto", "never"], help="colours")
    which.add_argument("--strip", nargs="?", metavar="BOOL", help="strip it")
    which.add_argument("--secret", help=argparse.SUPPRESS)
    build.add_argument("--json", action="store_true", help="as JSON")
    build.add_argument("files", nargs="+", metavar="FILE", help="files")
    return parser


def test_commands() -> None:
    assert_golden(GOLDEN / "commands.md", commands_reference(make_parser()) + "\n")


def test_a_block_is_replaced_between_its_markers() -> None:
    page = "# Page\n\n<!-- begin: keys -->\nold\n<!-- end: keys -->\n\nrest\n"
    new = update_between_markers(page, "keys", "| a |\n")
    assert new == "# Page\n\n<!-- begin: keys -->\n\n| a |\n\n<!-- end: keys -->\n\nrest\n"
    assert update_between_markers(new, "keys", "| a |") == new
    assert stale_blocks(new, {"keys": "| a |"}) == []
    assert stale_blocks(new, {"keys": "| b |"}) == ["keys"]


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<!-- begin: keys -->",
        "<!-- end: keys --><!-- begin: keys -->",
        "<!-- begin: keys --><!-- end: keys --><!-- begin: keys --><!-- end: keys -->",
    ],
)
def test_markers_that_are_wrong(page: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        update_between_markers(page, "keys", "x")


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2), max_size=5))
def test_a_table_keeps_its_columns_whatever_is_in_it(rows: list[list[str]]) -> None:
    table = markdown_table(["a", "b"], rows).split("\n")
    assert len(table) == len(rows) + 2
    for row in table:
        assert row.replace("\\|", "").count("|") == 3
