"""A container of another processor: the system runs its programs through qemu, and everything else is as ever."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.foreign import Foreign
from support.projects import copy_project
from support.reports import read_report
from support.tools import TOP, Ran, find_python, run

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="binfmt_misc is Linux's"),
]
ARM = "aarch64-unknown-linux-gnu"
KERNEL = Path("/proc/sys/fs/binfmt_misc")
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")


@pytest.fixture
def emulator() -> Iterator[None]:
    """The system knows what runs programs for aarch64; as long as the test takes, where it did not before."""
    if not (KERNEL / "register").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", KERNEL], cwd=TOP, check=True)
    entry = KERNEL / "qemu-aarch64"
    known = entry.exists()
    if not known:
        (KERNEL / "register").write_text(RULE.read_text(encoding="ascii").strip(), encoding="ascii")
    yield
    if not known:
        entry.write_text("-1", encoding="ascii")


@pytest.mark.usefixtures("emulator")
def test_the_image_of_another_processor_builds_with_its_own_rust(
    wheelmatrix: Callable[..., Ran],
    docker_image: Callable[[str], str],
    foreign_python: Callable[[str], Foreign],
    tmp_path: Path,
) -> None:
    root = copy_project("ffi-only", tmp_path)
    table = f"""
[tool.wheelmatrix.docker]
pull = "never"

[[tool.wheelmatrix.overrides]]
select = {{ target = "{ARM}" }}
image = "{docker_image("arm64")}"
"""
    pyproject = root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text(encoding="utf-8") + table, encoding="utf-8")
    ran = wheelmatrix("build", "-i", find_python("3.11"), "--target", ARM, cwd=root, timeout=900)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    (build,) = read_report(root / "target" / "wheels" / "report.json")["builds"]
    assert (build["driver"], build["target"]) == ("docker", ARM)
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(wheel, folder, "zip")
    assert foreign_python("arm64").ask("import ffi_only; print(ffi_only.__name__)", folder) == "ffi_only"
