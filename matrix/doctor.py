"""The doctor command: looks at what a matrix needs of this machine, and installs what is missing when told yes."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import anyio
import msgspec

from matrix.checkup import CheckedTool, Checkup, Remark
from matrix.driver import Driver, Tool
from matrix.engines import images_here
from matrix.errors import ToolError
from matrix.gathering import Gathered, gather
from matrix.machine import bare_host, find_tool, versions
from matrix.masking import mask_urls
from matrix.model import Interpreter
from matrix.planning.examine import examine, examine_host
from matrix.planning.installing import RUST_INFO, Action, Means, actions
from matrix.platforms.answers import cache_directory
from matrix.process import run
from matrix.repairs import brings_libraries, with_patchelf
from matrix.reporting.document import read_report
from matrix.reporting.text import clean
from matrix.running.cbindgen import INSTALL, may_install
from matrix.running.signals import stopped_by_signals
from matrix.running.state import read_state
from matrix.telling import leaves
from matrix.tools import PATCHELF

__all__ = ["consent", "doctor", "install", "look", "means_here"]

Say = Callable[[str], None]


async def look(options: argparse.Namespace, drivers: Sequence[Driver]) -> Checkup:
    """Return what the project's matrix needs and lacks here; outside a project, what the machine has.

    Raises:
        KeyboardInterrupt: A signal came.
        UsageError: A flag cannot be obeyed.
        ConfigError: A file of the project cannot be read or obeyed.
    """
    cwd = Path.cwd()
    if options.manifest_path is None and not any((cwd / name).is_file() for name in ("pyproject.toml", "Cargo.toml")):
        return await _alone(drivers, cwd)
    try:
        gathered = await gather(options, drivers, surveys=True)
    except Exception as error:
        broken = next((leaf for leaf in leaves(error) if isinstance(leaf, ToolError)), None)
        if broken is None:
            raise
        text = f"the project cannot be read: {broken.message}"
        return await _alone(drivers, cwd, (Remark(text=text, hint=broken.hint),))
    tools = [*(tool for driver in drivers for tool in driver.tools), PATCHELF]
    root = gathered.project.root
    patchelf = find_tool(PATCHELF, os.environ)
    paths = {**gathered.host.tools, **({PATCHELF.name: patchelf} if patchelf is not None else {})}
    known = await versions(tools, paths, root)
    named = {build.settings.image for build in gathered.plan.builds} - {None}
    images = await images_here(sorted(filter(None, named)), gathered.host.containers, root)
    found = examine(gathered.project, gathered.request, gathered.facts, known, images)
    if any(build.target.os == "linux" for build in gathered.plan.builds):
        states = (read_state(gathered.workshop.state(build.id)) for build in gathered.plan.builds)
        needed = brings_libraries(states, read_report(gathered.project.target_dir / "wheels" / "report.json"))
        found = with_patchelf(found, patchelf, known.get(PATCHELF.name), needed=needed)
    found = msgspec.structs.replace(found, header=await _header(gathered))
    lacking = await gathered.missing_generator()
    if lacking is None:
        return found
    remark = Remark(text=lacking.message, hint=lacking.hint)
    return msgspec.structs.replace(found, ready=False, problems=(*found.problems, remark))


async def _header(gathered: Gathered) -> CheckedTool | None:
    """Return what is known of the program that writes the header of cffi bindings, where one is needed and may come."""
    path = gathered.cbindgen
    if not gathered.wants_header or (path is None and not may_install(gathered.host)):
        return None
    tool = Tool(name="cbindgen", install=INSTALL, needed=False)
    known = await versions([tool], {tool.name: path} if path is not None else {}, gathered.project.root)
    return CheckedTool(name=tool.name, path=path, version=known.get(tool.name), needed=False, install=tool.install)


async def _alone(drivers: Sequence[Driver], cwd: Path, problems: tuple[Remark, ...] = ()) -> Checkup:
    from matrix.platforms.discover import find_installations  # noqa: PLC0415

    found: list[Interpreter] = []
    async with stopped_by_signals() as scope:
        host = await bare_host(drivers, os.environ, cwd)
        known = await versions([tool for driver in drivers for tool in driver.tools], host.tools, cwd)
        found = [one.interpreter for one in (await find_installations()).installations]
    if scope.cancel_called:
        raise KeyboardInterrupt
    return examine_host(host, drivers, known, pythons=found, problems=problems)


def means_here() -> Means:
    """Return what installs things on this machine."""
    cache = cache_directory(os.environ) or Path(".wheelmatrix-cache").absolute()
    apt = shutil.which("apt-get")
    return Means(
        python=sys.executable,
        pip=importlib.util.find_spec("pip") is not None,
        uv=shutil.which("uv"),
        rustup=shutil.which("rustup"),
        apt=apt,
        other="" if apt is not None else next((name for name in ("dnf", "brew") if shutil.which(name)), ""),
        root=getattr(os, "geteuid", lambda: 1)() == 0,
        rust=str(cache / "rust"),
    )


def consent(checkup: Checkup, means: Means, *, yes: bool, say: Say) -> tuple[Action, ...]:
    """Show the commands and return those to run, when told yes by ``yes`` or at the terminal."""
    planned = actions(checkup.commands, means)
    for action in planned:
        say(f"  {action.text}{f'   ({action.why_not}: not run)' if action.why_not else ''}")
    runnable = tuple(action for action in planned if action.command is not None)
    if not runnable:
        return ()
    if yes:
        return runnable
    if not sys.stdin.isatty():
        say("nothing was run: say --yes, or answer at a terminal")
        return ()
    sys.stderr.write(f"run {'it' if len(runnable) == 1 else f'these {len(runnable)} commands'}? [y/N] ")
    sys.stderr.flush()
    return runnable if sys.stdin.readline().strip().lower() in {"y", "yes"} else ()


async def install(planned: Sequence[Action], means: Means, say: Say) -> bool:
    """Run commands one after another, with their own words; stop at the first that fails.

    Returns:
        Whether all went well.

    Raises:
        KeyboardInterrupt: A signal came.
    """
    async with stopped_by_signals() as scope:
        for action in planned:
            if not await _run(action, say):
                return False
            _adopt_rust(Path(means.rust, RUST_INFO), action, say)
    if scope.cancel_called:
        raise KeyboardInterrupt
    importlib.invalidate_caches()
    return True


async def _run(action: Action, say: Say) -> bool:
    if action.command is None:
        return True
    say(f"$ {action.text}")

    def tell(text: str) -> str:
        say(f"  {mask_urls(clean(text))}")
        return text

    try:
        ended = await run(action.command, root=Path.cwd(), on_stdout=tell, on_stderr=tell)
    except ToolError as error:
        say(f"error: {error.message}")
        return False
    if ended.exit:
        say(f"error: {action.text} ended with {ended.exit}")
    return not ended.exit


def _adopt_rust(info: Path, action: Action, say: Say) -> None:
    """Use a Rust that was just installed in a directory of ours, and say how others can."""
    if str(info) not in (action.command.argv if action.command is not None else ()):
        return
    env = json.loads(info.read_text(encoding="utf-8"))["env"]
    say("this Rust is used where these variables are set:")
    for name, value in env.items():
        shown = os.pathsep.join([value.split(os.pathsep)[0], "$PATH"]) if name == "PATH" else shlex.quote(value)
        say(f"  export {name}={shown}")
        os.environ[name] = value


def doctor(options: argparse.Namespace, drivers: Sequence[Driver], show: Callable[[Checkup], None]) -> int:
    """Look, install when asked, look again; return 0 when the matrix can be built, else 1.

    Args:
        options: The parsed command line.
        drivers: All of them.
        show: Prints what was found.
    """

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    found = anyio.run(look, options, drivers)
    if options.install and found.commands:
        say("what is missing can be installed by:")
        means = means_here()
        planned = consent(found, means, yes=options.yes, say=say)
        if planned:
            well = anyio.run(partial(install, planned, means, say))
            found = anyio.run(look, options, drivers)
            show(found)
            return int(not (well and found.ready))
    show(found)
    return int(not found.ready)
