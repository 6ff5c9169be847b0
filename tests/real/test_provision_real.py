"""What the tests of cross builds stand on is what it claims to be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cross import TARGETS
from support.foreign import ARCHITECTURES, Foreign, load_with_musl
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


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_pythons_of_other_processors_run(
    architecture: str, foreign_python: Callable[[str], Foreign], tmp_path: Path
) -> None:
    system = foreign_python(architecture)
    (tmp_path / "given.py").write_text("word = 'seen'\n", encoding="utf-8")
    code = "import platform, sys, sysconfig, given; print(*sys.version_info[:2], sys.byteorder, given.word)"
    byteorder = "big" if architecture == "s390x" else "little"
    assert system.ask(code, tmp_path) == f"3 11 {byteorder} seen"
    suffix = system.ask("import sysconfig; print(sysconfig.get_config_var('EXT_SUFFIX'))", tmp_path)
    machine = {"ppc64le": "powerpc64le"}.get(system.machine, system.machine)
    assert suffix.startswith(f".cpython-311-{machine}-linux-gnu")


def test_every_target_compiles(cross_env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "lib.rs").write_text("pub fn size(words: &[String]) -> usize { words.len() }\n", encoding="utf-8")
    command = ["rustc", "--crate-type=lib", "--emit=metadata", "lib.rs"]
    for target in TARGETS:
        run([need(command[0]), *command[1:], "--target", target], cwd=tmp_path, env=cross_env, check=True)
        kind = run(["rustc", "--target", target, "--print=target-libdir"], cwd=tmp_path, env=cross_env, check=True)
        assert list(Path(kind.stdout.strip()).glob("libstd-*.rlib")), target


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_musl_loads_only_what_it_can_resolve(
    architecture: str, foreign_python: Callable[[str], Foreign], tmp_path: Path
) -> None:
    system = foreign_python(architecture)
    zig = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-target", f"{system.machine}-linux-musl"]
    for name, body in {
        "good": "extern void *PyExc_OSError; void *PyInit_good(void) { return PyExc_OSError; }",
        "other": "extern int of_no_libc(void); int PyInit_other(void) { return of_no_libc(); }",
        "empty": "int nothing;",
    }.items():
        (tmp_path / f"{name}.c").write_text(body, encoding="utf-8")
        run([*zig, f"{name}.c", "-o", f"{name}.so"], cwd=tmp_path, check=True)
    assert load_with_musl(tmp_path / "good.so", system, tmp_path) == "found"
    assert "of_no_libc: symbol not found" in load_with_musl(tmp_path / "other.so", system, tmp_path)
    assert load_with_musl(tmp_path / "empty.so", system, tmp_path) == "no init function"
