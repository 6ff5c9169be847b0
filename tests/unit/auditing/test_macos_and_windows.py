from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_wheels import make_wheel
from support.natives import Dll, Dylib, fat

from matrix.auditing import Analysis, WheelAudit, audit_binaries, audit_wheel, meets
from matrix.auditing.macos import limits
from matrix.auditing.windows import python_dll
from matrix.model import Compatibility
from matrix.platforms import parse_target, platform_tags

AUTO, LOCAL = Compatibility(family="auto"), Compatibility(family="linux")
INTEL = Dylib(arch="x86_64", minimum=(10, 12))
ARM = Dylib()
BOTH = fat(INTEL, ARM)
MAC_MODULE, WIN_MODULE = "m/x.cpython-312-darwin.so", "m/x.cp312-win_amd64.pyd"
MAC_TAG = "cp312-cp312-macosx_11_0_arm64"
DLL_32 = Dll(machine="32", exports=[]).data
INTEL_LIBRARY = Dylib(arch="x86_64", exports=[]).data
ORPHAN = Dylib(exports=["_helper"], undefined=["_PyList_New"]).data
PRIVATE = Dylib(undefined=["__PyObject_NextNotImplemented", "?__PyWeak", "_Pym"]).data
NEW = Dylib(undefined=["_PyObject_SelfIter", "_PyModule_AddObjectRef"], ranged=False).data
WIN_PRIVATE = Dll(imports=["python3.dll"], taken=["PyList_New", "_PyLong_New"]).data
Codes = list[tuple[str, str]]
Built = Callable[..., Analysis]
Make = Callable[[Mapping[str, bytes], str], WheelAudit]


@pytest.fixture
def built(tmp_path: Path) -> Built:
    def built(files: Mapping[str, bytes], triple: str, **environ: str) -> Analysis:
        for number, data in enumerate(files.values()):
            (tmp_path / str(number)).write_bytes(data)
        members = [(name, tmp_path / str(number)) for number, name in enumerate(files)]
        target = parse_target(triple)
        return audit_binaries(members, target, platform_tags(target, None, environ))

    return built


@pytest.fixture
def audited(tmp_path: Path) -> Make:
    def audited(files: Mapping[str, bytes], tag: str) -> WheelAudit:
        return audit_wheel(make_wheel(tmp_path, f"m-1-{tag}.whl", files))

    return audited


def codes(found: Analysis | WheelAudit) -> Codes:
    findings = found.verdict.findings if isinstance(found, Analysis) else found.findings
    return [(finding.code, finding.severity) for finding in findings]


@pytest.mark.parametrize(
    ("data", "triple", "tag"),
    [
        (ARM.data, "aarch64-apple-darwin", "macosx_11_0_arm64"),
        (INTEL.data, "x86_64-apple-darwin", "macosx_10_12_x86_64"),
        (Dylib(arch="x86_64", minimum=(10, 9)).data, "x86_64-apple-darwin", "macosx_10_9_x86_64"),
        (Dylib(arch="x86_64", minimum=None).data, "x86_64-apple-darwin", "macosx_10_4_x86_64"),
        (Dylib(minimum=(10, 12)).data, "aarch64-apple-darwin", "macosx_11_0_arm64"),
        (Dylib(minimum=(11, 3)).data, "aarch64-apple-darwin", "macosx_11_0_arm64"),
        (BOTH, "universal2-apple-darwin", "macosx_10_12_universal2"),
        (BOTH, "aarch64-apple-darwin", "macosx_10_12_universal2"),
        (Dll().data, "x86_64-pc-windows-msvc", "win_amd64"),
        (Dll().data, "x86_64-pc-windows-gnu", "win_amd64"),
        (Dll(machine="32").data, "i686-pc-windows-msvc", "win32"),
        (Dll(machine="arm64").data, "aarch64-pc-windows-msvc", "win_arm64"),
    ],
)
def test_a_good_build_meets_its_tag(built: Built, data: bytes, triple: str, tag: str) -> None:
    found = built({"m/x.so": data}, triple)
    assert (found.verdict.overall_tag, found.verdict.sym_tag, codes(found)) == (tag, tag, [])
    assert meets(found, AUTO, parse_target(triple)).ok


