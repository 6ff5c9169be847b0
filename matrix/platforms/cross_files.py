"""What files of a foreign Python say of it, read and never run: ``_sysconfigdata*.py`` and ``build-details.json``.

The first is CPython's record of how it was built, a module that assigns one literal; the second is PEP 739's,
from Python 3.14 on.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Mapping, Sequence

import msgspec

from matrix.errors import ConfigError
from matrix.model import Interpreter, Target
from matrix.platforms.probe import Answer, interpreter_of

__all__ = ["CROSS_VARIABLES", "CrossFiles", "CrossPython", "foreign", "read_build_details", "read_sysconfigdata"]

CROSS_VARIABLES = (
    "PYO3_CROSS_LIB_DIR",
    "PYO3_CROSS_PYTHON_VERSION",
    "PYO3_CROSS_PYTHON_IMPLEMENTATION",
    "_PYTHON_SYSCONFIGDATA_NAME",
)
"""The variables by which a user tells PyO3 and maturin of a foreign Python."""

_ARCHES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "x86": "i386",
    "ppc64": "powerpc64",
    "ppc64le": "powerpc64le",
    "riscv64gc": "riscv64",
    "32": "i386",
}
_SYSTEMS = {"darwin": "macos", "macosx": "macos", "win": "windows", "mingw": "windows"}
_LIBRARY = re.compile(r"(?:lib)?(python\d[\w.]*?|pypy\d[\w.]*?-c)(?:\.(?:so|dylib|dll|a|lib)\b.*)?", re.ASCII)


class CrossPython(msgspec.Struct, frozen=True, kw_only=True):
    """A Python as a file describes it.

    Attributes:
        file: The file, as seen from the directory that was named.
        interpreter: What it is; never runnable.
        system: ``linux``, ``macos``, ``windows`` or as rustc names it; empty when the file does not tell.
        arches: Architectures it runs on, ``arm``, ``i386`` and otherwise as in triples; empty when it does not tell.
        libc: ``gnu``, ``musl`` or empty.
    """

    file: str
    interpreter: Interpreter
    system: str = ""
    arches: tuple[str, ...] = ()
    libc: str = ""


class CrossFiles(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a directory that ``PYO3_CROSS_LIB_DIR`` names.

    Attributes:
        directory: The directory, absolute.
        pythons: What its files describe.
        faults: Files that cannot be read, each with the reason.
        missing: Why the directory itself cannot be read, or empty.
    """

    directory: str
    pythons: tuple[CrossPython, ...] = ()
    faults: tuple[str, ...] = ()
    missing: str = ""


def read_sysconfigdata(text: str, file: str) -> CrossPython:
    """Return what a ``_sysconfigdata*.py`` says.

    Args:
        text: The module.
        file: Its name, for the message.

    Raises:
        ConfigError: It is not a module that assigns a literal, or describes nothing that wheels are made for.
    """
    values = _literal(text, file)
    get = _Words(values)
    soabi, version = get("SOABI"), re.fullmatch(r"(\d+)\.(\d+)", get("VERSION"))
    if version is None:
        raise ConfigError(f"{file}: VERSION is {get('VERSION')!r}, and should be like '3.12'")
    suffix = get("EXT_SUFFIX") or (f".{soabi}{get('SHLIB_SUFFIX') or '.so'}" if soabi else ".so")
    triplet = get("HOST_GNU_TYPE") or get("MULTIARCH")
    system = _system(get("MACHDEP") or ("linux" if "linux" in triplet else ""))
    arches = re.findall(r"-arch (\S+)", get("UNIVERSAL_ARCH_FLAGS")) or [triplet.partition("-")[0]]
    pointer = values.get("SIZEOF_VOID_P")
    answer = Answer(
        executable="",
        implementation=_implementation(soabi or suffix.lstrip(".")),
        version=(int(version[1]), int(version[2]), 0),
        level="final:0",
        abi_flags=get("ABIFLAGS"),
        ext_suffix=suffix,
        shared=bool(values.get("Py_ENABLE_SHARED") or values.get("PYTHONFRAMEWORK")),
        threaded=bool(values.get("Py_GIL_DISABLED")),
        debug=bool(values.get("Py_DEBUG")),
        pointer_width=pointer * 8 if isinstance(pointer, int) and pointer in {4, 8} else _width(arches[0]),
        platform=f"{system}-{arches[0]}",
        base_prefix="",
        lib_dir="",
    )
    library = f"python{get('LDVERSION')}" if get("LDVERSION") else get("LDLIBRARY")
    return _described(answer, file, system, arches, triplet, library, full_version="")


