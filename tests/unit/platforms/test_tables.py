from __future__ import annotations

import sys
import sysconfig
from typing import get_args

import pytest
from msgspec.structs import replace
from packaging.tags import cpython_tags

from matrix.errors import UsageError
from matrix.model import Implementation, Interpreter
from matrix.platforms.tables import Release, absence, known_interpreter, known_interpreters, released_versions, suits
from matrix.platforms.targets import known_triples, parse_target

GNU = "x86_64-unknown-linux-gnu"


def known(implementation: Implementation, minor: int, triple: str, *, threaded: bool = False) -> Interpreter:
    return known_interpreter(implementation, (3, minor), parse_target(triple), threaded=threaded)


@pytest.mark.parametrize(
    ("minor", "triple", "suffix"),
    [
        (7, GNU, ".cpython-37m-x86_64-linux-gnu.so"),
        (12, GNU, ".cpython-312-x86_64-linux-gnu.so"),
        (10, "x86_64-unknown-linux-musl", ".cpython-310-x86_64-linux-gnu.so"),
        (11, "x86_64-unknown-linux-musl", ".cpython-311-x86_64-linux-musl.so"),
        (12, "i686-unknown-linux-gnu", ".cpython-312-i386-linux-gnu.so"),
        (12, "i686-unknown-linux-musl", ".cpython-312-i386-linux-musl.so"),
        (12, "armv7-unknown-linux-gnueabihf", ".cpython-312-arm-linux-gnueabihf.so"),
        (12, "armv7-unknown-linux-musleabihf", ".cpython-312-arm-linux-musleabihf.so"),
        (10, "armv7-unknown-linux-musleabihf", ".cpython-310-arm-linux-gnueabihf.so"),
        (12, "arm-unknown-linux-gnueabi", ".cpython-312-arm-linux-gnueabi.so"),
        (12, "powerpc64le-unknown-linux-gnu", ".cpython-312-powerpc64le-linux-gnu.so"),
        (12, "mips64-unknown-linux-gnuabi64", ".cpython-312-mips64-linux-gnuabi64.so"),
        (12, "riscv64gc-unknown-linux-gnu", ".cpython-312-riscv64-linux-gnu.so"),
        (12, "aarch64-apple-darwin", ".cpython-312-darwin.so"),
        (12, "universal2-apple-darwin", ".cpython-312-darwin.so"),
        (7, "x86_64-pc-windows-msvc", ".pyd"),
        (12, "x86_64-pc-windows-msvc", ".cp312-win_amd64.pyd"),
        (12, "i686-pc-windows-gnu", ".cp312-win32.pyd"),
        (12, "aarch64-pc-windows-msvc", ".cp312-win_arm64.pyd"),
        (12, "x86_64-unknown-freebsd", ".cpython-312.so"),
        (12, "x86_64-unknown-netbsd", ".so"),
        (13, "aarch64-linux-android", ".cpython-313-aarch64-linux-android.so"),
        (13, "armv7-linux-androideabi", ".cpython-313-arm-linux-androideabi.so"),
        (13, "aarch64-apple-ios", ".cpython-313-iphoneos.so"),
        (13, "x86_64-apple-ios", ".cpython-313-iphonesimulator.so"),
        (13, "wasm32-unknown-emscripten", ".cpython-313-wasm32-emscripten.so"),
    ],
)
def test_cpython_suffixes(minor: int, triple: str, suffix: str) -> None:
    assert known("cpython", minor, triple).ext_suffix == suffix


