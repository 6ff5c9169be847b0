"""Files and programs that a step writes before it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from matrix.driver import Step
from matrix.model import Command
from matrix.running import preparing
from matrix.running.bench import Bench


def bench(folder: Path) -> Bench:
    """A bench as far as one step needs it."""
    (folder / "logs").mkdir()
    return cast("Bench", SimpleNamespace(root=folder, workshop=SimpleNamespace(base=folder)))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permission")
async def test_programs_can_be_run_and_files_need_not_be(tmp_path: Path) -> None:
    program, file = tmp_path / "deep" / "program", tmp_path / "file"
    step = Step(
        what="a program",
        command=Command(argv=(str(program), str(file))),
        builds=("b",),
        files={str(file): "words\n"},
        programs={str(program): '#!/bin/sh\nexec cat "$1"\n'},
    )
    assert await preparing._run(step, bench(tmp_path)) is None
    assert os.access(program, os.X_OK)
    assert not file.stat().st_mode & 0o111
    assert (tmp_path / "logs" / preparing.LOG).read_text() == "$ a program\nwords\n"
    written = program.stat().st_mtime_ns
    (tmp_path / "again").mkdir()
    assert await preparing._run(step, bench(tmp_path / "again")) is None
    assert program.stat().st_mtime_ns == written