def read_build_details(text: str, file: str) -> CrossPython:
    """Return what a ``build-details.json`` says (PEP 739, version 1).

    Args:
        text: The JSON document.
        file: Its name, for the message.

    Raises:
        ConfigError: It is no such document, or describes nothing that wheels are made for.
    """
    try:
        details = msgspec.json.decode(text, type=_Details)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigError(f"{file}: {error}", hint="see PEP 739 for what a build-details.json holds") from None
    if details.schema_version.partition(".")[0] != "1":
        raise ConfigError(f"{file}: schema_version {details.schema_version!r} is not known here; 1.0 is")
    abi, version = details.abi, re.fullmatch(r"(\d+)\.(\d+)", details.language.version)
    if version is None:
        raise ConfigError(f"{file}: language.version is {details.language.version!r}, and should be like '3.14'")
    if abi is None or not abi.extension_suffix:
        raise ConfigError(f"{file}: abi.extension_suffix is not there, so this Python loads no extension modules")
    info = details.language.version_info
    name, _, machine = details.platform.partition("-")
    arches = [machine.rpartition("-")[2] or {"win32": "i386"}.get(name, "")]
    arches = ["x86_64", "arm64"] if arches == ["universal2"] else arches
    answer = Answer(
        executable="",
        implementation=details.implementation.name,
        version=(int(version[1]), int(version[2]), info.micro if info else 0),
        level=f"{info.releaselevel}:{info.serial}" if info else "final:0",
        abi_flags="".join(abi.flags),
        ext_suffix=abi.extension_suffix,
        shared=bool(details.libpython and details.libpython.dynamic),
        threaded="t" in abi.flags,
        debug="d" in abi.flags,
        pointer_width=_width(arches[0]),
        platform=details.platform,
        base_prefix="",
        lib_dir="",
    )
    library = (details.libpython.dynamic or details.libpython.static or "") if details.libpython else ""
    system, full_version = _system(name), answer.full_version if info else ""
    return _described(answer, file, system, arches, details.implementation.multiarch, library, full_version)


def foreign(python: CrossPython, target: Target) -> str | None:
    """Return what a Python is for when that is not ``target``, else ``None``; what a file leaves open fits."""
    here = {"aarch64", "x86_64"} if target.machine == "universal2" else {_arch(target.arch)}
    libc = target.libc if target.libc in {"gnu", "musl"} else ""
    fits = (
        python.system in {"", target.os}
        and (not python.arches or bool(here & set(python.arches)))
        and (not libc or python.libc in {"", libc})
        and python.interpreter.pointer_width == target.pointer_width
    )
    return None if fits else " ".join(filter(None, [" and ".join(python.arches), python.system, python.libc]))


class _Words:
    """Text values of a mapping, for keys that may be missing or hold something else."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def __call__(self, key: str) -> str:
        value = self._values.get(key)
        return value if isinstance(value, str) else ""


def _literal(text: str, file: str) -> dict[str, object]:
    """Return the literal that a module assigns to ``build_time_vars``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in strings that are not ours
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"{file}: cannot be read as Python: {error}") from None
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="build_time_vars")], value=written):
                pass
            case ast.AnnAssign(target=ast.Name(id="build_time_vars"), value=ast.expr() as written):
                pass
            case _:
                continue
        try:
            value = ast.literal_eval(written)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            raise ConfigError(
                f"{file}: build_time_vars is computed, so it cannot be known without running the file",
                hint="leave PYO3_CROSS_LIB_DIR out for this Python (PyPy's are like that): it is known from tables",
            ) from None
        if isinstance(value, dict):
            return value
    raise ConfigError(f"{file}: assigns no build_time_vars", hint="name the file that CPython's own build made")


def _described(
    answer: Answer,
    file: str,
    system: str,
    arches: Sequence[str],
    triplet: str,
    library: str,
    full_version: str,
) -> CrossPython:
    interpreter = interpreter_of(answer)
    if isinstance(interpreter, str):
        raise ConfigError(f"{file}: {interpreter}")
    name = _LIBRARY.fullmatch(re.split(r"[/\\]", library)[-1])
    return CrossPython(
        file=file,
        interpreter=msgspec.structs.replace(
            interpreter,
            runnable=False,
            full_version=full_version,
            lib_name=name[1] if name else interpreter.lib_name,
        ),
        system="android" if "android" in triplet else system,
        arches=tuple(dict.fromkeys(_arch(arch) for arch in arches if arch)),
        libc="musl" if "musl" in triplet + answer.ext_suffix else "gnu" if "-gnu" in triplet else "",
    )


def _implementation(soabi: str) -> str:
    return next((name for name in ("pypy", "graalpy") if soabi.startswith(name)), "cpython")


def _system(name: str) -> str:
    bare = re.sub(r"[\d.]+$", "", name.lower())
    return _SYSTEMS.get(bare, bare)


def _arch(arch: str) -> str:
    """Return one name for what triples, Debian and Python call differently; all 32-bit ARM is one."""
    if re.fullmatch(r"i\d86", arch):
        return "i386"
    if arch.startswith(("arm", "thumb")) and not arch.startswith("arm64"):
        return "arm"
    return _ARCHES.get(arch, arch)


def _width(arch: str) -> int:
    return 64 if "64" in arch or arch == "s390x" else 32


class _Info(msgspec.Struct, frozen=True):
    micro: int = 0
    releaselevel: str = "final"
    serial: int = 0


class _Language(msgspec.Struct, frozen=True):
    version: str
    version_info: _Info | None = None


class _Implementation(msgspec.Struct, frozen=True):
    name: str
    multiarch: str = msgspec.field(name="_multiarch", default="")


class _Abi(msgspec.Struct, frozen=True):
    flags: tuple[str, ...] = ()
    extension_suffix: str = ""


class _Libpython(msgspec.Struct, frozen=True):
    dynamic: str | None = None
    static: str | None = None


class _Details(msgspec.Struct, frozen=True):
    schema_version: str
    platform: str
    language: _Language
    implementation: _Implementation
    abi: _Abi | None = None
    libpython: _Libpython | None = None