@pytest.mark.parametrize(
    ("implementation", "minor", "triple", "tags", "suffix"),
    [
        ("pypy", 11, GNU, "pp311-pypy311_pp73", ".pypy311-pp73-x86_64-linux-gnu.so"),
        ("pypy", 11, "x86_64-unknown-linux-musl", "pp311-pypy311_pp73", ".pypy311-pp73-x86_64-linux-gnu.so"),
        ("pypy", 10, "i686-unknown-linux-gnu", "pp310-pypy310_pp73", ".pypy310-pp73-x86-linux-gnu.so"),
        ("pypy", 9, "powerpc64le-unknown-linux-gnu", "pp39-pypy39_pp73", ".pypy39-pp73-ppc_64-linux-gnu.so"),
        ("pypy", 9, "armv7-unknown-linux-gnueabihf", "pp39-pypy39_pp73", ".pypy39-pp73-arm-linux-gnu.so"),
        ("pypy", 12, "aarch64-unknown-linux-gnu", "pp312-pypy312_pp80", ".pypy312-pp80-aarch64-linux-gnu.so"),
        ("pypy", 12, "x86_64-pc-windows-msvc", "pp312-pypy312_pp80", ".pypy312-pp80-win_amd64.pyd"),
        ("pypy", 11, "aarch64-apple-darwin", "pp311-pypy311_pp73", ".pypy311-pp73-darwin.so"),
        ("pypy", 11, "x86_64-pc-windows-msvc", "pp311-pypy311_pp73", ".pypy311-pp73-win_amd64.pyd"),
        ("graalpy", 11, GNU, "graalpy311-graalpy242_311_native", ".graalpy242-311-native-x86_64-linux.so"),
        ("graalpy", 12, GNU, "graalpy312-graalpy250_312_native", ".graalpy250-312-native-x86_64-linux.so"),
        (
            "graalpy", 13, "aarch64-apple-darwin",
            "graalpy313-graalpy253_313_native", ".graalpy253-313-native-aarch64-darwin.so",
        ),
    ],
)  # fmt: skip
def test_pypy_and_graalpy(implementation: Implementation, minor: int, triple: str, tags: str, suffix: str) -> None:
    interpreter = known(implementation, minor, triple)
    assert f"{interpreter.python_tag}-{interpreter.abi_tag}" == tags
    assert interpreter.ext_suffix == suffix


def test_flags_tags_and_library_names() -> None:
    old, new = known("cpython", 7, GNU), known("cpython", 12, GNU)
    threaded = known("cpython", 14, GNU, threaded=True)
    assert (old.abi_flags, old.abi_tag, old.lib_name, old.id) == ("m", "cp37m", "python3.7m", "cp37")
    assert (new.abi_flags, new.abi_tag, new.lib_name, new.id) == ("", "cp312", "python3.12", "cp312")
    assert (threaded.abi_flags, threaded.abi_tag, threaded.lib_name) == ("t", "cp314t", "python3.14t")
    assert threaded.ext_suffix == ".cpython-314t-x86_64-linux-gnu.so"
    assert (threaded.id, threaded.free_threaded, threaded.python_tag) == ("cp314t", True, "cp314")
    windows = known("cpython", 14, "x86_64-pc-windows-msvc", threaded=True)
    assert (windows.ext_suffix, windows.lib_name) == (".cp314t-win_amd64.pyd", "python314t")
    assert known("pypy", 11, GNU).lib_name == "pypy3.11-c"
    assert known("pypy", 11, "x86_64-pc-windows-gnu").lib_name == "libpypy3.11-c"
    assert known("graalpy", 12, GNU).lib_name == "python-native"
    assert known("cpython", 12, "i686-unknown-linux-gnu").pointer_width == 32
    assert not new.runnable
    assert new.full_version == ""


@pytest.mark.parametrize("threaded", [False, True])
def test_the_tags_are_those_that_installers_look_for(*, threaded: bool) -> None:
    interpreter = known("cpython", 14, GNU, threaded=threaded)
    sought = {str(tag) for tag in cpython_tags((3, 14), [interpreter.abi_tag], ["linux_x86_64"])}
    assert f"{interpreter.python_tag}-{interpreter.abi_tag}-linux_x86_64" in sought


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="compares with the CPython that runs the tests")
def test_this_python_is_in_the_table_as_it_is() -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    release = Release("cpython", sys.version_info[:2], threaded=threaded)
    there = [target for target in known_triples().values() if absence(release, target) is None]
    assert suffix in {known("cpython", release.version[1], t.triple, threaded=threaded).ext_suffix for t in there}


