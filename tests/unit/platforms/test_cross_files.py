"""Files of a foreign Python are read and never run; what they say becomes an interpreter."""

from __future__ import annotations

import json
import re
import sys
import sysconfig
from pathlib import Path
from pprint import pformat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ConfigError
from matrix.platforms import known_interpreter, parse_target
from matrix.platforms.cross_files import CrossPython, foreign, read_build_details, read_sysconfigdata
from matrix.platforms.cross_search import find_cross_files

AARCH64 = {
    "ABIFLAGS": "",
    "EXT_SUFFIX": ".cpython-311-aarch64-linux-gnu.so",
    "HOST_GNU_TYPE": "aarch64-unknown-linux-gnu",
    "LDVERSION": "3.11",
    "MACHDEP": "linux",
    "MULTIARCH": "aarch64-linux-gnu",
    "Py_ENABLE_SHARED": 1,
    "SIZEOF_VOID_P": 8,
    "SOABI": "cpython-311-aarch64-linux-gnu",
    "VERSION": "3.11",
}
DETAILS: dict[str, Any] = {  # as PEP 739 shows it
    "schema_version": "1.0",
    "base_prefix": "/usr",
    "base_interpreter": "/usr/bin/python",
    "platform": "linux-x86_64",
    "language": {
        "version": "3.14",
        "version_info": {"major": 3, "minor": 14, "micro": 0, "releaselevel": "alpha", "serial": 0},
    },
    "implementation": {
        "name": "cpython",
        "version": {"major": 3, "minor": 14, "micro": 0, "releaselevel": "alpha", "serial": 0},
        "hexversion": 51249312,
        "cache_tag": "cpython-314",
        "_multiarch": "x86_64-linux-gnu",
    },
    "abi": {
        "flags": ["t"],
        "extension_suffix": ".cpython-314t-x86_64-linux-gnu.so",
        "stable_abi_suffix": ".abi3.so",
    },
    "suffixes": {"source": [".py"], "extensions": [".cpython-314t-x86_64-linux-gnu.so", ".abi3.so", ".so"]},
    "libpython": {
        "dynamic": "/usr/lib/libpython3.14t.so.1.0",
        "static": "/usr/lib/python3.14/config-3.14-x86_64-linux-gnu/libpython3.14.a",
        "link_extensions": True,
    },
}


def module(**values: object) -> str:
    return f"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {pformat(values)}\n"


def data(**changes: object) -> CrossPython:
    return read_sysconfigdata(module(**{**AARCH64, **changes}), "data.py")


def details(**changes: object) -> CrossPython:
    return read_build_details(json.dumps({**DETAILS, **changes}), "build-details.json")


def test_sysconfigdata_says_what_the_table_says() -> None:
    told = data()
    known = known_interpreter("cpython", (3, 11), parse_target("aarch64-unknown-linux-gnu"))
    for field in ("id", "version", "abi_flags", "abi_tag", "ext_suffix", "pointer_width", "lib_name", "shared"):
        assert getattr(told.interpreter, field) == getattr(known, field), field
    assert not told.interpreter.runnable
    assert told.interpreter.full_version == ""
    assert (told.system, told.arches, told.libc) == ("linux", ("aarch64",), "gnu")


def test_build_details_say_more() -> None:
    told = details()
    known = known_interpreter("cpython", (3, 14), parse_target("x86_64-unknown-linux-gnu"), threaded=True)
    for field in ("id", "version", "abi_flags", "abi_tag", "ext_suffix", "pointer_width", "lib_name", "shared"):
        assert getattr(told.interpreter, field) == getattr(known, field), field
    assert told.interpreter.full_version == "3.14.0a0"
    assert told.interpreter.free_threaded
    assert (told.system, told.arches, told.libc) == ("linux", ("x86_64",), "gnu")


