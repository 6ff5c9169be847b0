"""Finds cargo itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from matrix.errors import ToolError

__all__ = ["cargo_home", "find_cargo"]


def cargo_home(environ: Mapping[str, str]) -> Path:
    """Return cargo's home directory: ``CARGO_HOME`` as it is written, else the one in the user's home."""
    return Path(environ.get("CARGO_HOME") or Path.home() / ".cargo")


def find_cargo() -> str:
    """Return the cargo to call: ``CARGO``, the one on PATH, or rustup's own.

    Where PATH lacks rustup's programs, their directory joins it as its last, for rustc is looked for there too.

    Raises:
        ToolError: There is none.
    """
    programs = str(cargo_home(os.environ) / "bin")
    found = os.environ.get("CARGO") or shutil.which("cargo")
    if found is not None and shutil.which(found) is None and (os.path.isabs(found) or not os.path.dirname(found)):  # noqa: PTH117, PTH120 - as written
        raise ToolError(f"CARGO is {found!r}, which is no program", hint="unset it, or set it to the cargo to use")
    if found is None and (found := shutil.which("cargo", path=programs)) is not None:
        os.environ["PATH"] = os.pathsep.join(filter(None, (os.environ.get("PATH", os.defpath), programs)))
    if found is None:
        hint = "install Rust (https://rustup.rs), or set CARGO to the cargo to use"
        raise ToolError(f"cargo was not found on PATH or in {programs}", hint=hint)
    return found
