"""What this machine has to build with: tools, glibc, standard libraries, linkers; asked once, before planning."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec

from matrix.ahead import rustc_program
from matrix.driver import Driver, Host, Tool, XwinOptions
from matrix.engines import find_containers, wants_containers
from matrix.errors import ToolError
from matrix.model import Command, Target
from matrix.platforms import host_target, known_triples, parse_target
from matrix.process import capture
from matrix.project import Project, find_cargo
from matrix.project.cargo_config import configured_linkers, configured_offline

__all__ = ["bare_host", "find_tool", "look_around", "versions"]

_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?(?:[-+.][\w.]+)?")
_CONSENT = ("WHEELMATRIX_ACCEPT_XWIN_LICENSE", "XWIN_ACCEPT_LICENSE")  # the second one is xwin's own
_TRUE = frozenset({"1", "true", "yes", "on"})


async def look_around(
    project: Project, drivers: Sequence[Driver], cargo: str, environ: Mapping[str, str], *, licensed: bool = False
) -> Host:
    """Return what drivers may know of this machine.

    Args:
        project: The project, whose directory may choose a toolchain.
        drivers: The drivers, which say what tools they look for.
        cargo: The cargo to call.
        environ: The environment.
        licensed: Whether a flag accepted Microsoft's licence.

    Raises:
        ToolError: There is no rustc, or it does not work.
    """
    offline = project.flags.offline or project.flags.frozen
    host = Host(
        target=await host_target(project.root),
        tools={**_found(drivers, environ), "cargo": cargo},
        glibc=_glibc(),
        linkers=configured_linkers(project.root, environ, project.flags.config),
        options={
            "xwin": XwinOptions(accept_license=licensed or _consent(project, environ)),
            "docker": project.options.docker,
        },
        offline=offline,
        cargo_offline=offline or configured_offline(project.root, environ, project.flags.config),
        fetched=project.fetched,
    )
    sysroot = await _sysroot(project.root)
    if sysroot is not None:
        host = msgspec.structs.replace(host, sysroot=str(sysroot), stds=frozenset(_stds(sysroot)))
    if wants_containers(project.options):
        containers = await find_containers(project.options.docker, host, project.root, environ)
        host = msgspec.structs.replace(host, containers=containers)
    return host


async def bare_host(drivers: Sequence[Driver], environ: Mapping[str, str], root: Path) -> Host:
    """Return what can be said of this machine without a project, and even without Rust.

    Args:
        drivers: The drivers, which say what tools they look for.
        environ: The environment.
        root: Where rustc is asked.
    """
    with suppress(ToolError):
        find_cargo()  # its neighbours are found with it
    tools = _found(drivers, environ)
    try:
        target = await host_target(root)
    except ToolError:
        target = _guessed_target()
    return Host(target=target, tools=tools, glibc=_glibc())


def _found(drivers: Sequence[Driver], environ: Mapping[str, str]) -> dict[str, str]:
    tools = {tool.name: tool for driver in drivers for tool in driver.tools}
    return {name: path for name, tool in tools.items() if (path := find_tool(tool, environ)) is not None}


def _guessed_target() -> Target:
    """Return what Rust calls the platform of this very Python."""
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    system = {"darwin": "apple-darwin", "win32": "pc-windows-msvc"}.get(sys.platform, "unknown-linux-gnu")
    if system == "unknown-linux-gnu" and _glibc() is None:
        system = "unknown-linux-musl"
    name = f"{machine}-{system}"
    return known_triples().get(name) or parse_target("x86_64-unknown-linux-gnu")


def find_tool(tool: Tool, environ: Mapping[str, str]) -> str | None:
    """Return the path of a program: the one a variable names, one of our own environment, else on PATH."""
    named = environ.get(tool.variable, "") if tool.variable else ""
    if named:
        return shutil.which(named)
    suffix = ".exe" if sys.platform == "win32" else ""
    if tool.package is not None:
        package, inside = tool.package
        spec = importlib.util.find_spec(package)
        for folder in spec.submodule_search_locations or () if spec is not None else ():
            if (path := Path(folder, f"{inside}{suffix}")).is_file():
                return str(path)
    return shutil.which(tool.name, path=sysconfig.get_path("scripts")) or shutil.which(
        tool.name, path=environ.get("PATH")
    )


async def versions(tools: Iterable[Tool], paths: Mapping[str, str], root: Path) -> dict[str, str]:
    """Ask tools for their versions, all at once; one that does not answer is absent.

    Args:
        tools: The tools.
        paths: Where each was found, by name.
        root: Where they are run.
    """
    answers: dict[str, str] = {}

    async def ask(tool: Tool) -> None:
        try:
            said = await capture(Command(argv=(paths[tool.name], *tool.version)), root=root)
        except ToolError:
            return
        match = _VERSION.search(said.stdout)
        if said.exit == 0 and match is not None:
            answers[tool.name] = match[0]

    async with anyio.create_task_group() as group:
        for tool in tools:
            if tool.version and tool.name in paths:
                group.start_soon(ask, tool)
    return dict(sorted(answers.items()))


def _consent(project: Project, environ: Mapping[str, str]) -> bool:
    said = any(environ.get(name, "").strip().lower() in _TRUE for name in _CONSENT)
    return said or project.options.xwin.accept_license


def _glibc() -> tuple[int, int] | None:
    """Return the glibc that this process runs on; what is linked here needs no newer one."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):  # another libc, another system
        return None
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if name == "glibc" and match else None


async def _sysroot(root: Path) -> Path | None:
    try:
        said = await capture(Command(argv=(rustc_program(os.environ), "--print", "sysroot")), root=root)
    except ToolError:
        return None
    return Path(said.stdout.strip()) if said.exit == 0 and said.stdout.strip() else None


def _stds(sysroot: Path) -> Iterable[str]:
    for folder in (sysroot / "lib" / "rustlib").glob("*/lib"):
        if next(folder.glob("libcore-*.rlib"), None) is not None:
            yield folder.parent.name
