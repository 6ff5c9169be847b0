"""Where a run writes and what goes there: seen before it starts that it can, and told what to know of it."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from matrix.errors import UsageError
from matrix.files import REPORT, shown
from matrix.gathering import Gathered

__all__ = ["OTHER_TARGET", "make_writable", "report_path", "stripped", "watched"]

OTHER_TARGET = "choose another target directory with --target-dir or CARGO_TARGET_DIR"
"""What to do when cargo's target directory cannot be written; front ends hand on the variable alone."""


def make_writable(out: Path, origin: str, what: str = "out directory") -> None:
    """Make a directory that files can be written to.

    Args:
        out: The directory.
        origin: The flag that named it, or what it lies in.
        what: What it is, for the message.

    Raises:
        UsageError: It cannot be.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except FileExistsError:
        why = "a file is there, or a link that leads nowhere"
    except OSError as error:
        why = error.strerror or str(error)
    else:
        return
    hint = f"choose another one with {origin}" if origin.startswith("--") else OTHER_TARGET
    raise UsageError(f"the {what} {out} cannot be written: {why} ({origin})", hint=hint)


def report_path(gathered: Gathered, options: argparse.Namespace, out: Path, *, private: bool) -> Path:
    """Return where the report goes.

    Args:
        gathered: The project and its plan.
        options: The parsed command line.
        out: The out directory.
        private: Whether it stays beside the lanes.

    Raises:
        UsageError: ``--report`` names no file that can be written.
    """
    if private:
        return gathered.workshop.base / REPORT
    if options.report is None:
        return out / REPORT
    if options.report == "-":
        raise UsageError("--report - is no file", hint="--json prints the report on stdout")
    path = gathered.cwd / Path(options.report)
    if path.is_dir():
        raise UsageError(f"--report {options.report} is a directory", hint="name a file in it")
    make_writable(path.parent, "--report", "directory of the report")
    return path


def watched(gathered: Gathered, out: Path) -> list[str]:
    """Warn of files that a build script which watches its whole package would see change in every run."""
    crate = gathered.project.crate
    if not any("custom-build" in target.kind for target in crate.targets):
        return []
    warnings = []
    outputs = (("target directory", gathered.project.target_dir), ("build directory", gathered.project.build_dir))
    for what, path in (("out directory", out), *outputs):
        if path is None:
            continue
        inside = path.resolve().is_relative_to(crate.directory)
        if inside and path.resolve().relative_to(crate.directory).parts[:1] != ("target",):
            warnings.append(
                f"the {what} {shown(path, gathered.cwd)} lies inside the package: a build script without"
                " rerun-if-changed runs again each time, and its crate compiles again"
            )
    return warnings


def stripped(gathered: Gathered, options: argparse.Namespace) -> list[str]:
    """Warn of builds that have no debug info to lay beside them, as maturin does."""
    names = [build.id for build in gathered.plan.builds if options.include_debuginfo and build.settings.strip]
    return [f"--include-debuginfo means nothing for what is stripped: {', '.join(names)}"] if names else []
