from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matrix.errors import FULL_DISK, ToolError, disk_hint
from matrix.files import LogFile, write_atomically
from matrix.model import Build, Command
from matrix.process import run
from matrix.reporting import ReportCollector, write_report
from matrix.running.lanes import Workshop
from matrix.running.reasons import explain_failure
from matrix.running.seeding import clone

BuildFactory = Callable[..., Build]
FULL = Path("/dev/full")  # every write fails there, as on a full disk


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("number", "hint"), [("ENOSPC", FULL_DISK), ("EDQUOT", FULL_DISK), ("EACCES", None)])
def test_only_a_full_disk_gets_the_hint(number: str, hint: str | None) -> None:
    assert disk_hint(OSError(getattr(errno, number), "")) == hint


@pytest.mark.skipif(not FULL.exists(), reason="no such device here")
async def test_a_log_that_finds_no_room_ends_early_and_costs_nothing_else(tmp_path: Path) -> None:
    ended = await run(Command(argv=(sys.executable, "-c", "print('one'); print('two')")), root=tmp_path, log=FULL)
    assert (ended.exit, ended.tail) == (0, ("one", "two"))


def test_a_log_gets_every_line_at_once(tmp_path: Path) -> None:
    with LogFile(tmp_path / "log") as log:
        log.write("one\n")
        assert (tmp_path / "log").read_text(encoding="utf-8") == "one\n"


def test_what_was_there_stays_when_the_new_does_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    with pytest.raises(ToolError) as caught:
        write_report(path, ReportCollector(wheelmatrix="1.0").report())
    assert caught.value.hint == FULL_DISK
    assert [one.name for one in tmp_path.iterdir()] == ["report.json"]
    assert path.read_text(encoding="utf-8") == "old"


def test_a_clone_that_does_not_fit_leaves_the_lane_cold(
    tmp_path: Path, make_build: BuildFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = Workshop(tmp_path)
    seed, lane = workshop.lane("seed"), workshop.lane("cp312")
    (seed / "release" / ".fingerprint" / "one").mkdir(parents=True)
    (seed / "release" / ".fingerprint" / "one" / "file").touch()
    lane.mkdir()
    monkeypatch.setattr("os.utime", no_space)
    with pytest.raises(OSError, match="No space"):
        clone(seed, lane, make_build())
    assert list(lane.iterdir()) == []


def test_cargos_words_of_a_full_disk_get_the_hint() -> None:
    said = ["error: failed to write `/x/y`", "Caused by:", "  No space left on device (os error 28)"]
    assert explain_failure(101, [], said).hint == FULL_DISK
