"""The PyO3 configuration file names the keys that the locked PyO3 knows, and nothing of this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.model import Interpreter, StableAbi, Target
from matrix.planning.pyo3_config import import_libraries, pyo3_config, pyo3_release

LINUX = Target(
    triple="x86_64-unknown-linux-gnu", arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64
)
WINDOWS32 = Target(
    triple="i686-pc-windows-msvc", arch="i686", os="windows", libc="msvc", machine="32", pointer_width=32
)
ANDROID = Target(
    triple="aarch64-linux-android", arch="aarch64", os="android", libc="", machine="arm64_v8a", pointer_width=64
)
CP312 = Interpreter(
    implementation="cpython", version=(3, 12), python_tag="cp312", abi_tag="cp312", ext_suffix=".so", shared=False
)
CP314T = Interpreter(
    implementation="cpython", version=(3, 14), abi_flags="t", python_tag="cp314", abi_tag="cp314t", ext_suffix=".so"
)
PP311 = Interpreter(
    implementation="pypy", version=(3, 11), python_tag="pp311", abi_tag="pypy311_pp73", ext_suffix=".so"
)
ABI3 = StableAbi(kind="abi3", version=(3, 9))
ABI3T = StableAbi(kind="abi3t", version=(3, 15))
KEYS_OF_0_16 = {
    "implementation",
    "version",
    "shared",
    "abi3",
    "lib_name",
    "lib_dir",
    "executable",
    "pointer_width",
    "build_flags",
    "suppress_build_script_link_lines",
    "extra_build_script_line",
}


def read(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_today() -> None:
    assert pyo3_config(CP312, None, LINUX, "0.30.1") == (
        "implementation=CPython\n"
        "version=3.12\n"
        "shared=true\n"
        "target_abi=CPython-gil_enabled-3.12\n"
        "pointer_width=64\n"
        "build_flags=\n"
        "suppress_build_script_link_lines=false\n"
    )


@pytest.mark.parametrize(
    ("interpreter", "stable", "target_abi"),
    [
        (CP312, None, "CPython-gil_enabled-3.12"),
        (CP314T, None, "CPython-free_threaded-3.14"),
        (PP311, None, "PyPy-gil_enabled-3.11"),
        (CP312, ABI3, "CPython-abi3-3.9"),
        (None, ABI3, "CPython-abi3-3.9"),
        (CP314T, ABI3T, "CPython-abi3t-3.15"),
    ],
)
def test_target_abi(interpreter: Interpreter | None, stable: StableAbi | None, target_abi: str) -> None:
    values = read(pyo3_config(interpreter, stable, LINUX, "0.29.0"))
    assert values["target_abi"] == target_abi
    assert "abi3" not in values
    assert values["version"] == target_abi.rsplit("-", 1)[1]


@pytest.mark.parametrize("version", ["0.16.6", "0.20.3", "0.23.5", "0.26.0", "0.27.2", "0.28.2"])
def test_older_releases_have_abi3_instead(version: str) -> None:
    assert read(pyo3_config(CP312, None, LINUX, version))["abi3"] == "false"
    stable = read(pyo3_config(CP312, ABI3, LINUX, version))
    assert stable["abi3"] == "true"
    assert stable["version"] == "3.9"
    assert set(stable) <= KEYS_OF_0_16


def test_free_threading_is_a_build_flag() -> None:
    assert read(pyo3_config(CP314T, None, LINUX, "0.26.0"))["build_flags"] == "Py_GIL_DISABLED"


def test_a_module_never_links_libpython_where_it_need_not() -> None:
    lines = "suppress_build_script_link_lines"
    assert read(pyo3_config(CP312, None, LINUX, "0.25.1"))[lines] == "true"  # no PYO3_BUILD_EXTENSION_MODULE yet
    assert read(pyo3_config(CP312, None, LINUX, "0.26.0"))[lines] == "false"
    assert read(pyo3_config(CP312, None, WINDOWS32, "0.25.1"))[lines] == "false"


def test_library_names_where_modules_are_linked() -> None:
    assert read(pyo3_config(CP312, None, WINDOWS32, "0.28.0"))["lib_name"] == "python312"
    assert read(pyo3_config(CP314T, None, WINDOWS32, "0.28.0"))["lib_name"] == "python314t"
    assert read(pyo3_config(CP312, ABI3, WINDOWS32, "0.28.0"))["lib_name"] == "python3"
    assert "lib_name" not in read(pyo3_config(CP312, None, WINDOWS32, "0.30.1"))  # raw-dylib knows
    assert read(pyo3_config(PP311, None, WINDOWS32, "0.28.0"))["lib_name"] == "libpypy3.11-c"
    mingw = replace(CP312, lib_name="python3.12")  # as its files call it
    assert read(pyo3_config(mingw, None, WINDOWS32, "0.28.0"))["lib_name"] == "python3.12"
    assert read(pyo3_config(CP312, None, ANDROID, "0.30.1"))["lib_name"] == "python3.12"
    assert read(pyo3_config(None, ABI3, ANDROID, "0.30.1"))["lib_name"] == "python3"


def test_which_libraries_must_be_made_for_windows() -> None:
    assert import_libraries(CP312, None, WINDOWS32, "0.28.3") == ("python312",)
    assert import_libraries(CP314T, None, WINDOWS32, "0.28.3") == ("python314t",)
    assert import_libraries(CP312, ABI3, WINDOWS32, "0.16.6") == ("python3",)
    assert import_libraries(None, ABI3, WINDOWS32, "0.16.6") == ("python3",)
    assert import_libraries(PP311, None, WINDOWS32, "0.28.3") == ("libpypy3.11-c",)
    assert import_libraries(CP312, None, WINDOWS32, "0.29.0") == ()  # raw-dylib
    assert import_libraries(CP312, None, LINUX, "0.28.3") == ()
    assert import_libraries(CP312, None, ANDROID, "0.28.3") == ()
    assert import_libraries(replace(CP312, runnable=True), None, WINDOWS32, "0.28.3") == ()  # it brings its own


def test_a_directory_of_libraries_is_named_when_the_user_names_one() -> None:
    assert read(pyo3_config(CP312, None, WINDOWS32, "0.28.0", "/py/libs"))["lib_dir"] == "/py/libs"
    assert "lib_dir" not in read(pyo3_config(CP312, None, WINDOWS32, "0.28.0"))


def test_pointer_width_is_the_targets() -> None:
    assert read(pyo3_config(CP312, None, WINDOWS32, "0.30.1"))["pointer_width"] == "32"


def test_something_to_build_for_is_needed() -> None:
    with pytest.raises(ValueError, match="needs a Python or a stable ABI"):
        pyo3_config(None, None, LINUX, "0.30.1")


@given(st.booleans(), st.booleans(), st.sampled_from(["", "3.12.1"]))
def test_where_the_python_was_found_changes_nothing(shared: bool, runnable: bool, full: str) -> None:
    found = Interpreter(
        implementation="cpython",
        version=(3, 12),
        python_tag="cp312",
        abi_tag="cp312",
        ext_suffix=".so",
        shared=shared,
        runnable=runnable,
        full_version=full,
        lib_name="python3.12",
    )
    assert pyo3_config(found, None, LINUX, "0.30.1") == pyo3_config(CP312, None, LINUX, "0.30.1")


@pytest.mark.parametrize(
    ("text", "release"), [("0.30.1", (0, 30)), ("0.16.5", (0, 16)), ("1.2.3-beta", (1, 2)), ("", (0, 0))]
)
def test_release_of_a_crate_version(text: str, release: tuple[int, int]) -> None:
    assert pyo3_release(text) == release
