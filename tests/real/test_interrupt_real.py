"""Ctrl-C, SIGTERM and time-outs against real runs of the command."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [
    pytest.mark.own_rustc,
    pytest.mark.real,
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

PROJECTS = Path(__file__).parents[1] / "projects"
COMMAND = Path(sys.executable).with_name("wheelmatrix")


def start(project: Path, *flags: str, **kwargs: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [COMMAND, "build", *flags],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        **kwargs,
    )


def copy(name: str, into: Path) -> Path:
    return Path(shutil.copytree(PROJECTS / name, into / name))


def words_of(process: psutil.Process) -> list[str]:
    """Return a command line; that of a process which has just ended is empty."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def processes_of(project: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and str(project) in " ".join(words_of(process))
    ]


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def report_of(project: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((project / "target" / "wheels" / "report.json").read_text())
    return report


def assert_whole(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        assert any(name.endswith(".dist-info/RECORD") for name in archive.namelist())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_keeps_wheels_and_writes_the_report(tmp_path: Path, number: signal.Signals) -> None:
    project = copy("ffi-only", tmp_path)
    run = start(project, "-i", "3.10", "3.11", "3.12", "3.13", "-j", "1")
    wait_for(lambda: list(project.glob("target/wheels/*.whl")))
    wait_for(lambda: processes_of(project / "target" / "wheelmatrix"))
    run.send_signal(number)
    began = time.monotonic()
    out, err = run.communicate(timeout=30)
    assert time.monotonic() - began < 8
    assert run.returncode == 130, err
    assert processes_of(project) == []
    report = report_of(project)
    assert report["interrupted"] is True
    kept = [cell for cell in report["cells"] if cell["status"] == "built"]
    assert kept
    assert report["summary"]["cancelled"] >= 1
    assert report["summary"]["cancelled"] + len(kept) == 4
    for line in out.splitlines():
        assert_whole(Path(line) if Path(line).is_absolute() else project / line)
    assert len(out.splitlines()) == len(kept)


def test_a_signal_while_the_machine_is_asked_leaves_nothing_behind(tmp_path: Path) -> None:
    project = copy("ffi-only", tmp_path)
    slow = tmp_path / "bin" / "python3.12"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    env = {**os.environ, "PATH": f"{slow.parent}{os.pathsep}{os.environ['PATH']}"}
    run = start(project, "-i", str(slow), env=env)
    children: list[psutil.Process] = []

    def asked() -> bool:
        children[:] = psutil.Process(run.pid).children(recursive=True)
        return any("60" in words_of(child) for child in children)

    wait_for(asked)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=10)
    assert run.returncode == 130
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    assert not (project / "target" / "wheels").exists()


def test_a_build_over_its_time_limit_is_ended_and_the_rest_goes_on(tmp_path: Path) -> None:
    project = copy("ffi-only", tmp_path)
    with (project / "pyproject.toml").open("a") as file:
        file.write(
            '\n[tool.wheelmatrix]\ninterpreters = ["3.11", "3.12"]\n'
            '[[tool.wheelmatrix.overrides]]\nselect = { interpreter = "cp311" }\ntimeout = "0.2s"\n'
        )
    run = start(project, "-j", "2")
    out, err = run.communicate(timeout=120)
    assert run.returncode == 1, err
    cells = {cell["id"].split("-")[0]: cell for cell in report_of(project)["cells"]}
    assert cells["cp311"]["status"] == "failed"
    assert "timed out after 0.2 s" in cells["cp311"]["reason"]
    assert cells["cp312"]["status"] == "built"
    assert len(out.splitlines()) == 1
    assert processes_of(project) == []


def test_fail_fast_stops_the_rest(tmp_path: Path) -> None:
    project = copy("broken-compile", tmp_path)
    run = start(project, "-i", "3.11", "3.12", "3.13", "-j", "1", "--fail-fast")
    _, err = run.communicate(timeout=180)
    assert run.returncode == 1, err
    statuses = [cell["status"] for cell in report_of(project)["cells"]]
    assert sorted(statuses) == ["cancelled", "cancelled", "failed"]
