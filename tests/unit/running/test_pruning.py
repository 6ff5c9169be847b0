from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from matrix.running.lanes import origin_of
from matrix.running.pruning import prune

DAY = 86400.0
NOW = time.time()


def lane(base: Path, name: str, *, days: float = 0, origin: str = "") -> Path:
    """Make what a run leaves of a lane, used so many days ago."""
    for folder in ("lanes", "logs", "state"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    made = base / "lanes" / name
    (made / "release").mkdir(parents=True)
    (made / "release" / "lib.rlib").write_bytes(b"x" * 5000)
    marks = [made.with_name(f"{name}.lock"), base / "logs" / f"{name}.log", base / "state" / f"{name}.json"]
    for mark in [*marks, made.with_name(f"{name}.pyo3")]:
        mark.write_text("{}")
        os.utime(mark, (NOW - days * DAY, NOW - days * DAY))
    if origin:
        made.with_name(f"{name}.from").write_text(f"{origin}\n")
    return made


def left(base: Path) -> set[str]:
    return {path.name for path in (base / "lanes").iterdir() if path.is_dir()}


def test_everything_of_ours_goes_and_nothing_else(tmp_path: Path) -> None:
    lane(tmp_path, "cp311", origin="seed-1")
    lane(tmp_path, "seed-1")
    (tmp_path / "lanes" / "mine").mkdir()
    (tmp_path / "lanes" / "mine" / "file").write_text("kept")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "lanes" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lanes" / "link.lock").touch()
    (tmp_path / "notes.txt").write_text("kept")
    (tmp_path / "report.json").write_text("{}")
    done = prune(tmp_path)
    assert left(tmp_path) == {"mine", "link"}
    assert (tmp_path / "elsewhere").is_dir()
    assert (tmp_path / "notes.txt").exists()
    assert [*(tmp_path / "logs").iterdir(), *(tmp_path / "state").iterdir()] == []
    assert not (tmp_path / "report.json").exists()
    assert 10_000 <= done.size < 40_000
    assert {path.name for path in done.removed} == {
        *("cp311", "cp311.pyo3", "cp311.from", "cp311.log", "cp311.json"),
        *("seed-1", "seed-1.pyo3", "seed-1.log", "seed-1.json", "report.json"),
    }
    assert prune(tmp_path).removed == []


def test_a_dry_run_says_the_same_and_removes_nothing(tmp_path: Path) -> None:
    lane(tmp_path, "cp311", origin="seed-1")
    lane(tmp_path, "seed-1")
    before = sorted(tmp_path.rglob("*"))
    said = prune(tmp_path, dry_run=True)
    assert sorted(tmp_path.rglob("*")) == before
    really = prune(tmp_path)
    assert (said.removed, said.size) == (really.removed, really.size)


def test_lanes_alone_leave_logs_and_memories(tmp_path: Path) -> None:
    lane(tmp_path, "cp311")
    prune(tmp_path, lanes_only=True)
    assert left(tmp_path) == set()
    assert (tmp_path / "logs" / "cp311.log").exists()
    assert (tmp_path / "state" / "cp311.json").exists()


def test_a_lane_in_use_stays_with_its_seed_and_its_papers(tmp_path: Path) -> None:
    held = lane(tmp_path, "cp311", origin="seed-1")
    for name in ("cp312", "seed-1"):
        lane(tmp_path, name)
    with FileLock(held.with_name("cp311.lock")):
        done = prune(tmp_path)
    assert done.held == [held]
    assert left(tmp_path) == {"cp311", "seed-1"}
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"cp311.log", "seed-1.log"}


def test_only_old_lanes_go_and_looking_does_not_make_them_young(tmp_path: Path) -> None:
    lane(tmp_path, "old", days=40)
    lane(tmp_path, "new", days=2)
    prune(tmp_path, before=NOW - 30 * DAY, dry_run=True)
    prune(tmp_path, before=NOW - 30 * DAY)
    assert left(tmp_path) == {"new"}
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"new.json"}


def test_a_seed_outlives_every_lane_that_came_from_it(tmp_path: Path) -> None:
    lane(tmp_path, "seed-root", days=90)
    lane(tmp_path, "seed-2", days=90, origin="seed-root")
    lane(tmp_path, "young", days=1, origin="seed-2")
    lane(tmp_path, "seed-unused", days=90)
    prune(tmp_path, before=NOW - 30 * DAY)
    assert left(tmp_path) == {"young", "seed-2", "seed-root"}


@given(
    ages=st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60), min_size=1),
    parents=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("abcdef")),
    limit=st.integers(1, 60),
)
def test_what_stays_has_its_seeds_and_what_goes_was_old(
    tmp_path_factory: pytest.TempPathFactory, ages: dict[str, int], parents: dict[str, str], limit: int
) -> None:
    base = tmp_path_factory.mktemp("base")
    for name, days in ages.items():
        parent = parents.get(name, "")
        lane(base, name, days=days + 0.5, origin=parent if parent < name else "")
    prune(base, before=NOW - limit * DAY)
    stays = left(base)
    assert stays >= {name for name, days in ages.items() if days < limit}
    for name in stays:
        assert {one for one in origin_of(base / "lanes" / name) if one in ages} <= stays


def test_what_a_killed_clean_left_is_no_lane_and_goes(tmp_path: Path) -> None:
    lane(tmp_path, "cp311")
    (tmp_path / "lanes" / ".removed-1234" / "release").mkdir(parents=True)
    prune(tmp_path, before=NOW - DAY)
    assert left(tmp_path) == {"cp311"}


def test_nothing_to_remove_is_no_error(tmp_path: Path) -> None:
    assert prune(tmp_path / "missing").removed == []


def test_a_target_directory_that_is_a_file_holds_nothing_of_ours(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    assert prune(tmp_path / "target" / "wheelmatrix").removed == []
    assert (tmp_path / "target").read_text() == "mine"
