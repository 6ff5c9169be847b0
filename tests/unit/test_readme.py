"""The README's reference is generated; ``WHEELMATRIX_UPDATE_README=1`` writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from drivers import ALL
from matrix.arguments import make_parser, subparser
from matrix.auditing import rule_rows
from matrix.maturin_flags import FLAGS
from matrix.project.reference import maturin_keys, wheelmatrix_keys
from matrix.reporting.reference import (
    commands_reference,
    flags_compared,
    markdown_table,
    stale_blocks,
    update_between_markers,
)

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def blocks() -> dict[str, str]:
    return {
        "commands": commands_reference(make_parser()),
        "wheelmatrix-keys": wheelmatrix_keys(),
        "maturin-keys": maturin_keys(),
        "findings": markdown_table(["Group", "Code", "Severity", "What is found", "Advice"], rule_rows()),
        "maturin-flags": flags_compared(subparser(make_parser(), "build"), FLAGS),
    }


def test_the_reference_is_what_the_options_say() -> None:
    text = README.read_text(encoding="utf-8")
    if os.environ.get("WHEELMATRIX_UPDATE_README"):
        for name, body in blocks().items():
            text = update_between_markers(text, name, body)
        README.write_text(text, encoding="utf-8")
    assert stale_blocks(text, blocks()) == []


def test_every_driver_has_its_row() -> None:
    text = README.read_text(encoding="utf-8")
    for driver in ALL:
        assert re.search(rf"^\| `{driver.name}` \|", text, re.MULTILINE), driver.name


def test_what_the_readme_names_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    named = re.findall(r"`((?:matrix|drivers|tests|benchmarks)/[\w./-]*)`", text)
    assert named
    missing = [path for path in named if not (ROOT / path).exists()]
    assert missing == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "pypi.org/simple", "crates.io/api"])
def test_the_readme_keeps_out(word: str) -> None:
    assert word not in README.read_text(encoding="utf-8")
