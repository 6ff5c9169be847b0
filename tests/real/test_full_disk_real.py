"""A disk that is really full: a small file system in memory, mounted as root."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.tools import Ran, lacking, need, run

pytestmark = pytest.mark.real


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        if os.getuid():
            lacking("root, to mount a small file system")
        place = tmp_path / f"disk-{len(mounted)}"
        place.mkdir()
        run([need("mount"), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], cwd=tmp_path, check=True)
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        run([need("umount"), place], cwd=tmp_path, check=True)


def test_a_full_disk_is_one_clear_error_and_loses_nothing(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], small_disk: Callable[[str], Path]
) -> None:
    root = project("programs")
    lanes, out = small_disk("140k"), small_disk("3m")  # no room for what a linker would need
    ran = wheelmatrix("build", "--out", out, "--target-dir", lanes, cwd=root)
    assert ran.exit == 1, ran
    assert "No space left on device" in ran.stderr
    assert "wheelmatrix clean" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "internal error" not in ran.stderr
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["cells"][0]["status"] == "failed"

    (wheel,) = wheelmatrix("build", "--out", out, cwd=root).wheels
    before = wheel.read_bytes()
    free = os.statvfs(out)
    (out / "filler").write_bytes(os.urandom(free.f_bavail * free.f_bsize))
    ran = wheelmatrix("build", "--no-reuse", "--out", out, cwd=root)
    assert ran.exit != 0, ran
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert wheel.read_bytes() == before
    assert {path.name for path in out.iterdir()} == {"filler", "report.json", wheel.name}
    (out / "filler").unlink()
    ran = wheelmatrix("build", "--out", out, cwd=root)
    assert (ran.exit, ran.wheels) == (0, [wheel]), ran
