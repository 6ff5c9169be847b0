from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.running.cpus import available_cpus


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def available(mounted: Path, files: dict[str, str], own: str | None = None) -> int:
    """Return the answer for a made-up machine of eight CPUs."""
    for name, text in files.items():
        (mounted / name).parent.mkdir(parents=True, exist_ok=True)
        (mounted / name).write_text(text)
    said = mounted.with_name("self")
    if own is not None:
        said.write_text(own)
    return available_cpus(mounted, said)


def v1(folder: str, quota: str, period: str = "100000") -> dict[str, str]:
    return {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": period}


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({"cpu.max": "100000 100000"}, 1),
        ({"cpu.max": "250000 100000\n"}, 2),
        ({"cpu.max": "1000 100000"}, 1),
        ({"cpu.max": "9900000 100000"}, 8),
        ({"cpu.max": "max 100000"}, 8),
        (v1("cpu", "50000"), 1),
        (v1("cpu", "300000\n"), 3),
        (v1("cpu", "-1"), 8),
        (v1("cpu", "300000", "0"), 8),
        ({"cpu/cpu.cfs_quota_us": "300000"}, 8),
        ({"cpu.max": "junk"}, 8),
        ({}, 8),
    ],
)
def test_the_quota_of_what_is_mounted(mounted: Path, files: dict[str, str], cpus: int) -> None:
    assert available(mounted, files) == cpus


@pytest.mark.parametrize(
    ("own", "cpus"),
    [
        ("0::/\n", 6),
        ("0::/a\n", 6),
        ("0::/a/b\n", 3),
        ("0::/a/b/c\n", 3),
        ("0::/a/b/c/tight\n", 2),
        ("0::/a/b/gone/from/here\n", 3),
        ("0::/../outside\n", 6),
        ("1:name=systemd:/a/b\n0::/a\n", 6),
        ("junk\n\n:::\n", 6),
    ],
)
def test_the_smallest_quota_from_the_own_group_up_wins(mounted: Path, own: str, cpus: int) -> None:
    files = {
        "cpu.max": "600000 100000",
        "a/cpu.max": "max 100000",
        "a/b/cpu.max": "300000 100000",
        "a/b/c/cpu.max": "500000 100000",
        "a/b/c/tight/cpu.max": "200000 100000",
    }
    assert available(mounted, files, own) == cpus


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_the_first_version_has_a_tree_for_each_controller(mounted: Path, folder: str) -> None:
    files = {**v1(folder, "-1"), **v1(f"{folder}/a", "400000"), **v1(f"{folder}/a/b", "500000")}
    own = "9:memory:/a\n4:cpu,cpuacct:/a/b\n3:cpuset:/\n0::/\n"
    assert available(mounted, files, own) == 4
    assert available(mounted, v1(f"{folder}/a/b", "200000"), own) == 2
    assert available(mounted, v1(folder, "100000"), own) == 1


def test_a_name_with_a_colon(mounted: Path) -> None:
    assert available(mounted, {"a:b/cpu.max": "200000 100000"}, "0::/a:b\n") == 2


@given(own=st.text(), quota=st.text())
def test_no_text_is_too_strange(tmp_path_factory: pytest.TempPathFactory, own: str, quota: str) -> None:
    folder = tmp_path_factory.mktemp("cgroup")
    (folder / "cpu.max").write_text(quota, encoding="utf-8", errors="replace")
    (folder / "self").write_text(own, encoding="utf-8", errors="replace")
    assert 1 <= available_cpus(folder, folder / "self") <= 8


def test_a_machine_without_control_groups_or_affinity(mounted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert available(mounted, {}) == 1
