"""A compile cache between cargo and rustc helps: what one project compiled, another has for nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.projects import copy_project
from support.tools import Ran, need, run

pytestmark = [pytest.mark.real, pytest.mark.own_rustc]

Wheelmatrix = Callable[..., Ran]


@pytest.fixture
def sccache(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables of a cache and a server of this test's own; the server is ended with it."""
    program = need("sccache")
    env = {
        "RUSTC_WRAPPER": program,
        "SCCACHE_DIR": str(tmp_path / "cache"),
        "SCCACHE_SERVER_UDS": str(tmp_path / "s"),
    }
    run([program, "--start-server"], cwd=tmp_path, env=env, check=True)
    yield env
    run([program, "--stop-server"], cwd=tmp_path, env=env)


def _hits(env: dict[str, str], cwd: Path) -> int:
    said = run([env["RUSTC_WRAPPER"], "--show-stats", "--stats-format", "json"], cwd=cwd, env=env, check=True).stdout
    return int(json.loads(said)["stats"]["cache_hits"]["counts"].get("Rust", 0))


def test_a_second_project_has_its_crates_for_nothing(
    wheelmatrix: Wheelmatrix, tmp_path: Path, sccache: dict[str, str]
) -> None:
    for name in ("first", "second"):
        ran = wheelmatrix("build", cwd=copy_project("hello-pyo3", tmp_path / name), env=sccache)
        assert ran.exit == 0, ran
        if name == "first":
            before = _hits(sccache, tmp_path)
    assert _hits(sccache, tmp_path) - before >= 10, "pyo3 and what it needs, whatever lane they are compiled in"
