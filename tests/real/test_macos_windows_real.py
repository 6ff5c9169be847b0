"""The audit of macOS and Windows binaries against LLVM's reading of real ones, and against wheels from PyPI."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.formats import delocate_platforms, libraries_of_windows_wheel
from support.projects import cache, fetch_wheel
from support.tools import lacking, need, need_llvm, run

from matrix.auditing import audit_wheel
from matrix.auditing.macho import Slice, read_macho
from matrix.auditing.natives import binary_format
from matrix.auditing.pe import read_pe

pytestmark = pytest.mark.real

WHEELS = [
    # project, version, platform asked of pip, best tag met
    ("rpds-py", "0.30.0", "macosx_10_12_x86_64", "macosx_10_12_x86_64"),
    ("rpds-py", "0.30.0", "macosx_11_0_arm64", "macosx_11_0_arm64"),
    ("rpds-py", "0.30.0", "win_amd64", "win_amd64"),
    ("rpds-py", "0.30.0", "win32", "win32"),
    ("orjson", "3.13.0", "macosx_10_15_universal2", "macosx_10_15_universal2"),
    ("orjson", "3.13.0", "win_arm64", "win_arm64"),
    ("markupsafe", "3.0.3", "macosx_11_0_arm64", "macosx_11_0_arm64"),
    ("markupsafe", "3.0.3", "win_arm64", "win_arm64"),
    ("msgpack", "1.2.4", "macosx_10_13_x86_64", "macosx_10_13_x86_64"),
    ("msgpack", "1.2.4", "win32", "win32"),
    ("ujson", "6.1.0", "macosx_11_0_arm64", "macosx_11_0_arm64"),
    ("charset-normalizer", "3.5.2", "macosx_10_13_universal2", "macosx_10_13_universal2"),
    ("psutil", "7.2.2", "win_amd64", "win_amd64"),
    ("pyzmq", "27.3.0", "macosx_10_15_universal2", "macosx_10_15_universal2"),  # brings libraries along
    ("pyzmq", "27.3.0", "win_amd64", "win_amd64"),
]
MODULE = "int PyInit_x(void) { return 0; }\nint helper(void) { return 1; }\n"
ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64"}
Compile = Callable[..., Path]


@pytest.mark.parametrize(("name", "version", "platform", "tag"), WHEELS)
def test_wheels_from_pypi_keep_their_claims_and_llvm_reads_the_same(
    name: str, version: str, platform: str, tag: str, tmp_path: Path
) -> None:
    wheel = fetch_wheel(name, version, platform)
    audit = audit_wheel(wheel)
    assert [found for found in audit.findings if found.severity == "error"] == []
    assert (audit.overall_tag, audit.external_libs) == (tag, {})
    read = 0
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            data = archive.read(member)
            kind = binary_format(data[:8])
            if kind is not None:
                path = tmp_path / f"{read}"
                path.write_bytes(data)
                (same_mach_o if kind == "mach-o" else same_pe)(path)
                read += 1
    assert read


@pytest.mark.parametrize(
    ("name", "version", "platform", "tag"), [row for row in WHEELS if row[0] in {"orjson", "pyzmq"}]
)
def test_delocate_and_delvewheel_think_the_same(
    name: str, version: str, platform: str, tag: str, tmp_path: Path
) -> None:
    wheel = fetch_wheel(name, version, platform)
    if platform.startswith("macosx"):
        assert tag in delocate_platforms(wheel, tmp_path)
        return
    copied, assumed = libraries_of_windows_wheel(wheel)
    assert copied == set()
    with zipfile.ZipFile(wheel) as archive:
        files = [read_pe(one, archive.read(one)) for one in archive.namelist() if one.endswith((".pyd", ".dll"))]
    own = {file.file.rpartition("/")[2].lower() for file in files}
    needed = {library.lower() for file in files for library in file.all_libraries}
    assert needed - own == assumed - own


def same_mach_o(path: Path) -> None:
    """Compare our reading of a Mach-O file with LLVM's, slice by slice."""
    binary = read_macho(path.name, path.read_bytes())
    said = run([need_llvm("llvm-readobj"), "--needed-libs", "--macho-version-min", path], cwd=path.parent, check=True)
    theirs = said.stdout.split("\nFile: ")[1:]
    assert len(theirs) == len(binary.slices)
    for one, text in zip(binary.slices, theirs, strict=True):
        assert one.arch == ARCHITECTURES[match(r"Arch: (\w+)", text)]
        listed = re.search(r"NeededLibraries \[\n(.*?)\n\]", text, re.DOTALL)
        named = {line.strip() for line in (listed[1] if listed else "").splitlines()}
        assert {*one.libraries, *([one.install_name] if one.install_name else [])} == named
        assert one.minimum == tuple(map(int, match(r"Version: ([\d.]+)", text).split(".")[:2]))
        assert set(one.modules) == exported(path, one)


def exported(path: Path, one: Slice) -> set[str]:
    options = ["--macho", f"--arch={one.arch}", "--exports-trie"]
    said = run([need_llvm("llvm-objdump"), *options, path], cwd=path.parent, check=True).stdout
    return set(re.findall(r"_Py(?:Init|ModExport)_(\w+)", said))


