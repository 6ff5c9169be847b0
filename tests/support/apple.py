"""Apple's tools as delocate calls them, played by LLVM's."""

from __future__ import annotations

import os
from pathlib import Path

from support.tools import Ran, need, need_llvm, run

_OTOOL = """#!/bin/sh
# -m says that names in parentheses are no archive members; LLVM's otool takes none for one
for word; do
    shift
    [ "$word" = -m ] || set -- "$@" "$word"
done
exec {otool} "$@"
"""


def delocated(wheel: Path, out: Path) -> Ran:
    """Let delocate work on a wheel; the name it gives its copy in ``out`` is what it thinks of the platform."""
    folder = out / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "otool").write_text(_OTOOL.format(otool=need_llvm("llvm-otool")))
    (folder / "otool").chmod(0o755)
    (folder / "lipo").unlink(missing_ok=True)
    (folder / "lipo").symlink_to(need_llvm("llvm-lipo"))
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    return run(
        [need("delocate-wheel"), "--no-sanitize-rpaths", "--wheel-dir", out, wheel],
        cwd=out,
        env={"PATH": path},
        check=True,
    )
