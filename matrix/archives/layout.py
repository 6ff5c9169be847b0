"""Where a project's Python side lies, as plain values, and the names its files get in a wheel."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from matrix.archives.products import Products
from matrix.model import StableAbi, Target

__all__ = [
    "IncludeRule",
    "Layout",
    "cffi_init",
    "extension_path",
    "extension_suffix",
    "library_folder",
    "library_name",
    "stub_init",
    "uniffi_init",
]

_PLATFORM = re.compile(r"\.cpython-\d+[a-z]*(-[\w-]+)\.so", re.ASCII)


class IncludeRule(msgspec.Struct, frozen=True):
    """One ``include`` entry that applies to wheels.

    Attributes:
        path: The pattern.
        origin: ``project`` (relative to the root, then to ``python-source``) or ``out-dir`` (relative to
            the ``OUT_DIR`` of a crate's build script).
        to: Directory in the wheel that files from an ``OUT_DIR`` go to.
        crate: Whose ``OUT_DIR``; the project's own crate when ``None``.
        key: Where it stands, for messages: ``include[0]``.
    """

    path: str
    origin: Literal["project", "out-dir"] = "project"
    to: str = ""
    crate: str | None = None
    key: str = "include"


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """The Python side of a project.

    Attributes:
        root: The project's root; ``include`` and ``exclude`` are relative to it.
        module: Last part of the module's name, e.g. ``_rust``; empty when there is none to import (bin).
        directory: Where the module goes in the wheel: ``pkg/sub``.
        top: Top-level package: ``pkg``.
        crate: Name of the project's own crate.
        python_source: Directory that holds the Python packages.
        folder: Whether the module is a library in a folder of its own, with generated Python around it (cffi, uniffi).
        mixed: Whether a Python package exists that the module goes into.
        python_packages: More packages or modules, relative to ``python_source``.
        include: Patterns of more files.
        exclude: Patterns of files to leave out, as in ``.gitignore``.
        data: The data directory, or ``None``.
        prune: Directories never searched, such as cargo's target directory.
        products: What runs wrote into the project, which is never taken.
        within: Directories of the project, which no link may leave; ``root`` and ``python_source`` when empty.
    """

    root: Path
    module: str
    directory: str
    top: str
    crate: str
    python_source: Path
    folder: bool = False
    mixed: bool = False
    python_packages: tuple[str, ...] = ()
    include: tuple[IncludeRule, ...] = ()
    exclude: tuple[str, ...] = ()
    data: Path | None = None
    prune: tuple[Path, ...] = ()
    within: tuple[Path, ...] = ()
    products: Products | None = None


def extension_path(layout: Layout, suffix: str) -> str:
    """Return where the extension module goes in the wheel.

    Beside its Python package in a mixed project, inside a package of its own name in a pure Rust one:
    ``rpds/rpds.cpython-312-x86_64-linux-gnu.so``.

    Args:
        layout: The project's layout.
        suffix: File suffix of the extension module.
    """
    return f"{layout.directory}/{layout.module}{suffix}"


def extension_suffix(target: Target, stable_abi: StableAbi | None, ext_suffix: str) -> str:
    """Return the file suffix of an extension module: the interpreter's, or that of the stable ABI.

    A stable-ABI module is ``.abi3.so`` (PEP 384), or ``.abi3t-x86_64-linux-gnu.so`` (PEP 803, with the platform that
    Pythons from 3.15 on look for: python/cpython#122931), and plain ``.pyd`` on Windows.

    Args:
        target: The platform.
        stable_abi: The stable ABI it is built for, or ``None``.
        ext_suffix: The interpreter's own suffix.
    """
    if stable_abi is None:
        return ext_suffix
    if target.os == "windows":
        return ".pyd"
    platform = _PLATFORM.fullmatch(ext_suffix) if stable_abi.kind == "abi3t" else None
    return f".{stable_abi.kind}{platform[1] if platform else ''}.so"


def library_folder(layout: Layout) -> str:
    """Return the directory of a library with generated Python around it: of its own, inside a package where one is."""
    return f"{layout.directory}/{layout.module}" if layout.mixed else layout.directory


def library_name(module: str, target: Target) -> str:
    """Return the file name of a library that Python opens by its path: ``libdemo.so``, ``demo.dll``."""
    if target.os == "windows":
        return f"{module}.dll"
    return f"lib{module}.{'dylib' if target.os == 'macos' else 'so'}"


def cffi_init(library: str) -> bytes:
    """Return the ``__init__.py`` around a library of cffi: it offers ``ffi`` and the opened ``lib``."""
    return (
        "import os.path as _path\n\n"
        "from .ffi import ffi\n\n"
        '__all__ = ["ffi", "lib"]\n\n'
        f'lib = ffi.dlopen(_path.join(_path.dirname(__file__), "{library}"))\n'
        "del _path\n"
    ).encode()


def uniffi_init(modules: Iterable[str]) -> bytes:
    """Return the ``__init__.py`` around modules of uniffi: it offers what they offer."""
    return "".join(f"from .{module} import *\n" for module in modules).encode()


def stub_init(module: str) -> bytes:
    """Return the ``__init__.py`` of a pure Rust project: its package offers what the module offers."""
    alias = "_extension" if module != "_extension" else "_extension_module"
    return (
        f"from . import {module} as {alias}\n"
        f"from .{module} import *\n\n"
        f"__doc__ = {alias}.__doc__\n"
        f'if hasattr({alias}, "__all__"):\n'
        f"    __all__ = {alias}.__all__\n"
        f"del {alias}\n"
    ).encode()
