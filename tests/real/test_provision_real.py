"""What the tests of cross builds stand on is what it claims to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import need, run

pytestmark = pytest.mark.real


def _inside(image: str, command: str, cwd: Path) -> str:
    ran = run([need("docker"), "run", "--rm", "--network=none", image, "sh", "-c", command], cwd=cwd, check=True)
    return ran.stdout.strip()


def test_the_bullseye_image_compiles_for_glibc_2_31(docker_image: Callable[[str], str], tmp_path: Path) -> None:
    said = _inside(docker_image("bullseye"), "ldd --version | head -n 1; gcc -dumpmachine", tmp_path)
    assert " 2.31" in said
    assert said.endswith("x86_64-linux-gnu")


def test_interpreters_of_the_manylinux_image_run(docker_image: Callable[[str], str], tmp_path: Path) -> None:
    code = "import sys, ctypes, ssl; print(*sys.version_info[:2], sys.executable)"
    said = _inside(docker_image("manylinux"), f"for p in /opt/python/*/bin/python; do $p -c '{code}'; done", tmp_path)
    assert said.splitlines() == [
        "3 12 /opt/python/cp312-cp312/bin/python",
        "3 9 /opt/python/cp39-cp39/bin/python",
    ]


def test_the_cross_image_compiles_for_another_processor(docker_image: Callable[[str], str], tmp_path: Path) -> None:
    compiled = "echo 'int main(void) { return 0; }' > a.c && aarch64-linux-gnu-gcc a.c && od -An -tx2 -j18 -N2 a.out"
    assert _inside(docker_image("cross-aarch64"), f"cd /tmp && {compiled}", tmp_path) == "00b7"  # EM_AARCH64
