"""Projects from PyPI whose back end is changed from maturin to ours, built by front ends with both."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import tomlkit

from support.compare import Difference, Found, check_found, differences, sdist_differences
from support.judges import check_distribution
from support.projects import fetch_sdist, unpack
from support.sdists import read_sdist
from support.tools import SCRIPTS, need, need_library, run
from support.wheels import look_inside

__all__ = ["COMMON", "DropIn", "House", "Made", "check_drop_in", "check_ours", "check_packed", "switched"]

TIMEOUT = 1800.0  # seconds for one front end; the biggest project has 250 crates
PROFILE = {"CARGO_PROFILE_DEV_DEBUG": "0"}  # compiles in less time, and says nothing of the folder it was built in
BUILD: tuple[str | Path, ...] = (SCRIPTS / "pyproject-build", "--no-isolation", "--skip-dependency-check")

COMMON = (
    Difference("*", "WHEEL Generator", "each names itself"),
    Difference("*", "content dist-info/sboms/*.cyclonedx.json", "for the wheel's own target, without serial and paths"),
)
"""Differences that every project shows."""


@dataclass(frozen=True)
class DropIn:
    """A project on PyPI whose back end is maturin.

    Attributes:
        name: As its archive has it.
        version: The release.
        layout: Its bindings, and how it is laid out.
        env: Variables that its build needs.
        library: Library of the system that it links, without ``lib``; empty for none.
    """

    name: str
    version: str
    layout: str
    env: dict[str, str] = field(default_factory=dict)
    library: str = ""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Made:
    """What two front ends made of a project with one back end.

    Attributes:
        wheels: The wheel that ``pip wheel`` made of the project, and the one that ``build`` made from ``sdist``.
        sdist: The source distribution of ``build``.
    """

    wheels: tuple[Path, ...]
    sdist: Path


class House:
    """Where projects are built with both back ends; what they share is compiled once."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._ours: dict[str, Made] = {}

    def ours(self, project: DropIn) -> Made:
        """Build a project with our back end, once; nothing but requires and build-backend is changed in it."""
        if project.name not in self._ours:
            root = lay_out(project, self.base / "ours" / project.name)
            switch(root)
            self._ours[project.name] = build_both_ways(project, root, self.base / "target")
        return self._ours[project.name]

    def theirs(self, project: DropIn) -> Made:
        """Build a project with maturin, in the lane of our builds, which has all that does not know about Python."""
        self.ours(project)
        root = lay_out(project, self.base / "theirs" / project.name)
        report = json.loads((self.base / "ours" / project.name / "report.json").read_text(encoding="utf-8"))
        lane = self.base / "target" / "wheelmatrix" / "lanes" / report["builds"][0]["id"]
        assert lane.is_dir()
        return build_both_ways(project, root, lane)


def lay_out(project: DropIn, folder: Path) -> Path:
    """Unpack a project as its author had it: under git, without PKG-INFO; return its root."""
    if project.library:
        need_library(project.library)
    root = unpack(fetch_sdist(project.name, project.version, project.env), folder)
    (root / "PKG-INFO").unlink()  # maturin stops at the one of the sdist that this project came in
    run([need("git"), "init", "-q"], cwd=root, check=True)
    run([need("git"), "add", "--all", "--force"], cwd=root, check=True)
    return root


def switch(root: Path) -> None:
    """Change the back end of a project to ours."""
    pyproject = root / "pyproject.toml"
    pyproject.write_text(switched(pyproject.read_text(encoding="utf-8")), encoding="utf-8")


def switched(pyproject: str) -> str:
    """Return the text of pyproject.toml with our back end in place of maturin."""
    document = tomlkit.parse(pyproject)
    system = document["build-system"]
    assert isinstance(system, dict)
    assert system["build-backend"] == "maturin"
    system["requires"] = [one if "maturin" not in one else "wheelmatrix" for one in system["requires"]]
    system["build-backend"] = "matrix.backend"
    return tomlkit.dumps(document)


def build_both_ways(project: DropIn, root: Path, target: Path) -> Made:
    """Build with pip from the tree and with ``build`` from a source distribution; the environment is the tests' own."""
    env = {**PROFILE, **project.env, "MATURIN_PEP517_ARGS": f"--profile dev --target-dir {target}"}
    tree, made = root.parent / "pip", root.parent / "build"
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    run([*pip, "-w", tree, root], cwd=root.parent, env=env, check=True, timeout=TIMEOUT)
    report = target / "wheelmatrix" / "report.json"
    if report.is_file():
        report.rename(root.parent / "report.json")
    run([*BUILD, "-o", made, root], cwd=root.parent, env=env, check=True, timeout=TIMEOUT)
    (sdist,) = made.glob("*.tar.gz")
    return Made((*tree.iterdir(), *made.glob("*.whl")), sdist)


def check_ours(made: Made) -> None:
    """Fail unless judges accept all that was made, and the wheels have the metadata of the source distribution."""
    for archive in (made.sdist, *made.wheels):
        check_distribution(archive)
    for wheel in made.wheels:
        texts = look_inside(wheel).texts
        said = [text for name, text in texts.items() if name.endswith(".dist-info/METADATA")]
        assert said == [read_sdist(made.sdist)["PKG-INFO"]], wheel.name


def check_drop_in(project: DropIn, house: House, table: tuple[Difference, ...]) -> None:
    """Fail on a difference between what both back ends make of a project that is not in the table."""
    ours, theirs = house.ours(project), house.theirs(project)
    found: list[Found] = list(sdist_differences(ours.sdist, theirs.sdist, switched))
    assert len(ours.wheels) == len(theirs.wheels) == 2
    for mine, other in zip(ours.wheels, theirs.wheels, strict=True):
        found += differences(look_inside(mine), look_inside(other))
    check_found(project.name, found, table)


def check_packed(project: DropIn, folder: Path, table: tuple[Difference, ...]) -> None:
    """Fail on a difference between the source distributions that both back ends make that is not in the table."""
    made: list[Path] = []
    for side in ("ours", "theirs"):
        root = lay_out(project, folder / side)
        if side == "ours":
            switch(root)
        words = [*BUILD, "--sdist", "-o", folder / side / "build", root]
        run(words, cwd=folder, env=project.env, check=True)
        made += (folder / side / "build").glob("*.tar.gz")
    check_distribution(made[0])
    check_found(project.name, sdist_differences(made[0], made[1], switched), table)
