"""What containers can be run with on this machine: an engine that answers, and a Rust that can be mounted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.to_thread

from matrix.driver import Containers, DockerOptions, Host
from matrix.errors import ToolError
from matrix.model import Command
from matrix.platforms.answers import home_directory
from matrix.process import capture
from matrix.project import Options

__all__ = ["find_containers", "images_here", "wants_containers"]

ENGINES = ("docker", "podman")  # in the order in which they are looked for
TIMEOUT = 20.0  # seconds in which an engine must answer
_SYSTEM = frozenset(map(Path, ("/", "/usr", "/usr/local", "/opt")))


def wants_containers(options: Options) -> bool:
    """Whether a row of the matrix names an image or the docker driver."""
    rows = (*options.include, *options.overrides)
    return any(row.image is not None or row.driver == "docker" for row in rows)


async def find_containers(
    options: DockerOptions, host: Host, root: Path, environ: Mapping[str, str]
) -> Containers | None:
    """Ask the engine that the project names, else the first one found, and look for a Rust to mount.

    Args:
        options: The project's wishes.
        host: The machine as far as it is known.
        root: The project's root, which may choose a toolchain.
        environ: The environment.
    """
    names = [name for name in ENGINES if name in host.tools and options.engine in {None, name}]
    if not names:
        return None
    engine, program = names[0], host.tools[names[0]]
    fault, rootless = await _ask(engine, program, root)
    rust, mounts = await _rust(host, root)
    return Containers(
        engine=engine,
        program=program,
        fault=fault,
        user="0:0" if rootless else _user(),
        cargo_home=_cargo_home(environ),
        rust=rust,
        mounts=mounts,
    )


async def _ask(engine: str, program: str, root: Path) -> tuple[str, bool]:
    """Return why an engine does not answer, and whether root in its containers is the caller outside."""
    if engine == "podman":
        asked, mark = ("info", "--format", "rootless={{.Host.Security.Rootless}}"), "rootless=true"
    else:
        asked, mark = ("info", "--format", "{{json .SecurityOptions}}"), "name=rootless"
    try:
        said = await capture(Command(argv=(program, *asked)), root=root, timeout=TIMEOUT)
    except ToolError as error:
        return error.message, False
    if said.exit:
        lines = [line for line in said.stderr.splitlines() if line.strip()]
        return (lines[-1].strip() if lines else f"exit code {said.exit}"), False
    return "", mark in said.stdout


async def images_here(names: Sequence[str], containers: Containers | None, root: Path) -> dict[str, bool]:
    """Ask an engine which images it has; nothing where none answers.

    Args:
        names: The images.
        containers: The engine.
        root: Where it is asked.
    """
    found: dict[str, bool] = {}
    if containers is None or containers.fault:
        return found
    for name in names:
        command = Command(argv=(containers.program, "image", "inspect", "--format", "{{.Id}}", name))
        with suppress(ToolError):
            found[name] = (await capture(command, root=root, timeout=TIMEOUT)).exit == 0
    return found


def _cargo_home(environ: Mapping[str, str]) -> str:
    home = home_directory(environ)
    return str(Path(environ.get("CARGO_HOME") or (home or Path()) / ".cargo").absolute())


def _user() -> str:
    return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else "0:0"


async def _rust(host: Host, root: Path) -> tuple[str, tuple[str, ...]]:
    """Return the directory of cargo and rustc, and what must be mounted with it; nothing for a system's own Rust.

    rustup's programs only choose others; a linked toolchain may be made of pieces.
    """
    real: list[Path] = []
    for name in ("cargo", "rustc"):
        path = shutil.which(name)
        if (rustup := host.tools.get("rustup")) is not None:
            try:
                said = await capture(Command(argv=(rustup, "which", name)), root=root)
            except ToolError:
                said = None
            if said is not None and not said.exit and said.stdout.strip():
                path = said.stdout.strip()
        if path is None:
            return "", ()
        real.append(Path(path))
    folders = await anyio.to_thread.run_sync(_folders, real, host.sysroot)
    if any(folder in _SYSTEM for folder in folders):
        return "", ()
    return str(folders[0] / "bin"), tuple(map(str, dict.fromkeys(folders)))


def _folders(programs: list[Path], sysroot: str) -> list[Path]:
    """Return the installations that programs belong to, the one that has both first; links are followed."""
    together = programs[0].parent.resolve().parent
    return [together, *(path.resolve().parent.parent for path in programs), Path(sysroot or together).resolve()]