@pytest.mark.parametrize(
    ("release", "triple", "reason"),
    [
        (Release("cpython", (3, 16)), GNU, "3.16 is not a released Python"),
        (Release("cpython", (3, 12), threaded=True), GNU, "3.12t is not a released Python"),
        (Release("pypy", (3, 8)), GNU, "pypy3.8 is not a released Python"),
        (Release("cpython", (3, 12)), "aarch64-apple-ios", "CPython came to aarch64-apple-ios with 3.13"),
        (Release("cpython", (3, 7)), "aarch64-apple-darwin", "CPython came to aarch64-apple-darwin with 3.8"),
        (Release("pypy", (3, 11)), "i686-pc-windows-msvc", "no PyPy is known for i686-pc-windows-msvc"),
        (Release("graalpy", (3, 11)), "x86_64-pc-windows-msvc", "no GraalPy is known for x86_64-pc-windows-msvc"),
    ],
)
def test_what_does_not_exist_is_said(release: Release, triple: str, reason: str) -> None:
    assert absence(release, parse_target(triple)) == reason
    with pytest.raises(UsageError, match=reason):
        known_interpreter(release.implementation, release.version, parse_target(triple), threaded=release.threaded)


def test_every_release_on_every_target_is_there_or_absent_with_a_reason() -> None:
    assert {release.implementation for release in released_versions()} == set(get_args(Implementation))
    for target in known_triples().values():
        there = known_interpreters(target)
        absent = [release for release in released_versions() if absence(release, target) is not None]
        assert there
        assert len(there) + len(absent) == len(released_versions())
        assert len({(made.python_tag, made.abi_tag) for made in there}) == len(there), target.triple
        assert {made.ext_suffix.rpartition(".")[2] for made in there} == {"pyd" if target.os == "windows" else "so"}
        assert {made.pointer_width for made in there} == {target.pointer_width}


def found(minor: int, triple: str, platform: str, implementation: Implementation = "cpython") -> Interpreter:
    return replace(known(implementation, minor, triple), platform=platform, runnable=True)


PYPY_8 = replace(  # PyPy 8.0 for 3.11, where the table has 7.3
    found(11, GNU, "linux-x86_64", "pypy"), abi_tag="pypy311_pp80", ext_suffix=".pypy311-pp80-x86_64-linux-gnu.so"
)


@pytest.mark.parametrize(
    ("interpreter", "triple", "expected"),
    [
        (found(12, GNU, "linux-x86_64"), GNU, True),
        (found(12, GNU, "linux-x86_64"), "aarch64-unknown-linux-gnu", False),
        (found(12, GNU, "linux-x86_64"), "x86_64-unknown-linux-musl", False),
        (found(12, GNU, "linux-x86_64"), "x86_64-pc-windows-msvc", False),
        (found(9, GNU, "linux-x86_64", "pypy"), GNU, True),
        (found(9, GNU, "linux-x86_64", "pypy"), "aarch64-unknown-linux-gnu", False),
        (PYPY_8, GNU, True),
        (PYPY_8, "aarch64-unknown-linux-gnu", False),
        (found(12, "aarch64-apple-darwin", "macosx-14.0-arm64"), "aarch64-apple-darwin", True),
        (found(12, "aarch64-apple-darwin", "macosx-14.0-arm64"), "x86_64-apple-darwin", False),
        (found(12, "aarch64-apple-darwin", "macosx-10.9-universal2"), "x86_64-apple-darwin", True),
        (found(12, "aarch64-apple-darwin", "macosx-14.0-arm64"), "universal2-apple-darwin", True),
        (found(12, "x86_64-pc-windows-msvc", "win-amd64"), "x86_64-pc-windows-gnu", True),
        (found(12, "x86_64-pc-windows-msvc", "win-amd64"), "i686-pc-windows-msvc", False),
        (found(7, "x86_64-pc-windows-msvc", "win-amd64"), "aarch64-pc-windows-msvc", False),
        (found(12, "x86_64-unknown-freebsd", "freebsd-14.0-RELEASE-amd64"), "x86_64-unknown-freebsd", True),
        (found(12, "x86_64-unknown-freebsd", "freebsd-14.0-RELEASE-amd64"), "aarch64-unknown-freebsd", False),
    ],
)
def test_a_found_interpreter_suits_its_own_platform(interpreter: Interpreter, triple: str, *, expected: bool) -> None:
    assert suits(interpreter, parse_target(triple)) is expected
