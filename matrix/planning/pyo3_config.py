"""The PyO3 configuration file of a build: what PyO3 is told of Python instead of running one.

The text names no path of this machine but one that the user names, and depends only on the Python, the target and
the locked PyO3, so that a lane stays fresh wherever the Python was found. PyO3 up to 0.17 refuses keys that it does
not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from matrix.model import Interpreter, StableAbi, Target
from matrix.platforms.tables import lib_name as lib_name_of

__all__ = ["import_libraries", "pyo3_config", "pyo3_release"]

TARGET_ABI: Final = (0, 29)  # the key ``target_abi``, where older ones have ``abi3``
RAW_DYLIB: Final = (0, 29)  # modules for Windows name the DLL by themselves, where older ones link an import library
EXTENSION_MODULE: Final = (0, 26)  # PYO3_BUILD_EXTENSION_MODULE keeps libpython out, where older ones need a feature

_IMPLEMENTATIONS = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}
_LINKING = frozenset({"windows", "android", "ios", "aix", "cygwin"})  # even extension modules link libpython there


def pyo3_release(version: str) -> tuple[int, int]:
    """Return major and minor of a crate's version: ``(0, 30)`` of ``0.30.1``; ``(0, 0)`` when it is none."""
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def pyo3_config(
    interpreter: Interpreter | None,
    stable: StableAbi | None,
    target: Target,
    version: str,
    lib_dir: str | None = None,
) -> str:
    """Return the text of the file that ``PYO3_CONFIG_FILE`` names.

    Args:
        interpreter: The Python built for; may be ``None`` when a stable ABI is given.
        stable: The stable ABI built for: its floor stands for every Python that it serves.
        target: The platform built for.
        version: Locked version of pyo3 or pyo3-ffi.
        lib_dir: Directory of the libraries to link, when the user names one.

    Raises:
        ValueError: Neither a Python nor a stable ABI is given.
    """
    lines = _lines(interpreter, stable, target, pyo3_release(version))
    text = "".join(f"{key}={value}\n" for key, value in lines)
    return text if lib_dir is None else f"{text}lib_dir={lib_dir}\n"


def import_libraries(
    interpreter: Interpreter | None, stable: StableAbi | None, target: Target, version: str
) -> tuple[str, ...]:
    """Return the names of libraries that a module links and that only an installed Python would bring.

    Args:
        interpreter: The Python built for; may be ``None`` when a stable ABI is given.
        stable: The stable ABI built for.
        target: The platform built for.
        version: Locked version of pyo3 or pyo3-ffi.
    """
    there = interpreter is not None and interpreter.runnable
    if target.os != "windows" or there or pyo3_release(version) >= RAW_DYLIB:
        return ()
    name = _lib_name(interpreter, stable, target)
    return () if name is None else (name,)


def _lines(
    interpreter: Interpreter | None, stable: StableAbi | None, target: Target, pyo3: tuple[int, int]
) -> Iterator[tuple[str, str]]:
    if stable is not None:
        implementation, (major, minor), threaded, debug = "CPython", stable.version, False, False
    elif interpreter is not None:
        implementation = _IMPLEMENTATIONS[interpreter.implementation]
        major, minor = interpreter.version
        threaded, debug = interpreter.free_threaded, "d" in interpreter.abi_flags
    else:
        raise ValueError("a PyO3 configuration needs a Python or a stable ABI")
    yield "implementation", implementation
    yield "version", f"{major}.{minor}"
    yield "shared", "true"
    if pyo3 >= TARGET_ABI:
        kind = stable.kind if stable else "free_threaded" if threaded else "gil_enabled"
        yield "target_abi", f"{implementation}-{kind}-{major}.{minor}"
    else:
        yield "abi3", str(stable is not None).lower()
    lib_name = _lib_name(interpreter, stable, target)
    if lib_name is not None and (target.os == "android" or pyo3 < RAW_DYLIB):
        yield "lib_name", lib_name
    yield "pointer_width", str(target.pointer_width)
    flags = [("Py_DEBUG", debug), ("Py_GIL_DISABLED", threaded)]
    yield "build_flags", ",".join(flag for flag, is_set in flags if is_set)
    silent = pyo3 < EXTENSION_MODULE and target.os not in _LINKING
    yield "suppress_build_script_link_lines", str(silent).lower()


def _lib_name(interpreter: Interpreter | None, stable: StableAbi | None, target: Target) -> str | None:
    """Name libpython where modules are linked with it; elsewhere PyO3 needs no name."""
    if target.os not in {"windows", "android"}:
        return None
    if stable is not None:
        return f"python{stable.version[0]}{'t' * (stable.kind == 'abi3t')}"
    if interpreter is None or interpreter.implementation == "graalpy":
        return None
    windows = target.os == "windows"
    return interpreter.lib_name or lib_name_of(
        interpreter.implementation, interpreter.version, interpreter.abi_flags, windows=windows
    )
