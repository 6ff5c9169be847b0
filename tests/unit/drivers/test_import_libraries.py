"""Libraries of Python that modules for Windows link: made once, found by the linker."""

from __future__ import annotations

import msgspec
import pytest
from support.driving import HOST, PLACE, build_for

from drivers.cargo import CargoDriver
from drivers.import_libraries import library_args, library_steps
from drivers.xwin import XwinDriver
from drivers.zig import ZigDriver
from matrix.driver import Driver, Place
from matrix.model import Build

EXPORTS = {"python312": "LIBRARY python312.dll\nEXPORTS\nPyLong_FromLong\n", "python3": "LIBRARY python3.dll\n"}
GNU, MSVC, ARM = "x86_64-pc-windows-gnu", "x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"


def place(*tools: str) -> Place:
    found = {name: f"/usr/bin/{name}" for name in tools}
    return msgspec.structs.replace(PLACE, exports=EXPORTS, host=msgspec.structs.replace(HOST, tools=found))


def build(triple: str = GNU, driver: str = "cargo", name: str = "python312", build_id: str = "b") -> Build:
    return msgspec.structs.replace(build_for(triple, driver), import_libraries=(name,), id=build_id)


@pytest.mark.parametrize(
    ("triple", "driver", "machine", "file"),
    [
        (GNU, "cargo", "i386:x86-64", "libpython312.dll.a"),
        (GNU, "zig", "i386:x86-64", "python312.lib"),  # the name that zig looks for
        ("i686-pc-windows-gnu", "cargo", "i386", "libpython312.dll.a"),
        (MSVC, "xwin", "i386:x86-64", "python312.lib"),
        (ARM, "xwin", "arm64", "python312.lib"),
    ],
)
def test_what_is_made(triple: str, driver: str, machine: str, file: str) -> None:
    (step,) = library_steps([build(triple, driver)], place("llvm-dlltool", "zig"))
    exports = next(iter(step.files))
    assert step.files == {exports: EXPORTS["python312"]}
    folder = exports.removesuffix("/python312.def")
    assert step.command.argv == ("/usr/bin/llvm-dlltool", "-m", machine, "-d", exports, "-l", f"{folder}/{file}")
    assert folder.startswith(f"/cache/import-libraries/{triple}-python312-")
    assert step.what == f"{file} for {triple}"
    assert library_args(build(triple, driver), place()) == ["-L", f"native={folder}"]


def test_each_library_is_made_once_for_all_builds_that_link_it() -> None:
    builds = [build(build_id="one"), build(build_id="two"), build(name="python3", build_id="three")]
    steps = library_steps(builds, place("llvm-dlltool"))
    assert [step.builds for step in steps] == [("one", "two"), ("three",)]
    assert len({step.key for step in steps}) == len(steps)
    assert {step.lock for step in steps} == {"import-libraries"}


def test_another_pyo3_has_a_folder_of_its_own() -> None:
    newer = msgspec.structs.replace(place(), exports={"python312": "LIBRARY python312.dll\n"})
    assert library_args(build(), newer) != library_args(build(), place())


def test_zig_makes_them_too_and_without_either_the_hint_says_what_to_install() -> None:
    (step,) = library_steps([build()], place("zig"))
    assert step.command.argv[:2] == ("/usr/bin/zig", "dlltool")
    (step,) = library_steps([build()], place())
    assert step.command.argv[0] == "llvm-dlltool"
    assert "apt-get install llvm" in (step.hint or "")


@pytest.mark.parametrize(
    ("driver", "triple"), [(CargoDriver(), GNU), (ZigDriver(), GNU), (XwinDriver(), MSVC)], ids=("cargo", "zig", "xwin")
)
def test_every_driver_makes_and_names_them(driver: Driver, triple: str) -> None:
    linking, plain = build(triple, driver.name), build_for(triple, driver.name)
    here = msgspec.structs.replace(PLACE, exports=EXPORTS)
    assert any("python312" in step.what for step in driver.prepare([linking], here))
    assert not any("python" in step.what for step in driver.prepare([plain], here))
    words = driver.command(linking, here).argv
    assert words[-2:] == ("-L", library_args(linking, here)[1])
    assert "--" in words
    assert "-L" not in driver.command(plain, here).argv
