"""Rust for a Python front end on a machine that has none: fetched by puccinialin, as maturin has it.

``WHEELMATRIX_NO_INSTALL_RUST`` or ``MATURIN_NO_INSTALL_RUST`` turns it off.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

__all__ = ["borrow_rust", "rust_needs"]

PACKAGE = "puccinialin>=0.1,<0.2"
OFF = ("WHEELMATRIX_NO_INSTALL_RUST", "MATURIN_NO_INSTALL_RUST")


def rust_needs(environ: Mapping[str, str]) -> list[str]:
    """Return the requirement that brings Rust, where there is none and none is forbidden to come."""
    return [] if _is_here(environ) or any(environ.get(name) for name in OFF) else [PACKAGE]


def borrow_rust(environ: MutableMapping[str, str]) -> None:
    """Put Rust on PATH where there is none and puccinialin is installed; else cargo is missed later, with a hint.

    Args:
        environ: The environment; the variables of the Rust that comes are added.
    """
    if not rust_needs(environ):
        return
    try:
        from puccinialin import setup_rust  # noqa: PLC0415 - installed only where it is needed
    except ImportError:
        return
    sys.stderr.write("note: there is no cargo here, so Rust is installed into a cache directory\n")
    environ.update(setup_rust(file=sys.stderr))


def _is_here(environ: Mapping[str, str]) -> bool:
    own = Path(environ.get("CARGO_HOME") or Path.home() / ".cargo") / "bin"
    return bool(
        environ.get("CARGO") or shutil.which("cargo", path=f"{environ.get('PATH', os.defpath)}{os.pathsep}{own}")
    )
