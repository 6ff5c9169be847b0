from __future__ import annotations

import os
from pathlib import Path

import anyio
import pytest

from matrix.files import replacing, write_if_changed
from matrix.running.lanes import Workshop


def test_an_unchanged_file_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"
    assert write_if_changed(path, "version=3.12\n")
    os.utime(path, (1, 1))
    assert not write_if_changed(path, "version=3.12\n")
    assert path.stat().st_mtime == 1
    assert write_if_changed(path, "version=3.13\n")
    assert path.read_text() == "version=3.13\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["config"]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "wheel"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["wheel"]


def test_a_place_that_cannot_be_written_is_told_under_the_name_the_file_was_to_have(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "module.so"
    with pytest.raises(FileNotFoundError) as caught, replacing(path):
        pass
    assert caught.value.filename == str(path)


async def test_a_lane_is_held_against_another_run(tmp_path: Path) -> None:
    one, two = Workshop(tmp_path), Workshop(tmp_path)
    one.prepare()
    waits: list[str] = []
    order: list[str] = []

    async def second() -> None:
        async with two.held("b", lambda: waits.append("told")):
            order.append("second")

    async with anyio.create_task_group() as group, one.held("b", lambda: waits.append("never")) as lane:
        assert lane == tmp_path / "lanes" / "b"
        group.start_soon(second)
        await anyio.sleep(0.25)
        order.append("first")
    assert order == ["first", "second"]
    assert waits == ["told"]


def test_a_run_drops_what_killed_runs_staged_and_leaves_others_alone(tmp_path: Path) -> None:
    base = tmp_path / "wheelmatrix"
    dead, other = Workshop(base), Workshop(base)
    dead.prepare()
    dead.staging.mkdir()
    dead.staging.with_suffix(".lock").touch()
    (base / "staged" / "12345").mkdir()
    with other.opened():
        other.staging.mkdir()
        mine = Workshop(base)
        with mine.opened():
            mine.staging.mkdir()
            assert not dead.staging.exists()
            assert other.staging.exists()
            assert not (base / "staged" / "12345").exists()
        assert not mine.staging.exists()
    assert list((base / "staged").iterdir()) == []