def test_what_build_details_may_leave_out() -> None:
    short = details(
        language={"version": "3.14"},
        implementation={"name": "cpython", "version": {}},
        libpython=None,
        abi={"flags": [], "extension_suffix": ".cpython-314-darwin.so"},
        platform="macosx-11.0-universal2",
    )
    assert (short.interpreter.full_version, short.interpreter.lib_name) == ("", "python3.14")
    assert (short.system, short.arches, short.libc) == ("macos", ("x86_64", "aarch64"), "")
    windows = details(
        abi={"flags": [], "extension_suffix": ".cp314-win_amd64.pyd"},
        implementation={"name": "cpython", "version": {}},
        libpython={"dynamic": "python314.dll"},
        platform="win-amd64",
    )
    assert (windows.interpreter.lib_name, windows.interpreter.pointer_width) == ("python314", 64)
    assert foreign(windows, parse_target("x86_64-pc-windows-gnu")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads the file of a CPython on Linux")
def test_the_file_of_this_python_says_what_this_python_is() -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    files = find_cross_files(folder)
    assert not files.faults
    said = {one.interpreter.ext_suffix for one in files.pythons}
    assert said == {sysconfig.get_config_var("EXT_SUFFIX")}
    assert {one.interpreter.version for one in files.pythons} == {sys.version_info[:2]}
    from_prefix = find_cross_files(folder.parent.parent)  # a prefix does as well as its lib directory
    assert {one.interpreter for one in files.pythons} <= {one.interpreter for one in from_prefix.pythons}


@pytest.mark.parametrize(
    ("changes", "triple", "about"),
    [
        ({}, "x86_64-unknown-linux-gnu", "aarch64 linux gnu"),
        ({}, "aarch64-unknown-linux-musl", "aarch64 linux gnu"),
        ({}, "aarch64-apple-darwin", "aarch64 linux gnu"),
        ({}, "aarch64-unknown-linux-gnu", None),
        ({"HOST_GNU_TYPE": "aarch64-alpine-linux-musl"}, "aarch64-unknown-linux-musl", None),
        ({"HOST_GNU_TYPE": "aarch64-alpine-linux-musl"}, "aarch64-unknown-linux-gnu", "aarch64 linux musl"),
        ({"HOST_GNU_TYPE": "armv8l-linux-gnueabihf", "SIZEOF_VOID_P": 4}, "armv7-unknown-linux-gnueabihf", None),
        ({"HOST_GNU_TYPE": "i686-pc-linux-gnu", "SIZEOF_VOID_P": 4}, "i686-unknown-linux-gnu", None),
        ({"HOST_GNU_TYPE": "powerpc64le-unknown-linux-gnu"}, "powerpc64le-unknown-linux-gnu", None),
        ({"HOST_GNU_TYPE": "aarch64-apple-darwin23", "MACHDEP": "darwin"}, "aarch64-apple-darwin", None),
        ({"HOST_GNU_TYPE": "aarch64-apple-darwin23", "MACHDEP": "darwin"}, "x86_64-apple-darwin", "aarch64 macos"),
        (
            {
                "HOST_GNU_TYPE": "aarch64-apple-darwin23", "MACHDEP": "darwin",
                "UNIVERSAL_ARCH_FLAGS": "-arch arm64 -arch x86_64",
            },
            "x86_64-apple-darwin", None,
        ),
        ({"HOST_GNU_TYPE": "aarch64-apple-darwin23", "MACHDEP": "darwin"}, "universal2-apple-darwin", None),
        ({"HOST_GNU_TYPE": "aarch64-unknown-linux-android"}, "aarch64-linux-android", None),
        ({"HOST_GNU_TYPE": "", "MULTIARCH": ""}, "aarch64-unknown-linux-gnu", None),  # it does not tell
        ({"SIZEOF_VOID_P": 4}, "aarch64-unknown-linux-gnu", "aarch64 linux gnu"),
    ],
)  # fmt: skip
def test_for_which_targets_a_file_speaks(changes: dict[str, object], triple: str, about: str | None) -> None:
    assert foreign(data(**changes), parse_target(triple)) == about


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "assigns no build_time_vars"),
        ("build_time_vars = [1]", "assigns no build_time_vars"),
        ("build_time_vars = {", "cannot be read as Python"),
        ("x = '\0'", "cannot be read as Python"),
        ("import os\nbuild_time_vars = {'VERSION': os.name}", "is computed, so it cannot be known without running"),
        (module(**{**AARCH64, "VERSION": "three"}), "VERSION is 'three'"),
        (module(**{**AARCH64, "VERSION": 3}), "VERSION is ''"),
        (module(**{**AARCH64, "VERSION": "3.6"}), "3.6.0 is not supported"),
        (module(**{**AARCH64, "EXT_SUFFIX": "x"}), "extension modules end in 'x'"),
    ],
)
def test_a_module_that_does_not_tell(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^data.py: .*{re.escape(message)}"):
        read_sysconfigdata(text, "data.py")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": "2.0"}, "schema_version '2.0' is not known"),
        ({"schema_version": 1}, "Expected `str`"),
        ({"language": {}}, "language"),
        ({"language": {"version": "3"}}, "language.version is '3'"),
        ({"abi": None}, "abi.extension_suffix is not there"),
        ({"implementation": {"name": "micropython"}}, "micropython is no Python that wheels are made for"),
    ],
)
def test_details_that_do_not_tell(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^build-details.json: .*{re.escape(message)}"):
        details(**changes)


def test_nothing_of_a_module_runs(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    text = f"open({str(trace)!r}, 'w')\nbuild_time_vars = {AARCH64!r}\n"
    assert read_sysconfigdata(text, "data.py").interpreter.version == (3, 11)
    assert not trace.exists()


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())))
def test_more_in_a_module_changes_nothing(more: dict[str, object]) -> None:
    values = {**{key: value for key, value in more.items() if key not in {"PYTHONFRAMEWORK", "Py_GIL_DISABLED"}}}
    assert data(**{**values, **AARCH64}) == data()


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")), st.booleans())
def test_any_text_is_read_or_refused(text: str, assigned: bool) -> None:
    for read in (read_sysconfigdata, read_build_details):
        with pytest.raises(ConfigError, match=r"^file"):
            read(f"build_time_vars = {text}" if assigned else text, "file")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(DETAILS)), inner),
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^file"):
        read_build_details(json.dumps(value), "file")


