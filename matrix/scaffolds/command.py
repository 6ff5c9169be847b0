"""The commands ``new`` and ``init``: checks everything, asks what is missing, writes, and says what comes next."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from matrix.errors import UsageError, did_you_mean
from matrix.files import shown
from matrix.project.pymodules import declared_modules
from matrix.scaffolds.kinds import KINDS, Kind
from matrix.scaffolds.names import check_name, check_reserved
from matrix.scaffolds.render import Choice, Layout, manifest_path, render
from matrix.scaffolds.surroundings import workspace_warning
from matrix.scaffolds.writing import write_project
from matrix.telling import say

__all__ = ["scaffold"]

_TRIES = 3


def scaffold(options: argparse.Namespace) -> int:
    """Make a project as ``new`` or ``init`` and print its directory; the rest goes to stderr.

    Raises:
        UsageError: The directory, the name or the bindings will not do; nothing was written.
        OSError: Something cannot be written; nothing is left of it.
    """
    directory = Path(os.path.abspath(options.path))  # noqa: PTH100 - links in it stay as the user wrote them
    layout: Layout = ("src" if options.src else "mixed") if options.mixed else "pure"
    (_check_new if options.command == "new" else _check_init)(directory)
    names = check_name(*_name(options, directory))
    kind = _kind(options.bindings)
    check_reserved(names, kind)
    choice = Choice(names, kind, layout)
    warnings = [*names.warnings, *_warnings(options, directory, choice)]
    files = render(choice)
    kept = write_project(directory, files)
    place = shown(directory, Path.cwd())
    sys.stdout.write(f"{place}\n")
    sys.stdout.flush()
    if not options.quiet:
        for text in warnings:
            say("warning", text)
        sys.stderr.write(_closing(choice, place, count=len(files) - len(kept), kept=kept))
    return 0


def _check_new(directory: Path) -> None:
    if directory.is_dir():
        if any(directory.iterdir()):
            raise UsageError(
                f"{directory} exists and is not empty (new)",
                hint=f"wheelmatrix init {shlex.quote(shown(directory, Path.cwd()))} adds a project to it",
            )
    elif os.path.lexists(directory):
        raise UsageError(f"{directory} exists and is no directory (new)", hint="name another place for the project")


def _check_init(directory: Path) -> None:
    if directory.is_dir():
        for name in ("Cargo.toml", "pyproject.toml", "rust/Cargo.toml"):
            if os.path.lexists(directory / name):
                raise UsageError(
                    f"{directory / name} exists: there is a project already (init)",
                    hint="wheelmatrix build builds it as it is, wheelmatrix new PATH makes another elsewhere",
                )
    elif os.path.lexists(directory):
        raise UsageError(f"{directory} exists and is no directory (init)", hint="name the directory of the project")


def _name(options: argparse.Namespace, directory: Path) -> tuple[str, str]:
    """Return the project's name and where it comes from."""
    if options.name is not None:
        return options.name, "--name"
    return directory.name, f"the name of the directory {directory}"


def _kind(wish: str | None) -> Kind:
    if wish is None:
        return KINDS["pyo3"] if not sys.stdin.isatty() else _asked()
    if wish not in KINDS:
        near = did_you_mean(wish, KINDS) or f"known: {', '.join(KINDS)}"
        raise UsageError(f"unknown bindings {wish!r} (-b)", hint=near)
    return KINDS[wish]


def _asked() -> Kind:
    """Ask at the terminal; return or the end of input means pyo3."""
    kinds = list(KINDS.values())
    width = max(len(kind.name) for kind in kinds)
    lines = [f"  {number}  {kind.name:{width}}  {kind.about}\n" for number, kind in enumerate(kinds, 1)]
    sys.stderr.write("which bindings?\n" + "".join(lines))
    for _ in range(_TRIES):
        sys.stderr.write(f"number or name [{kinds[0].name}]: ")
        sys.stderr.flush()
        answer = sys.stdin.readline().strip()
        if not answer:
            return kinds[0]
        if answer in KINDS:
            return KINDS[answer]
        if answer.isdecimal() and 1 <= int(answer) <= len(kinds):
            return kinds[int(answer) - 1]
        sys.stderr.write(f"{answer!r} is none of them\n")
    raise UsageError("no bindings chosen", hint=f"name them: -b {'|'.join(KINDS)}")


def _warnings(options: argparse.Namespace, directory: Path, choice: Choice) -> list[str]:
    found = []
    if options.src and not options.mixed:
        found.append("--src says where --mixed puts the Python package; without --mixed it changes nothing")
    taken = directory / choice.names.module
    if choice.layout == "pure" and taken.is_dir():
        found.append(
            f"{shown(taken, Path.cwd())} is there and becomes the project's Python package (--mixed gives it a place)"
        )
    crate = (directory / manifest_path(choice.layout)).parent
    for name in choice.kind.files:
        if name != "Cargo.toml" and os.path.lexists(crate / name):
            path = shown(crate / name, Path.cwd())
            module = choice.names.module
            if choice.kind.name != "pyo3" or not name.endswith("lib.rs"):
                lacking = f"it must hold what {choice.kind.title} needs, or nothing builds"
            elif module in (declared_modules(crate / name, module) or ()):
                continue
            else:
                lacking = f"Python imports it once you add a module to it: #[pyo3::pymodule] mod {module} {{}}"
            found.append(f"{path} stays as it is: {lacking}")
    workspace = workspace_warning(directory / manifest_path(choice.layout))
    if workspace is not None:
        found.append(workspace)
    return found


def _closing(choice: Choice, place: str, *, count: int, kept: list[str]) -> str:
    """Return what was made and what to do next."""
    layout = {"pure": "", "mixed": " and Python in python", "src": " in rust and Python in src"}[choice.layout]
    lines = [f"{choice.names.project}: {choice.kind.title}, Rust{layout}; {count} files written"]
    if kept:
        lines.append(f"left as they were: {', '.join(kept)}")
    lines.append("next:")
    if place != ".":
        lines.append(f"  cd {shlex.quote(place)}")
    lines.append("  wheelmatrix build      a wheel for the current Python")
    lines.append("  wheelmatrix develop    the project in the active virtual environment")
    return "".join(f"{line}\n" for line in lines)
