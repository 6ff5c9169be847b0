from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.golden import assert_golden

import matrix
from matrix.reporting.reference import (
    commands_reference,
    markdown_table,
    settings_reference,
    stale_blocks,
    update_between_markers,
)

GOLDEN = Path(__file__).with_name("golden")
SCHEMA = {
    "$ref": "#/$defs/Options",
    "$defs": {
        "Options": {
            "type": "object",
            "properties": {
                "interpreters": {
                    "description": "Pythons to build for, or ``found``.",
                    "examples": [[">=3.10", "3.14t"], ["found"]],
                    "type": "array",
                    "items": {"type": "string"},
                    "default": [],
                },
                "jobs": {"description": "Slots.", "type": "integer", "minimum": 1},
                "fail-fast": {"description": "Stop | at once.", "type": "boolean", "default": False},
                "timeout": {"description": "Limit.", "anyOf": [{"type": "string"}, {"type": "number"}]},
                "kind": {"description": "One word.", "enum": ["a", "b"], "default": "a"},
                "overrides": {"description": "Rows.", "type": "array", "items": {"$ref": "#/$defs/Override"}},
                "drivers": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Driver"}, "default": {}},
                "xwin": {"$ref": "#/$defs/Driver", "default": {"jobs": 2}},
            },
        },
        "Override": {
            "type": "object",
            "properties": {
                "env": {
                    "description": "Variables.",
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "examples": [{"OPENSSL_STATIC": "1", "a.b": "x"}],
                },
                "select": {"$ref": "#/$defs/Driver"},
            },
        },
        "Driver": {
            "description": "How a driver runs.",
            "type": "object",
            "properties": {"jobs": {"description": "At once.", "type": "integer"}},
        },
    },
}


def test_settings() -> None:
    assert_golden(GOLDEN / "settings.md", settings_reference(SCHEMA, table="tool.wheelmatrix") + "\n")


def test_every_key_of_the_real_options_is_described() -> None:
    file = Path(matrix.__file__).parent / "project" / "wheelmatrix.schema.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    text = settings_reference(schema, table="tool.wheelmatrix")
    for key in schema["$defs"]["Options"]["properties"]:
        assert f"| `{key}` |" in text
    for row in text.splitlines():
        if row.startswith("| `"):
            assert row.rsplit("|", 2)[1].strip(), row


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
