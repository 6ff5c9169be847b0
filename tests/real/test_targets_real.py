"""One command, every target: its wheels are read by tools that are not ours, and run where they can be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cross import TARGETS
from support.every_target import WISHES, CrossWheel, EveryTarget
from support.foreign import Foreign, install_for, load_with_musl
from support.formats import (
    EXPECTED,
    auditwheel_tag,
    file_says,
    highest_glibc,
    libraries_of_mac_wheel,
    libraries_of_windows_wheel,
    mac_version,
    needed_libraries,
    readobj_format,
    suffix_of,
    windows_exports,
    windows_imports,
)
from support.reports import read_report
from support.tools import Ran
from support.wheels import ask, install, look_inside

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="cross builds start on Linux"),
]
LINUX = [target for target in TARGETS if "-linux-" in target]
GNU = [target for target in LINUX if "-gnu" in target]
MUSL = [target for target in LINUX if target.endswith("-musl")]
MAC = [target for target in TARGETS if "-apple-" in target]
WINDOWS = [target for target in TARGETS if "-windows-" in target]
# zig links it against glibc 2.19, so that std's weak __cxa_thread_atexit_impl has version 2.18, which auditwheel counts
COUNTS_WEAK = {"powerpc64le-unknown-linux-gnu": "manylinux_2_24_ppc64le"}
OF_GLIBC = {"libc.so.6", "libpthread.so.0", "libdl.so.2", "libm.so.6", "librt.so.1", "libutil.so.1"}
STORY = "import c_cross; print(c_cross.scaled([1, 2, 3], 7), *c_cross.compiled_for())"


def _of(run: EveryTarget, target: str) -> list[CrossWheel]:
    found = [wheel for wheel in run.wheels if wheel.target == target]
    assert found, f"no wheel for {target}\n{run.ran}"
    return found


def test_one_command_builds_every_wheel(every_target: EveryTarget) -> None:
    assert every_target.ran.exit == 0, str(every_target.ran)
    assert WISHES >= 40
    assert len(every_target.ran.wheels) == len(every_target.wheels) == WISHES
    assert {wheel.target for wheel in every_target.wheels} == set(TARGETS)
    assert len({wheel.report["interpreter"] for wheel in every_target.wheels}) >= 4
    assert every_target.report["jobs"] == 2
    drivers = {build["target"]: build["driver"] for build in every_target.report["builds"]}
    assert {drivers[target] for target in [*LINUX, *MAC]} == {"zig"}
    assert {drivers[target] for target in WINDOWS if target.endswith("-msvc")} == {"xwin"}


@pytest.mark.parametrize("target", TARGETS)
def test_binaries_are_what_their_wheels_say(target: str, every_target: EveryTarget) -> None:
    expected = EXPECTED[target]
    for wheel in _of(every_target, target):
        assert wheel.platforms[-1] == expected.platform or expected.platform in wheel.platforms
        assert wheel.binary.name == f"c_cross{suffix_of(target, wheel.abi)}"
        assert file_says(wheel.binary).startswith(expected.file)
        assert readobj_format(wheel.binary) == expected.format
        tags = {f"{wheel.abi.rstrip('t')}-{wheel.abi}-{platform}" for platform in wheel.platforms}
        assert look_inside(wheel.path).tags == tags


@pytest.mark.parametrize("target", GNU)
def test_auditwheel_gives_glibc_wheels_the_same_tag(target: str, every_target: EveryTarget) -> None:
    for wheel in _of(every_target, target):
        assert auditwheel_tag(wheel.path)[0] in {*wheel.platforms, COUNTS_WEAK.get(target)}
        level = tuple(map(int, EXPECTED[target].platform.split("_")[1:3]))
        assert () < highest_glibc(wheel.binary) <= level
        others = needed_libraries(wheel.binary) - OF_GLIBC
        assert all(name.startswith("ld") for name in others), others  # the loader


@pytest.mark.parametrize("target", MUSL)
def test_musl_wheels_need_musl_alone(target: str, every_target: EveryTarget) -> None:
    for wheel in _of(every_target, target):
        assert needed_libraries(wheel.binary) == {"libc.so"}
        assert highest_glibc(wheel.binary) == ()
        # auditwheel takes the plain name libc.so for an external library; its word on the symbols stands
        assert auditwheel_tag(wheel.path)[1] in wheel.platforms


@pytest.mark.parametrize("target", MAC)
def test_mac_wheels_need_the_system_alone(target: str, every_target: EveryTarget, tmp_path: Path) -> None:
    for wheel in _of(every_target, target):
        major, minor = wheel.platforms[0].split("_")[1:3]
        assert mac_version(wheel.binary) == f"{major}.{minor}"
        libraries = libraries_of_mac_wheel(wheel.path, tmp_path)
        assert "/usr/lib/libSystem.B.dylib" in libraries
        assert all(name.startswith(("/usr/lib/", "/System/")) for name in libraries), libraries


@pytest.mark.parametrize("target", WINDOWS)
def test_windows_wheels_import_their_python(target: str, every_target: EveryTarget) -> None:
    for wheel in _of(every_target, target):
        imports = {name.lower() for name in windows_imports(wheel.binary)}
        python = f"python{wheel.abi.removeprefix('cp')}.dll"
        assert {name for name in imports if name.startswith("python")} == {python}
        assert "PyInit_c_cross" in windows_exports(wheel.binary)
        copied, system = libraries_of_windows_wheel(wheel.path)
        assert copied == set()
        assert imports == {name.lower() for name in system}


@pytest.mark.parametrize(
    ("architecture", "target", "says"),
    [
        ("arm64", "aarch64-unknown-linux-gnu", "42 aarch64 linux 64"),
        ("armhf", "armv7-unknown-linux-gnueabihf", "42 arm linux 32"),
        ("i386", "i686-unknown-linux-gnu", "42 x86 linux 32"),
        ("ppc64el", "powerpc64le-unknown-linux-gnu", "42 powerpc64 linux 64"),
        ("s390x", "s390x-unknown-linux-gnu", "42 s390x linux 64"),
    ],
)
def test_wheels_of_other_processors_are_installed_and_run(
    architecture: str,
    target: str,
    says: str,
    every_target: EveryTarget,
    foreign_python: Callable[[str], Foreign],
    tmp_path: Path,
) -> None:
    system = foreign_python(architecture)
    folder = install_for(every_target.one(target).path, tmp_path / "site")
    assert system.ask(STORY, folder) == says
    refused = "import c_cross\ntry: c_cross.scaled([], 1)\nexcept ValueError as error: print(error)"
    assert system.ask(refused, folder) == "no numbers"


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.13"])
def test_wheels_of_the_host_are_installed_and_run(
    version: str, every_target: EveryTarget, pythons: dict[str, Path], venv: Callable[[Path], Path]
) -> None:
    python = venv(pythons[version])
    install(python, every_target.one("x86_64-unknown-linux-gnu", f"cp{version.replace('.', '')}").path)
    assert ask(python, STORY) == "42 x86_64 linux 64"


@pytest.mark.parametrize(
    ("architecture", "target"), [("amd64", "x86_64-unknown-linux-musl"), ("arm64", "aarch64-unknown-linux-musl")]
)
def test_musl_wheels_are_loaded_by_musl(
    architecture: str,
    target: str,
    every_target: EveryTarget,
    foreign_python: Callable[[str], Foreign],
    tmp_path: Path,
) -> None:
    folder = install_for(every_target.one(target).path, tmp_path / "site")
    (module,) = folder.rglob("*.so")
    assert load_with_musl(module, foreign_python(architecture), tmp_path) == "found"


@pytest.mark.parametrize("target", [*MAC, *WINDOWS])
def test_pip_installs_wheels_of_other_systems(target: str, every_target: EveryTarget, tmp_path: Path) -> None:
    abi = "cp312" if target.endswith("-windows-gnu") else "cp311"
    wheel = every_target.one(target, abi)
    folder = install_for(wheel.path, tmp_path / "site", version=f"3.{abi.removeprefix('cp3')}")
    assert list(folder.rglob(wheel.binary.name))


def test_a_second_run_reuses_every_wheel(
    every_target: EveryTarget, wheelmatrix: Callable[..., Ran], cross_env: dict[str, str]
) -> None:
    before = {wheel.path: wheel.path.stat().st_mtime_ns for wheel in every_target.wheels}
    again = wheelmatrix("build", "--accept-xwin-license", "-j2", cwd=every_target.root, env=cross_env)
    assert again.exit == 0, str(again)
    assert sorted(again.wheels) == sorted(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_broken_target_costs_its_own_cells(
    every_target: EveryTarget, wheelmatrix: Callable[..., Ran], cross_env: dict[str, str], tmp_path: Path
) -> None:
    chosen = ["aarch64-unknown-linux-gnu", "s390x-unknown-linux-gnu", "x86_64-unknown-linux-musl"]
    flags = [word for target in chosen for word in ("--target", target)]
    ran = wheelmatrix(
        *("build", "--zig", "-j2", "-i", "3.11", "-F", "fragile", *flags, "-o", tmp_path / "out"),
        cwd=every_target.root,
        env=cross_env,
    )
    assert ran.exit == 1, str(ran)
    report = read_report(tmp_path / "out" / "report.json")
    ended = {cell["target"]: cell["status"] for cell in report["cells"]}
    assert ended == {chosen[0]: "built", chosen[1]: "failed", chosen[2]: "built"}
    assert len(ran.wheels) == 2
    (failed,) = [cell for cell in report["cells"] if cell["status"] == "failed"]
    assert "this library was never ported to s390x" in failed["reason"] + failed["details"]
