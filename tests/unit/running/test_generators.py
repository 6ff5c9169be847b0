"""Programs that must run after a build are looked for before it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.model import Build
from matrix.running.generators import missing_generator


@pytest.mark.parametrize(
    ("files", "cbindgen", "told"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"target/header.h": ""}, False, False),
        ({"build.rs": ""}, False, False),  # may write the header
        ({"build.rs": "", "Cargo.toml": "[package]\nbuild = false"}, False, True),
        ({"Cargo.toml": "[package]\nbuild = 'other.rs'"}, False, False),
    ],
)
async def test_a_missing_cbindgen_is_told_where_no_header_can_come(
    files: dict[str, str], cbindgen: bool, told: bool, make_build: Callable[..., Build], tmp_path: Path
) -> None:
    for name, text in {"Cargo.toml": "[package]", **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    builds = [make_build(bindings="cffi")]
    missing = await missing_generator(builds, tmp_path / "target", [sys.executable], tmp_path, cbindgen=cbindgen)
    assert ("cbindgen" in missing.message if missing is not None else False) == told
