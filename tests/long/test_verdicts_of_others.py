"""Verdicts on more than 250 wheels from PyPI, held against auditwheel, abi3audit, delocate and delvewheel.

Each difference is named here with its reason; one that goes away fails the test as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.auditors import (
    abi3audit_says,
    auditwheel_fields,
    auditwheel_says,
    delocate_says,
    delvewheel_says,
    our_fields,
)
from support.wheels_of_pypi import ALL, fetch_all, fetch_several, system_of

from matrix.auditing import audit_wheel

MUSL = (
    # these need plain libc.so, as zig and Rust write it and musl's loader takes for itself; auditwheel, whose policy
    # knows Alpine's name alone, calls it an external library
    "blake3-1.0.11-cp312-cp312-musllinux_1_1_x86_64.whl",
    "nh3-0.3.8-cp39-abi3-musllinux_1_2_armv7l.whl",
    "nh3-0.3.8-cp39-abi3-musllinux_1_2_x86_64.whl",
    "rpds_py-2026.9.1-cp312-cp312-musllinux_1_2_aarch64.whl",
    "rpds_py-2026.9.1-cp312-cp312-musllinux_1_2_x86_64.whl",
)
WINDOWS = {
    # what delvewheel misses, what we miss
    # Python 2.7 brought this runtime along; wheels of its time are not what the audit is for
    "cffi-1.15.1-cp27-cp27m-win_amd64.whl": (set(), {"msvcr90.dll"}),
    # every Python for this machine (they begin with 3.11) brings it, whatever the tag's floor is
    "psutil-7.2.2-cp37-abi3-win_arm64.whl": ({"vcruntime140.dll"}, set()),
    # its own modules and DLLs in other directories, which it adds to the search path itself
    "pywin32-312-cp312-cp312-win_amd64.whl": (
        {"win32ui.pyd", "axscript.pyd", "pywintypes312.dll", "pythoncom312.dll", "mfc140u.dll", "msvcp140.dll"},
        {"mfc140u.dll", "msvcp140.dll"},
    ),
    # a library beside it in the wheel; and py3-none names no Python that would bring the runtime, but any is one
    "rtree-1.4.1-py3-none-win_amd64.whl": (
        {"spatialindex-64.dll", "msvcp140.dll", "vcruntime140.dll", "vcruntime140_1.dll"},
        {"msvcp140.dll"},
    ),
    # brings the runtime and a library of its own; d3dcompiler_47.dll is part of Windows since 8.1
    "shiboken6-6.12.0-cp310-abi3-win_amd64.whl": (
        {"msvcp140.dll", "d3dcompiler_47.dll", "shiboken6.abi3.dll", "concrt140.dll"},
        set(),
    ),
    # no Python is named that would bring the runtime, but any is one
    "soundfile-0.14.0-py2.py3-none-win_amd64.whl": ({"vcruntime140.dll"}, set()),
}
UNREPAIRED = "shiboken6-6.12.0-cp310-abi3-macosx_14_0_universal2.whl"
"""delocate would change it, for which it needs a tool that Apple alone has."""

ERRORS = {
    # all that is an error among wheels that people use; each was looked at
    "procmaps-0.5.0-cp36-abi3-manylinux2010_x86_64.whl": {"stable-abi-too-new"},
    "pyodbc-5.5.0-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl": {"tag-not-met"},
    "shiboken6-6.12.0-cp310-abi3-macosx_14_0_universal2.whl": {"macos-too-new"},
    "sounddevice-0.5.6-py3-none-macosx_10_6_x86_64.macosx_10_6_universal2.whl": {"macos-too-new"},
}


def test_there_are_wheels_of_every_platform() -> None:
    tags = {name.removesuffix(".whl").rpartition("-")[2].split(".")[0] for name in ALL}
    for word in ("x86_64", "aarch64", "armv7l", "i686", "ppc64le", "s390x", "riscv64"):
        assert any(tag.startswith("manylinux") and tag.endswith(word) for tag in tags), word
    for word in ("musllinux_1_2_x86_64", "musllinux_1_2_armv7l", "macosx_11_0_arm64", "win32", "win_arm64", "any"):
        assert word in tags
    assert len(ALL) > 250


def test_auditwheel_says_the_same_of_every_field() -> None:
    differ = set()
    wheels = fetch_all("linux")
    for name, path in wheels.items():
        theirs, ours = auditwheel_fields(auditwheel_says(path)), our_fields(audit_wheel(path))
        if ours != theirs:
            differ.add(name)
            changed = {key for key in ours if ours[key] != theirs[key]}
            assert changed <= {"overall_tag", "external_libs", "policy_upgrades"}, (name, changed)
            assert theirs["external_libs"] == {"libc.so": None}, name
            assert str(ours["overall_tag"]).startswith("musllinux_1_2_")
    print(f"{len(wheels)} wheels for Linux")
    assert differ == set(MUSL)


def test_abi3audit_finds_the_same() -> None:
    wheels = fetch_several(name for name in ALL if "abi3" in name)
    said = abi3audit_says(wheels.values())
    assert len({wheel for wheel, _ in said}) == len(wheels)
    for name, path in wheels.items():
        findings = [one for one in audit_wheel(path).findings if "stable-abi" in one.code]
        ours = {(name, one.file.rpartition("/")[2]) for one in findings}
        assert ours == {key for key, symbols in said.items() if key[0] == name and symbols}, name
        for one in findings:
            for symbol in said[name, one.file.rpartition("/")[2]]:
                assert symbol in one.message
    print(f"{len(wheels)} wheels for the stable ABI, {len(said)} modules")


def test_delocate_gives_the_same_tags_and_misses_the_same_libraries(tmp_path: Path) -> None:
    wheels = fetch_all("macosx")
    for number, (name, path) in enumerate(wheels.items()):
        if name != UNREPAIRED:
            audit = audit_wheel(path)
            tags, outside = delocate_says(path, tmp_path / str(number))
            assert audit.overall_tag in tags, name
            assert set(audit.external_libs) == outside, name
    print(f"{len(wheels) - 1} wheels for macOS")


def test_delvewheel_misses_the_same_dlls() -> None:
    wheels = fetch_all("win")
    differ = {}
    for name, path in wheels.items():
        ours = {library.lower() for library in audit_wheel(path).external_libs}
        missing, _ = delvewheel_says(path)
        if ours != missing:
            differ[name] = (missing, ours)
    print(f"{len(wheels)} wheels for Windows")
    assert differ == WINDOWS


@pytest.mark.parametrize("system", ["linux", "macosx", "win", "any"])
def test_no_wheel_that_people_use_is_called_wrong_without_a_reason(system: str) -> None:
    found = {}
    for name, path in fetch_all(system).items():
        codes = {finding.code for finding in audit_wheel(path).findings if finding.severity == "error"}
        if codes:
            found[name] = codes
    assert found == {name: codes for name, codes in ERRORS.items() if system_of(name) == system}