def same_pe(path: Path) -> None:
    """Compare our reading of a PE file with LLVM's."""
    binary = read_pe(path.name, path.read_bytes())
    options = ["--file-headers", "--coff-imports", "--coff-exports"]
    text = run([need_llvm("llvm-readobj"), *options, path], cwd=path.parent, check=True).stdout
    machines = {
        "IMAGE_FILE_MACHINE_AMD64": "amd64",
        "IMAGE_FILE_MACHINE_I386": "32",
        "IMAGE_FILE_MACHINE_ARM64": "arm64",
    }
    assert binary.arch == machines[match(r"Machine: (\w+)", text)]
    assert list(binary.libraries) == re.findall(r"^Import \{\n  Name: (\S+)", text, re.MULTILINE)
    assert list(binary.delayed) == re.findall(r"^DelayImport \{\n  Name: (\S+)", text, re.MULTILINE)
    assert set(binary.modules) == set(re.findall(r"Name: Py(?:Init|ModExport)_(\w+)", text))


def match(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    assert found is not None, (pattern, text)
    return found[1]


def test_a_wheel_that_claims_an_older_macos_than_it_runs_on() -> None:
    """Its Intel slice needs macOS 10.13; the tag says 10.9."""
    audit = audit_wheel(fetch_wheel("cryptography", "48.0.1", "macosx_10_9_universal2"))
    (finding,) = audit.findings
    assert (finding.code, finding.message) == ("macos-too-new", "needs macOS 10.13 on x86_64, the tag says 10.9")


@pytest.fixture
def mach_o(tmp_path: Path) -> Compile:
    def mach_o(arch: str, version: str, *flags: str, source: str = MODULE) -> Path:
        code, made, out = tmp_path / "x.c", tmp_path / f"{arch}.o", tmp_path / f"{arch}.so"
        code.write_text(source)
        run(
            [need("clang"), "-c", "-target", f"{arch}-apple-macos{version}", code, "-o", made], cwd=tmp_path, check=True
        )
        options = ["-dylib", "-arch", arch, "-platform_version", "macos", version, version, *flags]
        run(
            [need_llvm("ld64.lld"), *options, "-undefined", "dynamic_lookup", "-o", out, made], cwd=tmp_path, check=True
        )
        return out

    return mach_o


def test_lld_s_dylibs_are_read_as_llvm_reads_them(mach_o: Compile, tmp_path: Path) -> None:
    intel = mach_o("x86_64", "10.12", "-install_name", "@rpath/x.so", "-rpath", "/opt/lib")
    arm = mach_o("arm64", "12.3", "-install_name", "@rpath/x.so", "-rpath", "@loader_path")
    both = tmp_path / "x.so"
    run([need_llvm("llvm-lipo"), "-create", arm, intel, "-output", both], cwd=tmp_path, check=True)
    for path in (intel, arm, both):
        same_mach_o(path)
    slices = read_macho("x.so", both.read_bytes()).slices
    assert {one.arch: (one.minimum, one.rpath) for one in slices} == {
        "x86_64": ((10, 12), ("/opt/lib",)),
        "arm64": ((12, 3), ("@loader_path",)),
    }
    assert {one.modules for one in slices} == {("x",)}


def test_zig_s_dylib_is_read_as_llvm_reads_it(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text(MODULE)
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-macos.11.0", "-shared", "-o", "x.so", "x.c"]
    caches = {name: str(cache() / "zig") for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")}
    ran = run(zig, cwd=tmp_path, env=caches)
    if "No module named ziglang" in ran.stderr:
        lacking("zig (pip install ziglang)")
    assert not ran.exit, ran
    same_mach_o(tmp_path / "x.so")
    (one,) = read_macho("x.so", (tmp_path / "x.so").read_bytes()).slices
    assert (one.arch, one.minimum, one.modules) == ("arm64", (11, 0), ("x",))


IMPORTER = """
__declspec(dllimport) int now(void);
__declspec(dllimport) int late(void);
void *__stdcall __delayLoadHelper2(void *row, void *slot) { return 0; }
int PyInit_x(void) { return now() + late(); }
"""


@pytest.mark.parametrize(
    ("triple", "machine", "library"),
    [("x86_64", "x64", "i386:x86-64"), ("aarch64", "arm64", "arm64"), ("i686", "x86", "i386")],
)
def test_lld_s_dlls_are_read_as_llvm_reads_them(triple: str, machine: str, library: str, tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text(IMPORTER)
    for name in ("now", "late"):
        (tmp_path / f"{name}.def").write_text(f"LIBRARY {name}.dll\nEXPORTS\n{name}\n")
        options = ["-m", library, "-d", f"{name}.def", "-l", f"{name}.lib"]
        run([need_llvm("llvm-dlltool"), *options], cwd=tmp_path, check=True)
    compile_ = [need("clang"), "-c", "-target", f"{triple}-pc-windows-msvc", "x.c", "-o", "x.o"]
    run(compile_, cwd=tmp_path, check=True)
    plain = ["-dll", "-noentry", "-nodefaultlib", f"-machine:{machine}", "-export:PyInit_x", "-delayload:late.dll"]
    linked = [need_llvm("lld-link"), *plain, "-out:x.pyd", "x.o", "now.lib", "late.lib"]
    run(linked, cwd=tmp_path, check=True)
    same_pe(tmp_path / "x.pyd")
    found = read_pe("x.pyd", (tmp_path / "x.pyd").read_bytes())
    assert (found.libraries, found.delayed, found.modules) == (("now.dll",), ("late.dll",), ("x",))