def test_files_are_found_where_installations_keep_them(tmp_path: Path) -> None:
    stdlib = tmp_path / "usr" / "lib" / "python3.11"
    stdlib.mkdir(parents=True)
    (stdlib / "_sysconfigdata__aarch64-linux-gnu.py").write_text(module(**AARCH64))
    (stdlib / "_sysconfigdata__linux_aarch64-linux-gnu.py").symlink_to("_sysconfigdata__aarch64-linux-gnu.py")
    (stdlib / "_sysconfigdata_broken.py").write_text("x")
    newer = tmp_path / "usr" / "lib" / "python3.14t"
    newer.mkdir()
    (newer / "build-details.json").write_text(json.dumps(DETAILS))
    (newer / "site-packages").mkdir()
    (newer / "site-packages" / "build-details.json").write_text("not looked at")
    (stdlib / "lib").symlink_to(tmp_path / "usr")  # in a circle
    files = find_cross_files(tmp_path / "usr")
    assert {one.interpreter.id for one in files.pythons} == {"cp311", "cp314t"}
    assert "lib/python3.14t/build-details.json" in {one.file for one in files.pythons}
    assert any("_sysconfigdata_broken.py: assigns no build_time_vars" in fault for fault in files.faults)
    alone = find_cross_files(newer / "build-details.json")
    assert [one.file for one in alone.pythons] == ["build-details.json"]
    assert alone.directory == str(newer)
    assert find_cross_files(tmp_path / "nowhere").missing == "there is no such directory"
    assert find_cross_files(stdlib / "lib" / "nothing").pythons == ()
