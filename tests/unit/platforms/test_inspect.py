from __future__ import annotations

import sys
from pathlib import Path

import pytest

from matrix.platforms.inspect import inspect_executables

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="scripts with a first line")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ('echo "$*" | tr "\\n" " " >&2; exit 2', "failed with exit code 2"),
        ("echo no libpython >&2; exit 3", "failed: no libpython"),
    ],
)
async def test_a_program_that_is_no_python_is_not_told_in_our_own_words(tmp_path: Path, script: str, said: str) -> None:
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    assert await inspect_executables([path]) == (said,)
