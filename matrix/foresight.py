"""Puts the questions of a command to cargo and rustc before the command itself is loaded."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from matrix.ahead import ask_rustc
from matrix.cargo_flags import cargo_flags

__all__ = ["foresee"]

_COMPILING = frozenset({"build", "develop", "plan", "publish"})


def foresee(options: argparse.Namespace) -> None:
    """Start what a command that plans builds will have to wait for.

    ``build --sdist`` compiles in a directory that is not there yet, and with ``-m`` the project may be elsewhere: what
    a directory may choose is not asked for then.
    """
    if options.command not in _COMPILING or getattr(options, "sdist", False):
        return
    if options.manifest_path is None:
        ask_rustc(Path.cwd(), os.environ)
    from matrix import project  # noqa: PLC0415 - rustc answers meanwhile

    project.foresee(Path.cwd(), cargo_flags(options))
