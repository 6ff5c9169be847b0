"""Calls cargo without rustup's program in between, which costs more than cargo itself where all is up to date.

rustup's program chooses a toolchain, names it to the real cargo in variables (its book, "Proxies" and "Environment
variables"), and runs that. Which one it chooses here is known from rustc's answer.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from matrix.project.program import cargo_home

__all__ = ["RealCargo", "real_cargo"]

_CHOOSING = frozenset({"CARGO", "CARGO_HOME", "PATH", "RUSTC", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"})


class RealCargo(msgspec.Struct, frozen=True):
    """The cargo of a toolchain, and what rustup would tell it.

    Attributes:
        program: Its path.
        env: Variables.
    """

    program: str
    env: dict[str, str]

    def serves(self, changes: Mapping[str, object]) -> bool:
        """Whether a build that changes these variables would get this cargo too."""
        return not _CHOOSING & changes.keys()


def real_cargo(cargo: str, sysroot: str, environ: Mapping[str, str]) -> RealCargo | None:
    """Return what rustup's program would run; ``None`` where that is not certain.

    Args:
        cargo: The cargo to call.
        sysroot: Directory of the toolchain that rustc on PATH named, asked where cargo will be called.
        environ: The environment of both.
    """
    if sys.platform == "win32" or environ.get("RUSTC") or not sysroot:
        return None
    found = shutil.which(cargo, path=environ.get("PATH"))
    rustc = shutil.which("rustc", path=environ.get("PATH"))
    if found is None or rustc is None or not _are_rustups(found, rustc):
        return None
    home = Path(environ.get("RUSTUP_HOME") or Path.home() / ".rustup").absolute()
    toolchain, program = Path(sysroot), Path(sysroot, "bin", "cargo")
    if toolchain.parent.resolve() != (home / "toolchains").resolve() or not os.access(program, os.X_OK):
        return None  # one that was linked may lack a cargo, and rustup then takes another's
    told = {
        "RUSTUP_TOOLCHAIN": toolchain.name,
        "RUSTUP_HOME": str(home),
        "CARGO_HOME": str(cargo_home(environ).absolute()),
    }
    return RealCargo(str(program), told)


def _are_rustups(*programs: str) -> bool:
    """Whether all of them are rustup itself under other names: links to it, or names of the same file."""
    try:
        rustup = Path(programs[0]).parent / "rustup"
        return all(rustup.samefile(program) for program in programs)
    except OSError:
        return False
