"""The tables against wheels that others published, and against what maturin 1.16 names for targets without a Python.

Each line is a wheel's tag and the module in it: of rpds-py, orjson, pydantic-core and cryptography as they lie on PyPI,
and of a pyo3-ffi module that maturin 1.16.0 built with ``--target``.
"""

from __future__ import annotations

import pytest

from matrix.model import Implementation
from matrix.platforms import known_interpreter, parse_target, platform_tags
from matrix.platforms.compatibility import parse_compatibility

IMPLEMENTATIONS: dict[str, Implementation] = {"cp": "cpython", "pp": "pypy"}
TRIPLES = {
    "linux_aarch64": "aarch64-unknown-linux-gnu",
    "linux_armv7l": "armv7-unknown-linux-gnueabihf",
    "linux_ppc64le": "powerpc64le-unknown-linux-gnu",
    "macosx_10_12_x86_64": "x86_64-apple-darwin",
    "macosx_11_0_arm64": "aarch64-apple-darwin",
    "manylinux_2_17_aarch64": "aarch64-unknown-linux-gnu",
    "manylinux_2_17_armv7l": "armv7-unknown-linux-gnueabihf",
    "manylinux_2_17_i686": "i686-unknown-linux-gnu",
    "manylinux_2_17_ppc64le": "powerpc64le-unknown-linux-gnu",
    "manylinux_2_17_s390x": "s390x-unknown-linux-gnu",
    "musllinux_1_2_aarch64": "aarch64-unknown-linux-musl",
    "musllinux_1_2_armv7l": "armv7-unknown-linux-musleabihf",
    "musllinux_1_2_i686": "i686-unknown-linux-musl",
    "musllinux_1_2_x86_64": "x86_64-unknown-linux-musl",
    "win32": "i686-pc-windows-msvc",
    "win_amd64": "x86_64-pc-windows-msvc",
    "win_arm64": "aarch64-pc-windows-msvc",
}


@pytest.mark.parametrize(
    "line",
    [
        # from PyPI
        "cp37-cp37m-musllinux_1_2_x86_64 .cpython-37m-x86_64-linux-gnu.so",
        "cp38-cp38-musllinux_1_2_x86_64 .cpython-38-x86_64-linux-gnu.so",
        "cp310-cp310-musllinux_1_2_x86_64 .cpython-310-x86_64-linux-gnu.so",
        "cp310-cp310-musllinux_1_2_armv7l .cpython-310-arm-linux-gnueabihf.so",
        "cp312-cp312-musllinux_1_2_armv7l .cpython-312-arm-linux-musleabihf.so",
        "cp312-cp312-musllinux_1_2_i686 .cpython-312-i386-linux-musl.so",
        "cp312-cp312-musllinux_1_2_x86_64 .cpython-312-x86_64-linux-musl.so",
        "cp314-cp314t-musllinux_1_2_aarch64 .cpython-314t-aarch64-linux-musl.so",
        "cp312-cp312-manylinux_2_17_armv7l .cpython-312-arm-linux-gnueabihf.so",
        "cp312-cp312-manylinux_2_17_ppc64le .cpython-312-powerpc64le-linux-gnu.so",
        "cp314-cp314t-manylinux_2_17_s390x .cpython-314t-s390x-linux-gnu.so",
        "cp314-cp314t-macosx_11_0_arm64 .cpython-314t-darwin.so",
        "cp312-cp312-win32 .cp312-win32.pyd",
        "cp312-cp312-win_arm64 .cp312-win_arm64.pyd",
        "cp314-cp314t-win_amd64 .cp314t-win_amd64.pyd",
        "pp39-pypy39_pp73-manylinux_2_17_ppc64le .pypy39-pp73-ppc_64-linux-gnu.so",
        "pp39-pypy39_pp73-musllinux_1_2_i686 .pypy39-pp73-x86-linux-gnu.so",
        "pp39-pypy39_pp73-win_amd64 .pypy39-pp73-win_amd64.pyd",
        "pp311-pypy311_pp73-macosx_10_12_x86_64 .pypy311-pp73-darwin.so",
        "pp311-pypy311_pp73-macosx_11_0_arm64 .pypy311-pp73-darwin.so",
        "pp311-pypy311_pp73-manylinux_2_17_aarch64 .pypy311-pp73-aarch64-linux-gnu.so",
        "pp311-pypy311_pp73-manylinux_2_17_i686 .pypy311-pp73-x86-linux-gnu.so",
        "pp311-pypy311_pp73-musllinux_1_2_x86_64 .pypy311-pp73-x86_64-linux-gnu.so",
        "pp312-pypy312_pp80-macosx_11_0_arm64 .pypy312-pp80-darwin.so",
        # from maturin 1.16.0
        "cp39-cp39-macosx_11_0_arm64 .cpython-39-darwin.so",
        "cp39-cp39-linux_aarch64 .cpython-39-aarch64-linux-gnu.so",
        "cp315-cp315-linux_armv7l .cpython-315-arm-linux-gnueabihf.so",
        "cp315-cp315t-linux_ppc64le .cpython-315t-powerpc64le-linux-gnu.so",
        "pp311-pypy311_pp73-linux_armv7l .pypy311-pp73-arm-linux-gnu.so",
        "pp312-pypy312_pp80-linux_ppc64le .pypy312-pp80-ppc_64-linux-gnu.so",
        "pp312-pypy312_pp80-linux_aarch64 .pypy312-pp80-aarch64-linux-gnu.so",
    ],
)
def test_others_call_it_the_same(line: str) -> None:
    tag, suffix = line.split()
    python, abi, platform = tag.split("-")
    target = parse_target(TRIPLES[platform])
    version = (int(python[2]), int(python[3:]))
    known = known_interpreter(IMPLEMENTATIONS[python[:2]], version, target, threaded=abi.endswith("t"))
    assert (known.python_tag, known.abi_tag, known.ext_suffix) == (python, abi, suffix)
    level = parse_compatibility(platform.removesuffix(f"_{target.machine}") if "linux_" in platform else "linux")
    assert not isinstance(level, str)
    assert platform in platform_tags(target, level, {})
