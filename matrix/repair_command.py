"""The repair command: finished wheels made whole, as new ones in a directory of their own."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from matrix.auditing import Analysis
from matrix.errors import ToolError, UsageError, WheelmatrixError
from matrix.files import shown
from matrix.machine import find_tool
from matrix.model import Compatibility
from matrix.platforms import parse_compatibility
from matrix.repairing import Patchelf, Places
from matrix.repairing.doing import Strip
from matrix.repairing.patchelf import run_from_thread
from matrix.repairing.places import given_directories, loader_directories, sysroot_directories
from matrix.repairing.wheels import Repaired, Repairs, Workbench, repair_wheel
from matrix.schemas import document_text
from matrix.telling import say
from matrix.tools import PATCHELF

__all__ = ["repair", "repair_wheels"]

_STRIPS = ("llvm-strip", "strip")


def repair(options: argparse.Namespace) -> int:
    """Bring along what finished wheels need; print the new wheels; 1 when one cannot be repaired."""
    done = anyio.run(repair_wheels, options)
    if options.json:
        sys.stdout.write(document_text(done))
        return done.exit_code
    for one in done.wheels:
        _tell(one, quiet=options.quiet)
    made = [Path(options.out) / one.wheel.file for one in done.wheels if one.wheel is not None]
    sys.stdout.write("".join(f"{shown(path, Path.cwd())}\n" for path in made))
    return done.exit_code


def _tell(one: Repaired, *, quiet: bool) -> None:
    """Say what became of a wheel."""
    if one.wheel is None:
        say("error", f"{one.file}: {one.reason}")
        sys.stderr.write("".join(f"    {line}\n" for line in one.details.splitlines()))
        if one.hint:
            say("hint", one.hint)
    elif not quiet:
        names = ", ".join(library.library for library in one.bundled)
        say("note", f"{one.file}: {f'brings along {names}' if names else 'lacks no library'}")


async def repair_wheels(options: argparse.Namespace) -> Repairs:
    """Repair the wheels that the options name, one after another; one that cannot be does not stop the others.

    Raises:
        UsageError: A path names no file, or a flag cannot be obeyed.
    """
    paths = [Path(name) for name in options.wheels]
    for path in paths:
        if not path.is_file():
            raise UsageError(f"no such wheel: {path}")
    bench = _workbench(options, os.environ)
    return await anyio.to_thread.run_sync(_all, paths, bench)


def _all(paths: Sequence[Path], bench: Workbench) -> Repairs:
    return Repairs(wheels=tuple(_guarded(path, bench) for path in paths))


def _guarded(path: Path, bench: Workbench) -> Repaired:
    try:
        return repair_wheel(path, bench)
    except WheelmatrixError as error:
        reason = error.message.removeprefix(f"{path.name}: ")
        return Repaired(file=path.name, status="failed", reason=reason, hint=error.hint)
    except OSError as error:
        return Repaired(file=path.name, status="failed", reason=f"{error.filename}: {error.strerror or error}")


def _workbench(options: argparse.Namespace, environ: Mapping[str, str]) -> Workbench:
    out = Path(options.out)
    level = parse_compatibility(options.plat, "--plat") if options.plat is not None else None
    if level is not None and (not isinstance(level, Compatibility) or level.version is None):
        raise UsageError(f"--plat {options.plat} is no level", hint="write manylinux_2_28 or musllinux_1_2")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the out directory {out} cannot be made: {error.strerror or error} (--out)") from None
    return Workbench(
        out=out,
        level=level,
        exclude=tuple(options.exclude or ()),
        places=partial(_places, given=options.ldpaths, environ=environ),
        patchelf=Patchelf(find_tool(PATCHELF, environ)),
        strip=_strip() if options.strip else None,
    )


def _places(analysis: Analysis, *, given: str | None, environ: Mapping[str, str]) -> Places:
    """Return where libraries of a wheel are looked for; this machine's own count for wheels of its platform alone."""
    directories = given_directories(environ.get("LD_LIBRARY_PATH", "") if given is None else given)
    if not analysis.binaries:  # for Windows and macOS
        path = given_directories(environ.get("PATH", "")) if given is None and sys.platform == "win32" else ()
        return Places(given=directories, system=path)
    if given is not None:
        return Places(given=directories, system=sysroot_directories(directories, analysis.libc, analysis.arch))
    machine, libc = platform.machine(), "glibc" if "glibc" in platform.libc_ver()[0] else "musl"
    if sys.platform == "linux" and machine == analysis.arch and analysis.libc in {"", libc}:
        return Places(given=directories, system=loader_directories(analysis.libc, analysis.arch))
    foreign = f"libraries of this machine are not those of {analysis.libc} on {analysis.arch}: --ldpaths names others"
    return Places(given=directories, why_no_system=foreign)


def _strip() -> Strip:
    """Return what strips a file, for any architecture where LLVM's is there.

    Raises:
        UsageError: No program does.
    """
    program = next(filter(None, map(shutil.which, _STRIPS)), None)
    if program is None:
        raise UsageError("--strip needs a strip program, and none is on PATH", hint="apt-get install llvm, or binutils")

    def strip(file: Path) -> None:
        ran = run_from_thread((program, "--strip-all", str(file)))
        if ran.exit:
            words = ran.stderr.strip().splitlines()[-1:] or [f"exit {ran.exit}"]
            raise ToolError(f"{program} failed on {file.name}: {words[0]}", hint="leave --strip out")

    return strip