@pytest.mark.parametrize(
    ("data", "triple", "reason"),
    [
        (INTEL.data, "aarch64-apple-darwin", "is built for x86_64, not for arm64"),
        (ARM.data, "universal2-apple-darwin", "is built for arm64, not for x86_64"),
        (Dylib(platform=2).data, "aarch64-apple-darwin", "is built for ios arm64, not for arm64"),
        (Dylib(arch="arm64e").data, "aarch64-apple-darwin", "is built for arm64e, not for arm64"),
        (Dll().data, "i686-pc-windows-gnu", "is built for win_amd64, not for win32"),
        (Dll(machine="32").data, "x86_64-pc-windows-gnu", "is built for win32, not for win_amd64"),
    ],
)
def test_another_architecture_is_refused_whatever_is_asked(built: Built, data: bytes, triple: str, reason: str) -> None:
    found = built({"m/x.so": data}, triple)
    assert ("wrong-architecture", "error") in codes(found)
    for wish in (AUTO, LOCAL):
        judged = meets(found, wish, parse_target(triple))
        assert (judged.ok, judged.reason, judged.details) == (False, reason, "m/x.so")


@pytest.mark.parametrize(
    ("data", "triple", "target", "reason"),
    [
        (Dylib(minimum=(12, 0)).data, "aarch64-apple-darwin", "", "needs macOS 12.0 on arm64, the tag says 11.0"),
        (Dylib(minimum=(12, 3)).data, "aarch64-apple-darwin", "12.1", ""),
        (Dylib(minimum=(12, 3)).data, "aarch64-apple-darwin", "11.7", "needs macOS 12.3 on arm64, the tag says 11.0"),
        (INTEL.data, "x86_64-apple-darwin", "10.12", ""),
        (Dylib(arch="x86_64", minimum=(10, 13)).data, "x86_64-apple-darwin", "10.14", ""),
        (
            fat(Dylib(arch="x86_64", minimum=(10, 13)), ARM),
            "universal2-apple-darwin",
            "",
            "needs macOS 10.13 on x86_64, the tag says 10.12",
        ),
        (fat(INTEL, Dylib(minimum=(12, 0))), "universal2-apple-darwin", "12.0", ""),
    ],
)
def test_a_newer_macos_than_the_tag_will_say_is_refused(
    built: Built, data: bytes, triple: str, target: str, reason: str
) -> None:
    environ = {"MACOSX_DEPLOYMENT_TARGET": target} if target else {}
    judged = meets(built({"m/x.so": data}, triple, **environ), AUTO, parse_target(triple))
    assert (judged.ok, judged.reason) == (not reason, reason)
    assert judged.ok or "MACOSX_DEPLOYMENT_TARGET" in str(judged.hint)


@given(st.lists(st.sampled_from(["macosx_10_9_x86_64", "macosx_12_0_arm64", "macosx_10_12_universal2", "win32"])))
def test_every_tag_of_a_wheel_is_a_promise(platforms: list[str]) -> None:
    intel = {"macosx_10_9_x86_64": (10, 9), "macosx_10_12_universal2": (10, 12)}
    arm = {"macosx_12_0_arm64": (12, 0), "macosx_10_12_universal2": (11, 0)}
    for arch, versions in (("x86_64", intel), ("arm64", arm)):
        expected = min((versions[one] for one in platforms if one in versions), default=None)
        assert limits(platforms).get(arch) == expected


def test_libraries_that_neither_macos_nor_the_wheel_has(built: Built) -> None:
    needed = [
        "/usr/lib/libSystem.B.dylib",
        "/System/Library/Frameworks/Foundation.framework/Versions/C/Foundation",
        "@loader_path/../m.dylibs/libz.1.dylib",
        "@rpath/libgone.dylib",
        "/opt/homebrew/lib/libz.1.dylib",
    ]
    files = {
        "m/x.so": Dylib(needed=needed, weak=["/opt/lib/libmaybe.dylib"]).data,
        "m.dylibs/libz.1.dylib": Dylib(install_name="/DLC/m.dylibs/libz.1.dylib", exports=[]).data,
    }
    found = built(files, "aarch64-apple-darwin")
    assert found.verdict.external == ("/opt/homebrew/lib/libz.1.dylib", "@rpath/libgone.dylib")
    assert set(found.verdict.libraries) == {*needed, "/opt/lib/libmaybe.dylib"}
    assert codes(found) == [("external-library", "warning")] * 2
    assert meets(found, AUTO, parse_target("aarch64-apple-darwin")).ok


