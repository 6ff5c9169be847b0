"""Tools and interpreters of the machine, and programs run to their end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

TOP = Path(__file__).resolve().parents[2]
PROJECTS = TOP / "tests" / "projects"
SCRIPTS = Path(sys.executable).parent  # not resolved: a venv's own folder

# What would make a run depend on who starts it.
_PERSONAL = re.compile(
    r"CARGO_(TARGET_DIR|BUILD_.*|MAKEFLAGS|ENCODED_RUSTFLAGS)|RUSTFLAGS|MAKEFLAGS|MFLAGS|SOURCE_DATE_EPOCH|PYTHON.*"
    r"|PYO3_.*|_PYTHON_.*|ARCHFLAGS|VIRTUAL_ENV|CONDA_PREFIX|WHEELMATRIX_.*|MATURIN_.*|TWINE_.*|NO_COLOR|FORCE_COLOR|CLICOLOR.*"
)


@dataclass(frozen=True)
class Ran:
    """How a program ended; text is decoded, seconds are wall time."""

    argv: tuple[str, ...]
    cwd: Path
    exit: int
    stdout: str
    stderr: str
    seconds: float

    def __str__(self) -> str:
        return f"$ {' '.join(self.argv)}\n{self.stdout}{self.stderr}→ {self.exit} after {self.seconds:.1f} s"

    @property
    def wheels(self) -> list[Path]:
        """The wheels that stdout names, absolute; stdout must hold nothing else."""
        lines = self.stdout.splitlines()
        assert all(line.endswith(".whl") for line in lines), f"stdout is data: {lines}"
        return [self.cwd / line for line in lines]


def in_ci() -> bool:
    """Whether nothing may be skipped for want of a tool."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def lacking(what: str) -> NoReturn:
    """Skip the test, or fail it in CI, because something of the machine is missing."""
    if in_ci():
        pytest.fail(f"missing in CI: {what}", pytrace=False)
    pytest.skip(f"missing: {what}")


def need(tool: str) -> str:
    """Return the path of a program that the test cannot do without: of this environment, else on PATH."""
    found = shutil.which(tool, path=str(SCRIPTS)) or shutil.which(tool)
    return found if found is not None else lacking(tool)


def need_llvm(tool: str) -> str:
    """Return the path of a program of LLVM, which Debian may have under a name with the version alone."""
    if shutil.which(tool) is None:
        versioned = [path for folder in os.get_exec_path() for path in Path(folder).glob(f"{tool}-[0-9]*")]
        if versioned:
            return str(max(versioned, key=lambda path: int(path.name.rpartition("-")[2])))
    return need(tool)


def need_library(name: str) -> None:
    """See that programs can be linked with a library of the system: ``need_library("odbc")``."""
    file = f"lib{name}.so"
    said = subprocess.run([need("gcc"), f"-print-file-name={file}"], capture_output=True, text=True, check=True)
    if said.stdout.strip() == file:
        lacking(f"{file} and what is needed to link it")


def find_python(version: str) -> Path:
    """Return an interpreter of a minor version: pyenv's newest of it, else ``pythonX.Y`` on PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [path for path in root.glob(f"versions/{version}.*/bin/python") if path.parents[1].name[-1].isdigit()]
    if found:
        return max(found, key=lambda path: int(path.parents[1].name.rpartition(".")[2]))
    named = shutil.which(f"python{version}")
    return Path(named) if named is not None else lacking(f"Python {version} (pyenv install {version})")


def clean_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this environment without what would steer a build, with this venv's scripts first on PATH."""
    env = {name: value for name, value in os.environ.items() if not _PERSONAL.fullmatch(name)}
    env["PATH"] = os.pathsep.join([str(SCRIPTS), env.get("PATH", "")])
    if os.environ.get("WHEELMATRIX_TEST_RUSTUP") != "yes":  # no test downloads a part of Rust by the way
        env["RUSTUP_DIST_SERVER"] = "http://127.0.0.1:9"
    return {**env, **(changes or {})}


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
    check: bool = False,
) -> Ran:
    """Run a program to its end; past its time it is asked to end, then made to.

    Args:
        argv: Program and arguments.
        cwd: Where.
        env: Changes to the clean environment.
        timeout: Seconds.
        check: Whether a failure fails the test.
    """
    words = tuple(str(word) for word in argv)
    began = time.monotonic()
    with subprocess.Popen(
        words,
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as child:
        late = ""
        try:
            out, err = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            late = f"\nstill running after {timeout:g} s"
            child.send_signal(signal.SIGTERM)
            try:
                out, err = child.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                child.kill()
                out, err = child.communicate()
    ran = Ran(words, cwd, child.returncode, out, err + late, time.monotonic() - began)
    if late or (check and ran.exit):
        pytest.fail(str(ran), pytrace=False)
    return ran
