"""Real wheels for platforms whose Python is not here: described by its own files, or linked with libraries we make."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fixtures import Wheelmatrix
from support.provision import provide
from support.tools import need, run

pytestmark = pytest.mark.real

ARM = "aarch64-unknown-linux-gnu"
MINGW = "x86_64-pc-windows-gnu"
MSVC = "x86_64-pc-windows-msvc"


def member(wheel: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return next(name for name in archive.namelist() if name.endswith((".so", ".pyd")))


def imports(wheel: Path, folder: Path) -> set[str]:
    """Return the DLLs that the module of a wheel loads, as llvm-readobj sees it."""
    with zipfile.ZipFile(wheel) as archive:
        file = archive.extract(member(wheel), folder)
    said = run([need("llvm-readobj"), "--coff-imports", file], cwd=folder, check=True).stdout
    return set(re.findall(r"^ *Name: (\S+)$", said, re.MULTILINE))


def with_bindings(project: Path, crate: str, requirement: str) -> Path:
    """Let a project depend on another release of its bindings."""
    manifest = project / "Cargo.toml"
    text = re.sub(rf"^{crate} = .*$", f"{crate} = {requirement}", manifest.read_text(), flags=re.MULTILINE)
    manifest.write_text(text)
    (project / "Cargo.lock").unlink()
    return project


def test_a_debian_of_another_processor_describes_its_python(
    wheelmatrix: Wheelmatrix, project: Callable[..., Path], cross_env: dict[str, str]
) -> None:
    (root,) = provide("root", "arm64")
    lib = f"{root}/usr/lib"
    hello = project("ffi-only")
    env = {**cross_env, "PYO3_CROSS_LIB_DIR": lib}
    ran = wheelmatrix("build", "--target", ARM, cwd=hello, env=env)  # no -i: the files say which Python it is
    assert ran.exit == 0, ran
    (wheel,) = ran.wheels
    assert re.fullmatch(r"ffi_only-.*-cp311-cp311-manylinux2014_aarch64\.manylinux_2_17_aarch64\.whl", wheel.name)
    assert member(wheel).endswith(".cpython-311-aarch64-linux-gnu.so")
    wrong = wheelmatrix("build", "--target", ARM, "-i", "3.12", cwd=hello, env=env)
    assert wrong.exit == 2
    assert f"{lib}/python3.11/_sysconfigdata__" in wrong.stderr
    assert "is about cp311, and cp312 is asked for" in wrong.stderr
    other = wheelmatrix("build", "--target", "armv7-unknown-linux-gnueabihf", "-i", "3.11", cwd=hello, env=env)
    assert other.exit == 2
    assert "is about aarch64 linux gnu, and the target is armv7-unknown-linux-gnueabihf" in other.stderr


def test_build_details_name_the_suffix_in_the_wheel(
    wheelmatrix: Wheelmatrix, project: Callable[..., Path], cross_env: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "foreign" / "python3.14"
    folder.mkdir(parents=True)
    details = {
        "schema_version": "1.0",
        "base_prefix": "/usr",
        "platform": "linux-aarch64",
        "language": {"version": "3.14", "version_info": {"major": 3, "minor": 14, "micro": 2}},
        "implementation": {"name": "cpython", "version": {}, "_multiarch": "aarch64-linux-gnu"},
        "abi": {"flags": [], "extension_suffix": ".cpython-314-aarch64-linux-own.so"},
    }
    (folder / "build-details.json").write_text(json.dumps(details))
    hello = project("ffi-only")
    settings = hello / "pyproject.toml"
    settings.write_text(
        f"{settings.read_text()}\n"
        '[tool.wheelmatrix]\ninterpreters = ["3.14", "3.13"]\n'
        f'targets = ["{ARM}"]\n[[tool.wheelmatrix.overrides]]\nselect = {{ interpreter = "3.14" }}\n'
        f'env = {{ PYO3_CROSS_LIB_DIR = "{folder.parent}" }}\n'
    )
    ran = wheelmatrix("build", cwd=hello, env=cross_env)
    assert ran.exit == 0, ran
    assert {member(wheel).partition(".")[2] for wheel in ran.wheels} == {
        "cpython-314-aarch64-linux-own.so", "cpython-313-aarch64-linux-gnu.so",
    }  # fmt: skip


def test_modules_for_windows_link_libraries_that_were_made(
    wheelmatrix: Wheelmatrix, project: Callable[..., Path], cross_env: dict[str, str], tmp_path: Path
) -> None:
    need("x86_64-w64-mingw32-gcc")
    ffi = with_bindings(project("ffi-only"), "pyo3-ffi", '"=0.27.2"')
    ran = wheelmatrix("build", "--target", MINGW, "-i", "3.12", "3.13t", "pypy3.11", cwd=ffi, env=cross_env)
    assert ran.exit == 0, ran
    loaded = {member(wheel).partition(".")[2]: imports(wheel, tmp_path) for wheel in ran.wheels}
    assert {suffix: {dll for dll in dlls if "py" in dll} for suffix, dlls in loaded.items()} == {
        "cp312-win_amd64.pyd": {"python312.dll"},
        "cp313t-win_amd64.pyd": {"python313t.dll"},
        "pypy311-pp73-win_amd64.pyd": {"libpypy3.11-c.dll"},
    }
    stable = wheelmatrix(
        "build", "--target", MINGW, "-i", "3.12", "-F", "pyo3-ffi/abi3-py310", "-o", "stable", cwd=ffi, env=cross_env
    )
    assert stable.exit == 0, stable
    (wheel,) = stable.wheels
    assert member(wheel).endswith("/ffi_only.pyd")
    assert "python3.dll" in imports(wheel, tmp_path)
    licensed = {**cross_env, "WHEELMATRIX_ACCEPT_XWIN_LICENSE": "1"}
    msvc = wheelmatrix("build", "--target", MSVC, "-i", "3.12", "-o", "msvc", cwd=ffi, env=licensed)
    assert msvc.exit == 0, msvc
    assert "python312.dll" in imports(msvc.wheels[0], tmp_path)


def test_pyo3_itself_links_them_too(
    wheelmatrix: Wheelmatrix, project: Callable[..., Path], cross_env: dict[str, str], tmp_path: Path
) -> None:
    need("x86_64-w64-mingw32-gcc")
    older = project("older-pyo3")  # 0.16.6, which reaches variables of Python's as well as functions
    ran = wheelmatrix("build", "--target", MINGW, "-i", "3.10", cwd=older, env=cross_env)
    assert ran.exit == 0, ran
    assert "python310.dll" in imports(ran.wheels[0], tmp_path)


def test_pyo3_makes_its_own_libraries_where_its_feature_is_on(
    wheelmatrix: Wheelmatrix, project: Callable[..., Path], cross_env: dict[str, str], tmp_path: Path
) -> None:
    need("x86_64-w64-mingw32-gcc")
    ffi = with_bindings(project("ffi-only"), "pyo3-ffi", '{ version = "=0.27.2", features = ["generate-import-lib"] }')
    ran = wheelmatrix("build", "--target", MINGW, "-i", "3.12", cwd=ffi, env=cross_env)
    assert ran.exit == 0, ran
    assert "python312.dll" in imports(ran.wheels[0], tmp_path)


def test_pyo3_of_today_needs_no_library(
    wheelmatrix: Wheelmatrix, project: Callable[..., Path], cross_env: dict[str, str], tmp_path: Path
) -> None:
    need("x86_64-w64-mingw32-gcc")
    ran = wheelmatrix("build", "--target", MINGW, "-i", "3.14t", "-v", cwd=project("ffi-only"), env=cross_env)
    assert ran.exit == 0, ran
    assert "import-libraries" not in ran.stderr
    assert "python314t.dll" in imports(ran.wheels[0], tmp_path)
