from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from matrix.model import Interpreter
from matrix.platforms.probe import SCRIPT, Answer, interpreter_of, lib_dir_of, read_answer

LINUX = Answer(
    executable="/usr/bin/python3.12",
    implementation="cpython",
    version=(3, 12, 1),
    level="final:0",
    abi_flags="",
    ext_suffix=".cpython-312-x86_64-linux-gnu.so",
    shared=True,
    threaded=False,
    debug=False,
    pointer_width=64,
    platform="linux-x86_64",
    base_prefix="/usr",
    lib_dir="/usr/lib",
)


def interpreter(**changes: Any) -> Interpreter:
    made = interpreter_of(replace(LINUX, **changes))
    assert isinstance(made, Interpreter), made
    return made


def test_an_answer_becomes_an_interpreter() -> None:
    assert interpreter() == Interpreter(
        implementation="cpython",
        version=(3, 12),
        python_tag="cp312",
        abi_tag="cp312",
        ext_suffix=".cpython-312-x86_64-linux-gnu.so",
        lib_name="python3.12",
        full_version="3.12.1",
        platform="linux-x86_64",
        runnable=True,
    )


@pytest.mark.parametrize(
    ("changes", "tag", "library", "full"),
    [
        (
            {"version": (3, 7, 16), "abi_flags": "m", "ext_suffix": ".cpython-37m-x86_64-linux-gnu.so"},
            "cp37-cp37m", "python3.7m", "3.7.16",
        ),
        (
            {
                "version": (3, 14, 0), "level": "candidate:2", "abi_flags": "t", "threaded": True,
                "ext_suffix": ".cpython-314t-x86_64-linux-gnu.so",
            },
            "cp314-cp314t", "python3.14t", "3.14.0rc2",
        ),
        (
            {"abi_flags": "d", "debug": True, "ext_suffix": ".cpython-312d-x86_64-linux-gnu.so"},
            "cp312-cp312d", "python3.12d", "3.12.1",
        ),
        (
            {"platform": "win-amd64", "ext_suffix": ".cp312-win_amd64.pyd", "lib_dir": "", "shared": False},
            "cp312-cp312", "python312", "3.12.1",
        ),
        (
            {"version": (3, 13, 1), "threaded": True, "platform": "win-amd64", "ext_suffix": ".cp313t-win_amd64.pyd"},
            "cp313-cp313t", "python313t", "3.13.1",
        ),
        (
            {"version": (3, 7, 9), "platform": "win-amd64", "ext_suffix": ".pyd"},
            "cp37-cp37m", "python37", "3.7.9",
        ),
        (
            {"implementation": "pypy", "version": (3, 11, 13), "ext_suffix": ".pypy311-pp73-x86_64-linux-gnu.so"},
            "pp311-pypy311_pp73", "pypy3.11-c", "3.11.13",
        ),
        (
            {
                "implementation": "graalpy", "version": (3, 12, 8),
                "ext_suffix": ".graalpy250-312-native-x86_64-linux.so",
            },
            "graalpy312-graalpy250_312_native", "python-native", "3.12.8",
        ),
    ],
)  # fmt: skip
def test_tags_and_library(changes: dict[str, Any], tag: str, library: str, full: str) -> None:
    made = interpreter(**changes)
    assert f"{made.python_tag}-{made.abi_tag}" == tag
    assert (made.lib_name, made.full_version, made.shared) == (library, full, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": (2, 7, 18)}, "Python 2.7.18 is not supported; 3.7 is the oldest"),
        ({"version": (3, 6, 15)}, "Python 3.6.15 is not supported; 3.7 is the oldest"),
        ({"implementation": "rustpython"}, "rustpython is no Python that wheels are made for"),
        ({"ext_suffix": ""}, "it says that extension modules end in ''"),
        ({"ext_suffix": "so"}, "it says that extension modules end in 'so'"),
        ({"ext_suffix": "./../x.so"}, "it says that extension modules end in './../x.so'"),
        ({"implementation": "pypy", "ext_suffix": ".so"}, "it says that extension modules end in '.so'"),
    ],
)
def test_what_no_wheel_can_be_made_for(changes: dict[str, Any], reason: str) -> None:
    assert interpreter_of(replace(LINUX, **changes)) == reason


def test_a_library_directory() -> None:
    assert lib_dir_of(LINUX) == "/usr/lib"
    assert lib_dir_of(replace(LINUX, lib_dir="")) is None
    assert lib_dir_of(replace(LINUX, platform="win-amd64", base_prefix="C:/Python312")) in {
        "C:/Python312/libs",
        r"C:\Python312\libs",
    }


def test_the_script_tells_the_truth_about_this_python() -> None:
    said = subprocess.run([sys.executable, "-I", "-S", "-c", SCRIPT], capture_output=True, text=True, check=True)
    answer = read_answer(said.stdout)
    assert answer is not None
    assert answer.version == sys.version_info[:3]
    assert answer.implementation == sys.implementation.name
    assert answer.base_prefix == sys.base_prefix
    made = interpreter_of(answer)
    assert isinstance(made, Interpreter)
    assert made.full_version == ".".join(map(str, sys.version_info[:3])) or sys.version_info[3] != "final"


def told(**changes: Any) -> str:
    import msgspec

    values = {**json.loads(msgspec.json.encode(LINUX)), **changes}
    return "wheelmatrix " + json.dumps(values)


def test_the_answer_is_found_between_other_lines() -> None:
    assert read_answer(f"Welcome!\n{told()}\nbye\n") == LINUX


@pytest.mark.parametrize(
    "output",
    ["", "3.12.1\n", "wheelmatrix ", "wheelmatrix {}", told(version=[3, 12]), told(pointer_width="64"), told()[:-5]],
)
def test_what_is_no_answer_is_none(output: str) -> None:
    assert read_answer(output) is None


@given(st.text(), st.text())
def test_any_output_is_an_answer_or_none(before: str, after: str) -> None:
    assert read_answer(before + after) is None or "wheelmatrix" in before + after
    read_answer(f"{before}\nwheelmatrix {after}")
    read_answer("wheelmatrix " + '{"executable":' * 500 + after)


@given(
    st.builds(
        Answer,
        executable=st.text(),
        implementation=st.sampled_from(["cpython", "pypy", "graalpy", "CPython", "jython"]),
        version=st.tuples(*[st.integers(0, 99)] * 3),
        level=st.text(max_size=12),
        abi_flags=st.text(max_size=3),
        ext_suffix=st.text(max_size=20) | st.from_regex(r"(\.[a-z0-9-]{0,20}){0,3}\.(so|pyd)", fullmatch=True),
        shared=st.booleans(),
        threaded=st.booleans(),
        debug=st.booleans(),
        pointer_width=st.integers(),
        platform=st.sampled_from(["linux-x86_64", "win-amd64", "macosx-11.0-arm64", "", "mingw"]),
        base_prefix=st.text(),
        lib_dir=st.text(),
    ),
)
def test_any_answer_is_an_interpreter_or_a_reason(answer: Answer) -> None:
    made = interpreter_of(answer)
    if isinstance(made, str):
        assert made
    else:
        assert made.version >= (3, 7)
        assert made.runnable
    lib_dir_of(answer)
