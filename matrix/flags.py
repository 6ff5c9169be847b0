"""Every command and its flags, in maturin's words where maturin has one."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from matrix.audit_flags import add_audit
from matrix.cargo_flags import add_cargo
from matrix.flag_values import positive
from matrix.repair_flags import fill_repair
from matrix.run_flags import add_run, fill_clean
from matrix.upload_flags import add_index, add_publish
from matrix.wheel_flags import add_contents, add_packing

__all__ = ["COMMANDS"]

_CELLS = "which wheels"
_OUTPUT = "output"


def _fill_build(parser: argparse.ArgumentParser) -> None:
    _add_selection(parser)
    add_run(parser)
    output = parser.add_argument_group(_OUTPUT)
    output.add_argument(
        "-o", "--out", metavar="DIR", help="directory the wheels go to (default: wheels in cargo's target directory)"
    )
    output.add_argument(
        "--sdist",
        action="store_true",
        help="make the source distribution first, and build the wheels from it",
    )
    output.add_argument(
        "--report", metavar="PATH", help="where the JSON report goes (default: report.json in the out directory)"
    )
    output.add_argument("--json", action="store_true", help="print the report on stdout instead of the wheel paths")
    output.add_argument("-q", "--quiet", action="store_true", help="write nothing but errors to stderr")
    output.add_argument(
        "--log-format", choices=["console", "json"], help="write an event log to stderr instead of the progress display"
    )
    _add_common(output)
    add_contents(parser)
    add_packing(parser)


def _fill_plan(parser: argparse.ArgumentParser) -> None:
    _add_selection(parser)
    parser.add_argument("-j", "--jobs", type=positive, metavar="N", help="slots of the run that is planned")
    output = parser.add_argument_group(_OUTPUT)
    output.add_argument("-o", "--out", metavar="DIR", help=argparse.SUPPRESS)
    output.add_argument("--timeout", metavar="TIME", help=argparse.SUPPRESS)
    output.add_argument(
        "--json",
        action="store_true",
        help="print the plan as JSON: cells, builds with their commands, expected files, what is left out",
    )
    output.add_argument("--explain", action="store_true", help="say for every cell which driver builds it and why")
    _add_common(output)
    add_contents(parser)
    add_packing(parser)


def _fill_doctor(parser: argparse.ArgumentParser) -> None:
    _add_selection(parser)
    parser.add_argument(
        "--install",
        action="store_true",
        help="show the commands that install what is missing, run them when told yes, and look again",
    )
    parser.add_argument("-y", "--yes", action="store_true", help="run them without asking")
    output = parser.add_argument_group(_OUTPUT)
    output.add_argument("--timeout", metavar="TIME", help=argparse.SUPPRESS)
    output.add_argument("--json", action="store_true", help="print what was found as JSON")
    _add_display(output)


def _fill_sdist(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", "--manifest-path", metavar="PATH", help="path to Cargo.toml")
    parser.add_argument(
        "-o", "--out", metavar="DIR", help="directory the archive goes to (default: wheels in cargo's target directory)"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="write nothing but errors to stderr")
    _add_display(parser)


def _fill_new(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="directory of the project; it is made, or empty")
    _add_scaffold(parser)


def _fill_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        metavar="PATH",
        nargs="?",
        default=".",
        help="directory of the project (default: this one); files that are there stay as they are",
    )
    _add_scaffold(parser)


def _add_scaffold(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", help="name of the project (default: the directory's)")
    parser.add_argument("--mixed", action="store_true", help="with a Python package around the Rust module, in python")
    parser.add_argument("--src", action="store_true", help="with --mixed: the package in src and the crate in rust")
    parser.add_argument(
        "-b",
        "--bindings",
        metavar="KIND",
        help="pyo3, rust-cpython, cffi, uniffi or bin (default: asked at a terminal, else pyo3)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but the directory and errors")
    _add_display(parser)


def _fill_develop(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-b", "--bindings", metavar="KIND", help="bindings, when detection should not decide")
    add("-E", "--extras", action="append", metavar="EXTRAS", help="install these extras too, separated by commas")
    add("-G", "--group", action="append", metavar="GROUPS", help="install these dependency groups too (PEP 735)")
    add("--skip-install", action="store_true", help="put the module beside the Python code, and install nothing")
    add("--pip-path", metavar="PROGRAM", help="pip to install with (22.3 or newer)")
    add("--uv", action="store_true", help="install with uv (default where the environment has no pip)")
    add("-j", "--jobs", type=positive, metavar="N", help="at most N rustc processes at a time")
    add("-q", "--quiet", action="store_true", help="write nothing but errors to stderr")
    _add_common(parser)
    add_cargo(parser)
    add_packing(parser)


def _fill_publish(parser: argparse.ArgumentParser) -> None:
    parser.conflict_handler = "resolve"  # -r is --repository here, as in maturin
    _fill_build(parser)
    add_publish(parser)


def _fill_upload(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="wheels and source distributions")
    add_index(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="write nothing but errors to stderr")
    _add_display(parser)


def _fill_interpreters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    parser.add_argument("--target", metavar="TRIPLE", help="list what is known from tables for this target instead")
    _add_display(parser)


def _fill_audit(parser: argparse.ArgumentParser) -> None:
    add_audit(parser)
    _add_display(parser)


def _fill_schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=["config", "report", "plan", "doctor", "audit"],
        help="whose JSON Schema: [tool.wheelmatrix], the report, or what plan, doctor or audit print with --json",
    )


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "build": ("build, audit and collect the wheels of a project", _fill_build),
    "plan": ("show what build would do, and compile nothing", _fill_plan),
    "sdist": ("make the source distribution of a project, and compile nothing", _fill_sdist),
    "new": ("make a project in a new directory", _fill_new),
    "init": ("make a project in a directory that exists", _fill_init),
    "develop": ("build for the active virtual environment, and install in place", _fill_develop),
    "publish": ("build everything, and upload it when all of it was built", _fill_publish),
    "upload": ("upload finished wheels and source distributions", _fill_upload),
    "doctor": ("say what this machine lacks to build the whole matrix, and install it when told yes", _fill_doctor),
    "interpreters": ("list the Pythons found on this machine", _fill_interpreters),
    "audit": ("judge finished wheels, made by anyone", _fill_audit),
    "repair": ("bring along the libraries that finished wheels need, in new wheels", fill_repair),
    "clean": ("remove lanes and logs of earlier runs; wheels stay", fill_clean),
    "schema": ("print a JSON Schema", _fill_schema),
}


def _add_selection(parser: argparse.ArgumentParser) -> None:
    """Add what decides which wheels are made and how cargo makes them; plan and build share it."""
    cells = parser.add_argument_group(_CELLS)
    add = cells.add_argument
    add(
        "-i",
        "--interpreter",
        nargs="*",
        action="extend",
        metavar="PYTHON",
        help='Pythons to build for: "3.12", ">=3.10", "3.13t", "pypy3.11", python3.12, or a path; '
        "several after one flag, repeatable",
    )
    add("-f", "--find-interpreter", action="store_true", help="build for every usable Python found on this machine")
    add(
        "--target",
        action="append",
        metavar="TRIPLE",
        help="Rust target triple, repeatable (default: what cargo's configuration names, or the host)",
    )
    add(
        "--universal2",
        action="store_true",
        help="build for both kinds of Mac and join them in one wheel (target universal2-apple-darwin alone)",
    )
    add(
        "--compatibility",
        "--manylinux",
        nargs="*",
        action="extend",
        metavar="LEVEL",
        help="platform-tag levels: manylinux_2_28, 2014, 2_28, musllinux_1_2, linux, off, auto, pypi; one "
        "wheel for each that fits the target (default: the best one met)",
    )
    add(
        "--only",
        nargs="+",
        action="extend",
        metavar="CELL",
        help="build only these cells; the ids that plan shows, with * and ?",
    )
    _add_drivers(cells)
    kinds = "pyo3, pyo3-ffi, bin, cffi, uniffi, rust-cpython"
    add("-b", "--bindings", metavar="KIND", help=f"bindings, when detection should not decide: {kinds}")
    add(
        "--auditwheel",
        choices=["repair", "check", "warn", "skip"],
        help="what to do about the platform tag: repair brings along libraries that no level allows (default), "
        "check fails instead, warn gives the best tag met",
    )
    add(
        "--skip-auditwheel",
        action="store_true",
        help="trust the level asked for, do not audit (same as --auditwheel skip)",
    )
    add_cargo(parser)


def _add_drivers(group: Any) -> None:
    """Add what decides on drivers."""
    group.add_argument(
        "--zig",
        action="store_true",
        help="link with zig wherever it can, against the glibc of the level (default: the lowest that Rust has)",
    )
    group.add_argument(
        "--accept-xwin-license",
        action="store_true",
        help="accept Microsoft's licence for the Windows SDK and CRT (fwlink 2086102), which windows-msvc targets need "
        "(env WHEELMATRIX_ACCEPT_XWIN_LICENSE=1)",
    )


def _add_display(group: Any, verbose: str = "-vv shows a traceback with every error") -> None:
    group.add_argument("-v", "--verbose", action="count", default=0, help=verbose)
    group.add_argument(
        "--color",
        choices=["auto", "always", "never"],
        default="auto",
        help="colours (default: auto; NO_COLOR is obeyed)",
    )


def _add_common(group: Any) -> None:
    _add_display(group, "show cargo's own lines (-vv: and what it runs, with tracebacks)")