@pytest.mark.parametrize(
    "library",
    [
        "/Library/Frameworks/Python.framework/Versions/3.12/Python",
        "@rpath/Python3.framework/Versions/3.9/Python3",
        "@rpath/libpython3.12.dylib",
        "/opt/lib/libpypy3.11-c.dylib",
    ],
)
def test_a_module_that_links_python_is_refused_unless_local(built: Built, library: str) -> None:
    found = built({"m/x.so": Dylib(needed=[library]).data}, "aarch64-apple-darwin")
    assert codes(found) == [("links-libpython", "error")]
    assert found.verdict.links_libpython
    target = parse_target("aarch64-apple-darwin")
    assert not meets(found, AUTO, target).ok
    assert meets(found, LOCAL, target).ok
    program = built({"m/x": Dylib(needed=[library], kind=2).data}, "aarch64-apple-darwin")
    assert codes(program) == [("links-libpython", "warning")]


def test_paths_of_the_machine_that_built_it_are_told(built: Built) -> None:
    data = Dylib(rpath=["@loader_path", "/home/me/lib"], install_name="/home/me/target/libx.dylib").data
    found = built({"m/x.so": data}, "aarch64-apple-darwin")
    assert codes(found) == [("absolute-rpath", "warning"), ("absolute-install-name", "note")]


@pytest.mark.parametrize(
    ("name", "triple", "data", "missing"),
    [
        (MAC_MODULE, "aarch64-apple-darwin", Dylib(exports=["_helper"]).data, True),
        ("m/x.abi3.so", "aarch64-apple-darwin", Dylib(exports=[]).data, True),
        ("m/x.pypy311-pp73-darwin.so", "aarch64-apple-darwin", Dylib(exports=[]).data, True),
        ("m/x.so", "aarch64-apple-darwin", Dylib(exports=[]).data, False),
        (WIN_MODULE, "x86_64-pc-windows-msvc", Dll(exports=["helper"]).data, True),
        ("m/x.pyd", "x86_64-pc-windows-msvc", Dll(exports=[]).data, True),
        ("m/x.dll", "x86_64-pc-windows-msvc", Dll(exports=[]).data, False),
    ],
)
def test_a_module_without_an_entry_point(built: Built, name: str, triple: str, data: bytes, missing: bool) -> None:
    found = built({name: data}, triple)
    assert codes(found) == [("missing-init", "error")] * missing
    assert meets(found, AUTO, parse_target(triple)).ok != missing


def test_dlls_of_windows_python_and_the_wheel_are_known(built: Built) -> None:
    imports = ["KERNEL32.dll", "python3.dll", "api-ms-win-crt-heap-l1-1-0.dll", "Helper.DLL", "MSVCP140.dll"]
    files = {
        WIN_MODULE: Dll(imports=imports, delayed=["foo.dll", "VCRUNTIME140.dll"]).data,
        "m.libs/helper.dll": Dll(exports=[]).data,
        "m/t32.exe": Dll(machine="32", dll=False, exports=[]).data,
        "m/net.dll": Dll(machine="32", managed=True, imports=["mscoree.dll"], exports=[]).data,
    }
    found = built(files, "x86_64-pc-windows-msvc")
    assert found.verdict.external == ("MSVCP140.dll", "foo.dll")
    assert codes(found) == [("external-library", "warning")] * 2 + [("visual-c-runtime", "note")]
    assert "Visual C++" in str(found.verdict.findings[0].hint)
    assert found.verdict.overall_tag == "win_amd64"


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("python3.dll", True),
        ("PYTHON312.DLL", True),
        ("python314t.dll", True),
        ("python312_d.dll", True),
        ("libpypy3.11-c.dll", True),
        ("python2.dll", False),
        ("pythonnet.dll", False),
    ],
)
def test_dlls_of_python_are_recognised(name: str, known: bool) -> None:
    assert (python_dll(name) is not None) == known


@pytest.mark.parametrize("triple", ["aarch64-apple-darwin", "x86_64-pc-windows-msvc"])
def test_files_of_another_system_are_refused(built: Built, elf: Callable[..., bytes], triple: str) -> None:
    found = built({"m/x.so": elf()}, triple)
    assert codes(found) == [("not-audited", "note"), ("wrong-format", "error")]
    assert not meets(found, LOCAL, parse_target(triple)).ok
    assert codes(built({"m/a.py": b"x = 1"}, triple)) == []


def test_systems_without_a_judge_are_named(built: Built) -> None:
    found = built({"m/x.so": Dylib(platform=2).data}, "aarch64-apple-ios")
    assert [finding.message for finding in found.verdict.findings] == ["Mach-O files for ios are not audited"]
    assert meets(found, AUTO, parse_target("aarch64-apple-ios")).ok


