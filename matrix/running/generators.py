"""The programs that write the Python side of cffi and uniffi bindings, looked for before anything compiles."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from matrix.errors import ToolError
from matrix.model import Build, Command
from matrix.process import capture
from matrix.project.toml import read_toml
from matrix.running.cbindgen import INSTEAD

__all__ = ["NO_BINDGEN", "header_of", "missing_generator", "no_cbindgen", "no_cffi", "wanting_header", "without_header"]

TIMEOUT = 60.0  # seconds
NO_BINDGEN = (
    "add a program of that name whose main function calls uniffi::uniffi_bindgen_main() (feature uniffi/cli), or put"
    " one of the locked uniffi's version on PATH"
)


def header_of(target_dir: Path) -> Path:
    """Return where a header of the project's own would lie: in cargo's target directory, as for maturin."""
    return target_dir / "header.h"


def wanting_header(builds: Sequence[Build], target_dir: Path) -> list[Build]:
    """Return the builds with cffi bindings when the project has no header of its own for them."""
    return [] if header_of(target_dir).is_file() else [build for build in builds if build.bindings == "cffi"]


def without_header(builds: Sequence[Build], target_dir: Path, root: Path) -> list[Build]:
    """Return the builds that cbindgen must write a header for, as far as that is known before they are compiled.

    A build script may yet write one, as maturin's guide shows it.

    Args:
        builds: All that are planned.
        target_dir: cargo's target directory, absolute.
        root: The project's root.
    """
    wanting = wanting_header(builds, target_dir)
    return [] if wanting and _has_build_script(root / wanting[0].manifest) else wanting


async def missing_generator(
    builds: Sequence[Build], target_dir: Path, pythons: Sequence[str], root: Path, *, cbindgen: bool
) -> ToolError | None:
    """Return what says that a program is missing which must run after a build, or ``None``.

    Args:
        builds: All that are planned.
        target_dir: cargo's target directory, absolute.
        pythons: Pythons to try for cffi, in order.
        root: The project's root.
        cbindgen: Whether there is a cbindgen, or one may be installed.
    """
    uniffi = [build for build in builds if build.bindings == "uniffi" and not build.bindgen]
    if uniffi and shutil.which("uniffi-bindgen") is None:
        return ToolError("uniffi bindings need uniffi-bindgen, which is missing", hint=NO_BINDGEN)
    if not any(build.bindings == "cffi" for build in builds):
        return None
    if not cbindgen and without_header(builds, target_dir, root):
        return no_cbindgen()
    for python in pythons:
        if await _has_cffi(python, root):
            return None
    return no_cffi(pythons)


def no_cbindgen() -> ToolError:
    """Return what says that nothing can write the header."""
    return ToolError("cffi bindings need cbindgen, which is missing", hint=INSTEAD)


def no_cffi(pythons: Sequence[str]) -> ToolError:
    """Return what says that no Python has the package cffi."""
    return ToolError(
        f"cffi bindings need the Python package cffi, which none of these has: {', '.join(pythons)}",
        hint="pip install cffi, or 'wheelmatrix[cffi]'",
    )


def _has_build_script(manifest: Path) -> bool:
    named = read_toml(manifest).get("package", {}).get("build", True)  # false turns build.rs off
    return isinstance(named, str) or (bool(named) and manifest.with_name("build.rs").is_file())


async def _has_cffi(python: str, root: Path) -> bool:
    if python == sys.executable and importlib.util.find_spec("cffi") is not None:
        return True
    command = Command(argv=(python, "-c", "import cffi"))
    try:
        return (await capture(command, root=root, timeout=TIMEOUT)).exit == 0
    except ToolError:
        return False
