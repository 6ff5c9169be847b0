"""What happens once before builds: safe when two runs start together, done once, and costing only its own builds."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.projects import copy_project
from support.reports import read_report
from support.tools import Ran, find_python

pytestmark = [pytest.mark.real, pytest.mark.own_rustc]

ARM, MUSL = "aarch64-unknown-linux-gnu", "x86_64-unknown-linux-musl"
NO_STD = "loongarch64-unknown-linux-gnu"


def test_two_runs_that_start_together_on_a_fresh_machine(
    wheelmatrix: Callable[..., Ran], cross_env: dict[str, str], tmp_path: Path
) -> None:
    env = {
        **cross_env,
        "WHEELMATRIX_CACHE_DIR": str(tmp_path / "cache"),
        "ZIG_GLOBAL_CACHE_DIR": str(tmp_path / "zig"),
    }
    roots = [copy_project("ffi-only", tmp_path / name) for name in ("one", "two")]

    def build(root: Path) -> Ran:
        return wheelmatrix(
            "build", "-i", find_python("3.12"), "-j", "1", "--target", ARM, "--target", MUSL, cwd=root, env=env
        )

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(build, roots))
    for ran in runs:
        assert ran.exit == 0, str(ran)
        assert len(ran.wheels) == 2
    prepared = {path.name for path in (tmp_path / "cache" / "prepared").iterdir()}
    assert {name.rpartition("-")[0].rpartition("-")[0] for name in prepared} == {f"zig-{ARM}.2.17", f"zig-{MUSL}"}
    done = [re.findall(r"^\$ (zig for .*)$", _log(root), re.MULTILINE) for root in roots]
    assert sorted(done[0] + done[1]) == [f"zig for {ARM}.2.17", f"zig for {MUSL}"], "each once, by either run"
    wrappers = sorted((tmp_path / "cache" / "zigbuild").rglob("zigcc-*"))
    assert len(wrappers) == 2
    again = build(roots[0])
    assert again.exit == 0, str(again)
    assert "zig for" not in _log(roots[0]), "what was prepared is not prepared again"


def test_a_target_that_cannot_be_prepared_costs_its_own_cells(
    wheelmatrix: Callable[..., Ran], cross_env: dict[str, str], tmp_path: Path
) -> None:
    root = copy_project("ffi-only", tmp_path)
    ran = wheelmatrix(
        "build", "-i", find_python("3.12"), "--offline", "--target", ARM, "--target", NO_STD, cwd=root, env=cross_env
    )
    assert ran.exit == 1
    assert len(ran.wheels) == 1
    cells = {cell["target"]: cell for cell in read_report(root / "target" / "wheels" / "report.json")["cells"]}
    assert cells[ARM]["status"] == "built"
    assert cells[NO_STD]["status"] == "failed"
    assert "can't find crate for `std`" in cells[NO_STD]["reason"]
    assert "rustup target add" in cells[NO_STD]["hint"]


def _log(root: Path) -> str:
    path = root / "target" / "wheelmatrix" / "logs" / "prepare.log"
    return path.read_text(encoding="utf-8") if path.exists() else ""