@pytest.mark.parametrize(
    ("files", "tag", "expected"),
    [
        ({MAC_MODULE: ARM.data}, "cp312-cp312-macosx_11_0_arm64", []),
        ({MAC_MODULE: BOTH}, "cp312-cp312-macosx_11_0_arm64", []),
        ({MAC_MODULE: BOTH}, "cp312-cp312-macosx_10_12_x86_64.macosx_11_0_arm64.macosx_10_12_universal2", []),
        ({MAC_MODULE: INTEL.data}, "cp312-cp312-macosx_10_12_universal2", [("wrong-architecture", "error")]),
        ({MAC_MODULE: INTEL.data}, "cp312-cp312-macosx_10_9_x86_64", [("macos-too-new", "error")]),
        ({MAC_MODULE: INTEL.data}, "cp312-cp312-macosx_10_12_intel", []),
        ({MAC_MODULE: INTEL.data}, "cp312-cp312-macosx_10_6_fat64", []),
        ({MAC_MODULE: INTEL.data}, "cp313-cp313-macosx_10_12_x86_64", [("suffix-not-imported", "error")]),
        ({"m/x.so": b"\xcf\xfa\xed\xfe"}, "cp312-cp312-macosx_11_0_arm64", [("bad-binary", "error")]),
        ({WIN_MODULE: Dll().data}, "cp312-cp312-win_amd64", []),
        ({WIN_MODULE: Dll().data}, "cp313-cp313-win_amd64", [("suffix-not-imported", "error")]),
        ({WIN_MODULE: Dll(machine="32").data}, "cp312-cp312-win_amd64", [("wrong-architecture", "error")]),
        ({"m/x.cp312-win32.pyd": Dll().data}, "cp312-cp312-win_amd64", [("suffix-not-imported", "error")]),
        ({WIN_MODULE: Dll(imports=["python312.dll"]).data}, "cp312-cp312-win_amd64", []),
        ({"m/x.pyd": Dll(imports=["python311.dll"]).data}, "cp312-cp312-win_amd64", [("wrong-python", "error")]),
        ({"m/x.pyd": Dll(imports=["python312.dll"]).data}, "cp39-abi3-win_amd64", [("wrong-python", "error")]),
        ({"m/x.pyd": Dll(imports=["python3.dll"]).data}, "cp39-abi3-win_amd64", []),
        ({"m/x.pyd": Dll(imports=["python314t.dll"]).data}, "cp314-cp314t-win_amd64", []),
        ({"m/x.pyd": ARM.data}, "cp312-cp312-win_amd64", [("not-audited", "note"), ("wrong-format", "error")]),
        ({"m/x.pyd": Dll().data}, "py3-none-any", [("tag-not-met", "error")]),
        ({"m/x.so": ARM.data}, "py3-none-any", [("tag-not-met", "error")]),
        ({WIN_MODULE: Dll().data, "m/t.dll": DLL_32}, "cp312-cp312-win_amd64", [("wrong-architecture", "warning")]),
        ({"m/t.dll": DLL_32}, "py3-none-win_amd64", [("wrong-architecture", "error")]),
        ({MAC_MODULE: ARM.data, "m/t.dylib": INTEL_LIBRARY}, MAC_TAG, [("wrong-architecture", "warning")]),
        ({"m/x.abi3.so": Dylib(exports=[]).data}, "cp39-abi3-macosx_11_0_arm64", [("missing-init", "warning")]),
        ({"m/x.abi3.so": ORPHAN}, "cp39-abi3-macosx_11_0_arm64", [("missing-init", "error")]),
        ({"m/y.abi3.so": ARM.data}, "cp39-abi3-macosx_11_0_arm64", [("misnamed-init", "error")]),
        ({"m/x.abi3.so": Dylib(undefined=["_PyList_New"]).data}, "cp39-abi3-macosx_11_0_arm64", []),
        ({"m/x.abi3.so": PRIVATE}, "cp39-abi3-macosx_11_0_arm64", [("not-stable-abi", "error")]),
        ({"m/x.abi3.so": NEW}, "cp39-abi3-macosx_11_0_arm64", [("stable-abi-too-new", "error")]),
        ({"m/x.abi3.so": NEW}, "cp310-abi3-macosx_11_0_arm64", []),
        ({"m/x.pyd": WIN_PRIVATE}, "cp39-abi3-win_amd64", [("not-stable-abi", "error")]),
        ({"m/t64.exe": Dll(dll=False, exports=[]).data}, "py3-none-any", [("not-audited", "note")]),
        ({"m/dos.exe": b"MZ" + bytes(60)}, "py3-none-any", [("not-audited", "note")]),
    ],
)
def test_finished_wheels_are_held_to_their_tags(
    audited: Make, files: Mapping[str, bytes], tag: str, expected: Codes
) -> None:
    assert codes(audited(files, tag)) == expected
