"""One run over every target: what it is asked for, and what it left."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from support.cross import TARGETS
from support.reports import read_report
from support.tools import Ran

__all__ = ["FULL", "ONCE", "WISHES", "CrossWheel", "EveryTarget", "declare"]

FULL = tuple(  # get a wheel for each interpreter
    target
    for target in TARGETS
    if target
    not in {
        "powerpc64le-unknown-linux-gnu",
        "x86_64-pc-windows-gnu",
        "aarch64-pc-windows-msvc",
        "i686-pc-windows-msvc",
    }
)
ONCE = {  # get one
    "powerpc64le-unknown-linux-gnu": "3.11",
    "aarch64-pc-windows-msvc": "3.11",
    "i686-pc-windows-msvc": "3.11",
    "x86_64-pc-windows-gnu": "3.12",  # its wheel for 3.11 would have the name of windows-msvc's
}
INTERPRETERS = ("3.10", "3.11", "3.13", "3.14t")
WISHES = len(FULL) * len(INTERPRETERS) + len(ONCE)

LINKED_BY_ZIG = """
[[tool.wheelmatrix.overrides]] # the host too, for an older glibc than its own
select = { target = "*-linux-*" }
driver = "zig"
"""


def declare(root: Path) -> None:
    """Write the matrix into a project's pyproject.toml."""
    rows = "".join(
        f'\n[[tool.wheelmatrix.include]]\ninterpreter = "{version}"\ntarget = "{target}"\n'
        for target, version in ONCE.items()
    )
    table = f"\n[tool.wheelmatrix]\ninterpreters = {list(INTERPRETERS)}\ntargets = {list(FULL)}\n{rows}{LINKED_BY_ZIG}"
    path = root / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8") + table, encoding="utf-8")


@dataclass(frozen=True)
class CrossWheel:
    """A wheel, the target it was built for, and the one binary in it."""

    path: Path
    target: str
    report: dict[str, Any]
    unpacked: Path = field(compare=False)

    @property
    def abi(self) -> str:
        return self.path.stem.split("-")[3]

    @property
    def platforms(self) -> list[str]:
        return self.path.stem.split("-")[4].split(".")

    @cached_property
    def binary(self) -> Path:
        """The extension module, unpacked; every other file of the wheel is text."""
        with zipfile.ZipFile(self.path) as archive:
            (name,) = [name for name in archive.namelist() if re.search(r"\.(so|pyd|dll|dylib)$", name)]
            return Path(archive.extract(name, self.unpacked / self.path.stem))


@dataclass(frozen=True)
class EveryTarget:
    """How the run ended and what it made."""

    root: Path
    ran: Ran
    work: Path

    @cached_property
    def report(self) -> dict[str, Any]:
        return read_report(self.root / "target" / "wheels" / "report.json")

    @cached_property
    def wheels(self) -> list[CrossWheel]:
        return list(self._wheels())

    def one(self, target: str, abi: str = "cp311") -> CrossWheel:
        """Return the wheel of a target for an interpreter."""
        (found,) = [wheel for wheel in self.wheels if wheel.target == target and wheel.abi == abi]
        return found

    def _wheels(self) -> Iterator[CrossWheel]:
        for cell in self.report["cells"]:
            if "wheel" in cell:
                path = self.root / "target" / "wheels" / cell["wheel"]["file"]
                yield CrossWheel(path, cell["target"], cell, self.work)
