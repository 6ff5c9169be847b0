"""Wires everything: each command from its options to its exit code; the only module that imports every driver."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from drivers import ALL
from matrix.errors import WheelmatrixError
from matrix.files import shown
from matrix.telling import drop_stdout, say

if TYPE_CHECKING:
    from matrix.building import Done
    from matrix.publishing import Publisher
    from matrix.sourcing import Made

__all__ = ["COMMANDS", "build_for_frontend", "metadata_for_frontend", "sdist_for_frontend"]


def build(options: argparse.Namespace) -> int:
    """Build the wheels; print their paths, or the report."""
    if options.plan:
        options.explain = False
        return plan(options)
    made, done = _build(options)
    _print(options, done, [*([made.path] if made is not None else []), *done.wheels])
    return done.exit_code


def _build(options: argparse.Namespace) -> tuple[Made | None, Done]:
    """Make the source distribution when it is asked for, and build the wheels."""
    from matrix.building import build_wheels  # noqa: PLC0415 - only builds need the running room

    if not options.sdist:
        return None, anyio.run(build_wheels, options, ALL)
    from matrix.sourcing import blame, make_sdist, unpacked  # noqa: PLC0415

    made = anyio.run(make_sdist, options)
    with unpacked(made, options) as changed:
        try:
            return made, anyio.run(partial(build_wheels, changed, ALL, made=made))
        except Exception as error:
            blame(error, made)
            raise


def _print(options: argparse.Namespace, done: Done | None, paths: Sequence[Path]) -> None:
    """Write data on stdout: paths, or the report when it is asked for."""
    if done is not None and options.json:
        from matrix.reporting.document import encode_report  # noqa: PLC0415

        text = encode_report(done.report).decode()
    else:
        text = "\n".join(shown(path, Path.cwd()) for path in paths)
    try:
        sys.stdout.write(f"{text}\n" if text else "")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader left early: the files are there all the same
        drop_stdout()


def develop(options: argparse.Namespace) -> int:
    """Build for the active virtual environment and install in place."""
    from matrix.building import build_wheels  # noqa: PLC0415
    from matrix.developing import build_options, find_environment, find_installation, install  # noqa: PLC0415

    python = find_environment(os.environ, Path.cwd())
    installation = None if options.skip_install else find_installation(options, python)
    with tempfile.TemporaryDirectory(prefix="wheelmatrix-") as out:
        done = anyio.run(build_wheels, build_options(options, python, out), ALL, True)
        if not done.exit_code and installation is not None:
            anyio.run(install, options, installation, python, done.wheels[0])
    return done.exit_code


def publish(options: argparse.Namespace) -> int:
    """Build everything and upload it; nothing is uploaded when some of it failed, unless told so."""
    from matrix.publishing import Publisher, building_options, refused, withheld  # noqa: PLC0415

    building = building_options(options, os.environ)
    if options.plan:
        return build(building)
    publisher = Publisher(options, os.environ)
    publisher.log_in()
    with withheld(os.environ):
        made, done = _build(building)
    files = [*([made.path] if made is not None else []), *done.wheels]
    code = refused([cell.status for cell in done.report.cells], done.exit_code, files, partial=options.partial)
    if code is not None:
        _print(options, done, [])
        return code
    return _upload(publisher, options, files, done) or done.exit_code


def _upload(publisher: Publisher, options: argparse.Namespace, files: Sequence[Path], done: Done | None = None) -> int:
    sent = publisher.upload(files)
    _print(options, done, sent.paths)
    return sent.exit_code


def upload(options: argparse.Namespace) -> int:
    """Upload finished files and print their paths."""
    from matrix.publishing import Publisher, find_files  # noqa: PLC0415 - only uploads need the publishing room

    paths = find_files(options.files)
    return _upload(Publisher(options, os.environ), options, paths)


def sdist(options: argparse.Namespace) -> int:
    """Make the source distribution and print its path."""
    sys.stdout.write(f"{shown(_sdist(options).path, Path.cwd())}\n")
    return 0


def sdist_for_frontend(options: argparse.Namespace) -> Path:
    """Make the source distribution for a Python front end."""
    return _sdist(options).path


def _sdist(options: argparse.Namespace) -> Made:
    from matrix.sourcing import make_sdist  # noqa: PLC0415 - only source distributions need the sources room

    made = anyio.run(make_sdist, options)
    if not options.quiet:
        for text in made.warnings:
            say("warning", text)
    return made


def build_for_frontend(options: argparse.Namespace) -> list[Path]:
    """Build for a Python front end; its report stays beside the lanes, out of the front end's directory.

    Raises:
        WheelmatrixError: A wheel could not be built.
    """
    from matrix.building import build_wheels  # noqa: PLC0415

    done = anyio.run(build_wheels, options, ALL, True)
    if done.exit_code or not done.wheels:
        failed = next((cell for cell in done.report.cells if cell.status == "failed"), None)
        raise WheelmatrixError(failed.reason if failed is not None else "no wheel was built")
    return done.wheels


def metadata_for_frontend(options: argparse.Namespace, directory: Path) -> str:
    """Write the metadata directory of the wheel that a build would make, without compiling; return its name."""
    from matrix.archives.gather import core_metadata  # noqa: PLC0415
    from matrix.archives.wheel import metadata_files  # noqa: PLC0415
    from matrix.cargo_flags import cargo_flags  # noqa: PLC0415
    from matrix.project import read_project  # noqa: PLC0415

    flags = cargo_flags(options)
    metadata = core_metadata(anyio.run(partial(read_project, Path.cwd(), flags, bindings=options.bindings)))
    for entry in metadata_files(metadata):
        path = directory / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes())
    return metadata.dist_info


def plan(options: argparse.Namespace) -> int:
    """Show what a build would do."""
    from matrix.archives.gather import check_python_side  # noqa: PLC0415
    from matrix.gathering import gather  # noqa: PLC0415
    from matrix.planning.document import plan_document  # noqa: PLC0415

    gathered = anyio.run(gather, options, ALL)
    check_python_side(gathered.project)
    if options.json:
        sys.stdout.write(plan_document(gathered.plan, gathered.commands(ALL, options)) + "\n")
        return 0
    from matrix.reporting.tables import render_plan  # noqa: PLC0415
    from matrix.reporting.text import symbols_for, wants_color  # noqa: PLC0415

    sys.stdout.write(
        render_plan(
            gathered.plan,
            symbols=symbols_for(sys.stdout.encoding),
            color=wants_color(options.color, sys.stdout),
            explain=options.explain,
        )
    )
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what the matrix needs and what of it is missing; 1 when something is."""
    from matrix.checkup import Checkup, checkup_document  # noqa: PLC0415
    from matrix.doctor import doctor as run_doctor  # noqa: PLC0415
    from matrix.reporting.checkup_table import render_checkup  # noqa: PLC0415
    from matrix.reporting.text import symbols_for, wants_color  # noqa: PLC0415

    def show(found: Checkup) -> None:
        if options.json:
            sys.stdout.write(checkup_document(found) + "\n")
            return
        symbols, color = symbols_for(sys.stdout.encoding), wants_color(options.color, sys.stdout)
        sys.stdout.write(render_checkup(found, symbols=symbols, color=color))

    return run_doctor(options, ALL, show)


