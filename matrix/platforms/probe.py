"""What a Python is asked about itself, and what its answer means."""

from __future__ import annotations

import re
from pathlib import PurePath

import msgspec

from matrix.model import Implementation, Interpreter
from matrix.platforms.tables import OLDEST, lib_name

__all__ = ["SCRIPT", "Answer", "interpreter_of", "lib_dir_of", "read_answer"]

SCRIPT = """
import json, os, sys
import sysconfig
get = sysconfig.get_config_var
base = getattr(sys, "base_prefix", sys.prefix)
told = {
    "executable": sys.executable or "",
    "implementation": getattr(getattr(sys, "implementation", None), "name", "cpython"),
    "version": list(sys.version_info[:3]),
    "level": sys.version_info[3] + ":" + str(sys.version_info[4]),
    "abi_flags": getattr(sys, "abiflags", ""),
    "ext_suffix": get("EXT_SUFFIX") or get("SO") or "",
    "shared": bool(get("Py_ENABLE_SHARED") or get("PYTHONFRAMEWORK") or os.path.isdir(base + "/conda-meta")),
    "threaded": bool(get("Py_GIL_DISABLED")),
    "debug": bool(get("Py_DEBUG")) or hasattr(sys, "gettotalrefcount"),
    "pointer_width": 64 if sys.maxsize > 2 ** 32 else 32,
    "platform": sysconfig.get_platform(),
    "base_prefix": base,
    "lib_dir": get("LIBDIR") or "",
}
print("wheelmatrix " + json.dumps(told))
"""
"""Runs on every Python since 2.7, without ``site``; one line of its output is the answer."""

_MARK = "wheelmatrix "
_SUFFIX = re.compile(r"\.(?:([\w-]+)\.)?(?:so|pyd)", re.ASCII)
_LEVELS = {"alpha": "a", "beta": "b", "candidate": "rc"}
_SUPPORTED: dict[str, Implementation] = {"cpython": "cpython", "pypy": "pypy", "graalpy": "graalpy"}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an executable said of itself; strings as ``sys`` and ``sysconfig`` give them."""

    executable: str
    implementation: str
    version: tuple[int, int, int]
    level: str
    abi_flags: str
    ext_suffix: str
    shared: bool
    threaded: bool
    debug: bool
    pointer_width: int
    platform: str
    base_prefix: str
    lib_dir: str

    @property
    def full_version(self) -> str:
        """The version as PEP 440 writes it: ``3.12.1``, ``3.15.0rc1``."""
        name, _, serial = self.level.partition(":")
        tail = f"{_LEVELS[name]}{serial}" if name in _LEVELS else ""
        return ".".join(map(str, self.version)) + tail


def read_answer(output: str) -> Answer | None:
    """Return the answer in what a process printed, or ``None`` when there is none in it."""
    for line in reversed(output.splitlines()):
        if line.startswith(_MARK):
            try:
                return msgspec.json.decode(line[len(_MARK) :], type=Answer)
            except (msgspec.DecodeError, UnicodeError):
                return None
    return None


def interpreter_of(answer: Answer) -> Interpreter | str:
    """Return the interpreter that gave an answer, or the reason why no wheels can be made for it."""
    implementation = _SUPPORTED.get(answer.implementation.lower())
    if implementation is None:
        return f"{answer.implementation} is no Python that wheels are made for"
    version = answer.version[:2]
    if version < OLDEST:
        return f"Python {answer.full_version} is not supported; {OLDEST[0]}.{OLDEST[1]} is the oldest"
    suffix = _SUFFIX.fullmatch(answer.ext_suffix)
    soabi = suffix[1] or "" if suffix else ""
    if suffix is None or (implementation != "cpython" and not soabi.startswith(implementation)):
        return f"it says that extension modules end in {answer.ext_suffix!r}"
    flags = _abi_flags(answer) if implementation == "cpython" else ""
    windows = answer.platform.startswith(("win", "mingw"))
    python_tag, abi_tag = _tags(implementation, version, flags, soabi)
    return Interpreter(
        implementation=implementation,
        version=version,
        abi_flags=flags,
        python_tag=python_tag,
        abi_tag=abi_tag,
        ext_suffix=answer.ext_suffix,
        pointer_width=answer.pointer_width,
        shared=answer.shared or windows or implementation != "cpython",
        lib_name=lib_name(implementation, version, flags, windows=answer.platform.startswith("win")),
        full_version=answer.full_version,
        platform=answer.platform,
        runnable=True,
    )


def lib_dir_of(answer: Answer) -> str | None:
    """Return the directory that holds libpython, or on Windows its import library; ``None`` when not told."""
    if answer.platform.startswith("win") and answer.base_prefix:
        return str(PurePath(answer.base_prefix) / "libs")
    return answer.lib_dir or None


def _abi_flags(answer: Answer) -> str:
    """Return ``sys.abiflags``, or what it would be where Python has none (Windows before 3.14)."""
    if answer.abi_flags or not answer.platform.startswith("win"):
        return answer.abi_flags
    letters = {"t": answer.threaded, "d": answer.debug, "m": answer.version < (3, 8)}
    return "".join(letter for letter, present in letters.items() if present)


def _tags(implementation: Implementation, version: tuple[int, int], flags: str, soabi: str) -> tuple[str, str]:
    """Return python and ABI tag; the ABI of PyPy and GraalPy stands at the head of their suffix."""
    number = f"{version[0]}{version[1]}"
    if implementation == "cpython":
        return f"cp{number}", f"cp{number}{flags}"
    if implementation == "pypy":
        return f"pp{number}", "_".join(soabi.split("-")[:2])
    return f"graalpy{number}", "_".join(soabi.split("-")[:3])
