"""Windows's own way to load a module: DLLs that a wheel brings along are found beside it (Wine's loader)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import copy_project
from support.tools import Ran, find_python, lacking, need, run

pytestmark = [pytest.mark.real]

CC = "x86_64-w64-mingw32-gcc"
# LOAD_LIBRARY_SEARCH_DEFAULT_DIRS and LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, as Python asks for (Python/dynload_win.c)
LOADER = """#include <windows.h>
#include <stdio.h>
int main(int count, char **words) {
    HMODULE module = LoadLibraryExA(words[1], NULL, 0x1000 | 0x100);
    if (!module) { printf("error %lu\\n", GetLastError()); return 1; }
    puts(GetProcAddress(module, "PyInit_linked") ? "found" : "no init function");
    return 0;
}
"""
# What Wine and this machine do not have: Python's DLL, and one of newer Windows; nothing of them is called.
STAND_INS = {
    "python3.dll": (
        "PyDict_New PyDict_SetItem PyLong_FromLong PyModuleDef_Init PyUnicode_FromStringAndSize Py_DecRef Py_IncRef"
    ),
    "bcryptprimitives.dll": "ProcessPrng",
}


def wine() -> str:
    found = shutil.which("wine64") or shutil.which("wine64", path="/usr/lib/wine")
    return found if found is not None else lacking("wine64")


def test_windows_finds_dlls_beside_the_module(
    wheelmatrix: Callable[..., Ran], cross_env: dict[str, str], tmp_path: Path
) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "one.c").write_text("int one(void) { return 1; }", encoding="utf-8")
    (libraries / "two.c").write_text("int one(void);\nint two(int more) { return one() + more; }", encoding="utf-8")
    run([need(CC), "-shared", "one.c", "-o", "WmOne.dll"], cwd=libraries, check=True)
    run([need(CC), "-shared", "two.c", "WmOne.dll", "-o", "WmTwo.dll"], cwd=libraries, check=True)
    root = copy_project("linked", tmp_path)
    env = {**cross_env, "LINKS": f"{libraries}/WmTwo.dll:two"}
    target = ("--target", "x86_64-pc-windows-gnu", "-o", tmp_path)
    ran = wheelmatrix("build", "-i", find_python("3.11"), *target, cwd=root, env=env)
    assert ran.exit == 0, str(ran)
    shutil.rmtree(libraries)
    shutil.unpack_archive(ran.wheels[0], tmp_path / "site", "zip")
    (tmp_path / "load.c").write_text(LOADER, encoding="utf-8")
    run([need(CC), "load.c", "-o", "load.exe"], cwd=tmp_path, check=True)
    for file, names in STAND_INS.items():
        source = "".join(f"__declspec(dllexport) int {name}[64];\n" for name in names.split())
        (tmp_path / "standin.c").write_text(source, encoding="utf-8")
        run([need(CC), "-shared", "standin.c", "-o", file], cwd=tmp_path, check=True)
    module = tmp_path / "site" / "linked" / "linked.pyd"

    def load() -> str:
        env = {"WINEPREFIX": str(tmp_path / "wine"), "WINEDEBUG": "-all"}
        return run([wine(), "load.exe", f"Z:{module}".replace("/", "\\")], cwd=tmp_path, env=env).stdout.strip()

    assert load() == "found"
    (one,) = module.parent.glob("WmOne-*.dll")
    one.unlink()
    assert load() == "error 126", "it was that very file"
