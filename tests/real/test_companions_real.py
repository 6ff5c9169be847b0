"""Debug info and import libraries beside the module, where maturin lays them."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import copy_project
from support.tools import Ran, find_python, need, run

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="cross builds start on Linux"),
]

LINUX, MAC, WINDOWS = "x86_64-unknown-linux-gnu", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"
UNIVERSAL = "universal2-apple-darwin"
FILES = {
    "Cargo.toml": """\
[package]
name = "tiny"
version = "0.1.0"
edition = "2021"
[lib]
crate-type = ["cdylib"]
[profile.dev]
split-debuginfo = "packed"  # for maturin, which tells it to macOS alone
""",
    "pyproject.toml": """\
[build-system]
requires = ["maturin>=1,<2"]
build-backend = "maturin"
[project]
name = "tiny"
version = "0.1.0"
dependencies = ["cffi"]
[tool.maturin]
bindings = "cffi"
include-import-lib = true
""",
    "src/lib.rs": '#[no_mangle]\npub extern "C" fn three() -> i32 {\n    3\n}\n',
    "target/header.h": "int three(void);\n",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tiny")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


def held(folder: Path, platform: str) -> set[str]:
    (wheel,) = folder.glob(f"*{platform}*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if name.startswith("tiny/")}


def test_companions_lie_where_maturin_lays_them(
    tiny: Path, wheelmatrix: Callable[..., Ran], cross_env: dict[str, str], tmp_path: Path
) -> None:
    targets = [word for target in (LINUX, MAC, WINDOWS, UNIVERSAL) for word in ("--target", target)]
    argv: list[str | Path] = [
        "build",
        "--include-debuginfo",
        *targets,
        "--accept-xwin-license",
        "--compatibility",
        "linux",
    ]
    text = FILES["Cargo.toml"].partition("[profile.dev]")[0]
    (tiny / "Cargo.toml").write_text(text)  # the flag says it
    ran = wheelmatrix(*argv, "-o", tmp_path / "ours", cwd=tiny, env=cross_env)
    assert ran.exit == 0, str(ran)
    (tiny / "Cargo.toml").write_text(FILES["Cargo.toml"])
    for target, platform, more in ((LINUX, "linux_x86_64", []), (MAC, "11_0_arm64.", ["--zig"])):
        words = [need("maturin"), "build", "--include-debuginfo", "--target", target, *more, "--auditwheel", "skip"]
        run([*words, "-o", tmp_path / target], cwd=tiny, env=cross_env, check=True)
        ours = held(tmp_path / "ours", "none-macosx_11_0_arm64" if more else platform)
        assert ours == held(tmp_path / target, platform.rstrip("."))
    assert "tiny/libtiny.so.dwp" in held(tmp_path / "ours", "linux_x86_64")
    assert held(tmp_path / "ours", "win_amd64") == {
        f"tiny/{name}" for name in ("__init__.py", "ffi.py", "tiny.dll", "tiny.dll.lib", "tiny.pdb")
    }

    joined(tmp_path / "ours", tmp_path)


def joined(folder: Path, into: Path) -> None:
    """An independent reader finds the debug info of both kinds of Mac in the joint wheel."""
    (wheel,) = folder.glob("*universal2*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if "/DWARF/" in name]
        archive.extract(name, into)
    said = run([need("llvm-dwarfdump"), "--uuid", into / name], cwd=into, check=True).stdout
    assert {"(x86_64)", "(arm64)"} == {word for word in said.split() if word.startswith("(")}


def test_gdb_finds_the_debug_info_of_a_module(wheelmatrix: Callable[..., Ran], tmp_path: Path) -> None:
    gdb, root = need("gdb"), copy_project("ffi-only", tmp_path)
    ran = wheelmatrix("build", "--include-debuginfo", "-i", find_python("3.12"), "-o", tmp_path / "out", cwd=root)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    shutil.rmtree(root / "target")  # where the linker found it
    (module,) = (tmp_path / "site" / "ffi_only").glob("*.so")
    words: list[str | Path] = ["-nx", "-batch", "-ex", "info line PyInit_ffi_only", module]
    said = run([gdb, *words], cwd=tmp_path, check=True)
    assert "Could not find DWO" not in said.stdout + said.stderr
    assert "<ffi_only::PyInit_ffi_only>" in said.stdout, "a name that debug info alone knows"
    (module.parent / f"{module.name}.dwp").unlink()
    assert "<ffi_only::PyInit_ffi_only>" not in run([gdb, *words], cwd=tmp_path).stdout
