"""The develop command: the project's module for the Python of a virtual environment, installed in place."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matrix.arguments import parse
from matrix.errors import ToolError, UsageError, WheelmatrixError
from matrix.model import Command
from matrix.process import run
from matrix.project.locate import find_files
from matrix.project.toml import read_toml
from matrix.requirements import requirements

__all__ = ["build_options", "find_environment", "find_installation", "install", "requirements"]


def find_environment(environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the interpreter of the virtual environment that is active, or lies in ``.venv`` here or above.

    Args:
        environ: The environment.
        cwd: Where the user is.

    Raises:
        UsageError: There is none.
    """
    named = [(name, environ[name]) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(name)]
    for name, folder in named[:1]:
        found = _python_of(Path(folder))
        if found is None:
            raise UsageError(f"{name} is {folder}, where no Python is", hint="activate another environment")
        return found
    for one in (cwd, *cwd.parents):
        if (found := _python_of(one / ".venv")) is not None:
            return found
    raise UsageError(
        "develop installs into a virtual environment, and none is active",
        hint="python3 -m venv .venv && . .venv/bin/activate",
    )


def _python_of(environment: Path) -> Path | None:
    programs = ("bin/python", "Scripts/python.exe", "python.exe")
    return next((environment / one for one in programs if (environment / one).is_file()), None)


def build_options(options: argparse.Namespace, python: Path, out: str) -> argparse.Namespace:
    """Return the options of the build: for that Python alone, editable, with no claim in its tag."""
    built = parse(["build", "--interpreter", str(python), "--compatibility", "off", "--out", out])
    own = {name: value for name, value in vars(options).items() if hasattr(built, name) and name != "command"}
    for name, value in own.items():
        setattr(built, name, value)
    built.interpreter_origin = "the environment's Python"
    built.editable = True
    return built


class Installation(NamedTuple):
    """How a wheel gets into an environment.

    Attributes:
        program: The installer with its arguments; what is installed comes after.
        again: Its flag that replaces another version of the same.
        needed: Requirements that are installed first.
    """

    program: tuple[str, ...]
    again: str
    needed: tuple[str, ...]


def find_installation(options: argparse.Namespace, python: Path) -> Installation:
    """Return how to install, so that a mistake is told before anything is compiled.

    Args:
        options: The parsed command line.
        python: The interpreter of the environment.

    Raises:
        UsageError: An extra or a group is not there.
        ToolError: No installer is there.
    """
    manifest = Path(options.manifest_path) if options.manifest_path is not None else None
    pyproject = find_files(Path.cwd(), manifest).pyproject
    table = read_toml(pyproject) if pyproject is not None else {}
    needed = requirements(table, split(options.extras), split(options.group))
    return Installation(*_installer(options, python), needed)


async def install(options: argparse.Namespace, installation: Installation, python: Path, wheel: Path) -> None:
    """Install the requirements, then the wheel in place of any other version of it.

    Args:
        options: The parsed command line.
        installation: How.
        python: The interpreter of the environment.
        wheel: The editable wheel.

    Raises:
        WheelmatrixError: The installer fails.
    """
    program = installation.program
    if installation.needed:
        await _run((*program, *installation.needed), options)
    await _run((*program, "--no-deps", installation.again, str(wheel)), options)
    if not options.quiet:
        sys.stderr.write(f"installed {wheel.name.partition('-')[0]} in place, in {python.parent.parent}\n")


def split(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names in ``a,b`` and ``c``, given as several flags."""
    return tuple(word for words in given or () for word in words.replace(",", " ").split())


def _installer(options: argparse.Namespace, python: Path) -> tuple[tuple[str, ...], str]:
    """Return the installer, and its flag that replaces another version of the same."""
    if options.pip_path is not None:
        if shutil.which(options.pip_path) is None:
            raise ToolError(f"{options.pip_path!r} is no program (--pip-path)", hint="name a pip of 22.3 or newer")
        return (options.pip_path, "--python", str(python), "install", "--quiet"), "--force-reinstall"
    uv = shutil.which("uv")
    has_pip = any((python.parent.parent / "lib").glob("python*/site-packages/pip")) or any(
        (python.parent.parent / "Lib").glob("site-packages/pip")
    )
    if options.uv or (uv is not None and not has_pip):
        if uv is None:
            raise ToolError("uv was not found on PATH (--uv)", hint="pip install uv")
        return (uv, "pip", "install", "--quiet", "--python", str(python)), "--reinstall"
    if not has_pip:
        raise ToolError(f"the environment of {python} has no pip", hint=f"{python} -m ensurepip, or --uv")
    words = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    return words, "--force-reinstall"


async def _run(argv: tuple[str, ...], options: argparse.Namespace) -> None:
    def tell(line: str) -> str:
        if not options.quiet:
            sys.stderr.write(f"  {line}\n")
        return line

    ended = await run(Command(argv=argv), root=Path.cwd(), on_stdout=tell, on_stderr=tell)
    if ended.exit:
        raise WheelmatrixError(f"{os.path.basename(argv[0])} ended with {ended.exit}: nothing was installed")  # noqa: PTH119