def scaffold(options: argparse.Namespace) -> int:
    """Make a new project; print its directory."""
    from matrix.scaffolds import scaffold as make  # noqa: PLC0415 - only new and init need the scaffolds room

    return make(options)


def interpreters(options: argparse.Namespace) -> int:
    """List the Pythons found here, or those known from tables for a target."""
    from matrix.listing import list_interpreters  # noqa: PLC0415

    return list_interpreters(options)


def audit(options: argparse.Namespace) -> int:
    """Judge finished wheels; 1 when one of them has an error."""
    from matrix.judging import judge  # noqa: PLC0415

    return judge(options)


def repair(options: argparse.Namespace) -> int:
    """Bring along what finished wheels need, in new wheels; print their paths."""
    from matrix.repair_command import repair as run  # noqa: PLC0415 - only repair needs the repairing room

    return run(options)


def clean(options: argparse.Namespace) -> int:
    """Remove lanes and logs of earlier runs; print what was removed."""
    from matrix.cleaning import clean as run_clean  # noqa: PLC0415

    _print(options, None, anyio.run(run_clean, options))
    return 0


def schema(options: argparse.Namespace) -> int:
    """Print a JSON Schema."""
    if options.what == "config":
        from matrix.project.schema import schema as config_schema  # noqa: PLC0415

        document = config_schema()
    elif options.what == "report":
        from matrix.reporting.schema import schema as report_schema  # noqa: PLC0415

        document = report_schema()
    elif options.what == "audit":
        from matrix.auditing.schema import schema as audit_schema  # noqa: PLC0415

        document = audit_schema()
    elif options.what == "doctor":
        from matrix.checkup import schema as doctor_schema  # noqa: PLC0415

        document = doctor_schema()
    else:
        from matrix.planning.document import schema as plan_schema  # noqa: PLC0415

        document = plan_schema()
    import json  # noqa: PLC0415 - the loads of other commands need none

    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "build": build,
    "plan": plan,
    "sdist": sdist,
    "new": scaffold,
    "init": scaffold,
    "develop": develop,
    "publish": publish,
    "upload": upload,
    "doctor": doctor,
    "interpreters": interpreters,
    "audit": audit,
    "repair": repair,
    "clean": clean,
    "schema": schema,
}
