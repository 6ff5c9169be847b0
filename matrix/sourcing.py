"""The sdist command from its options to its archive, and the tree that wheels are built from when asked so."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from matrix.archives import remove_leftovers
from matrix.archives.gather import check_python_side
from matrix.archives.products import Products
from matrix.cargo_flags import cargo_flags
from matrix.errors import UsageError, WheelmatrixError
from matrix.model import Sdist
from matrix.project import CargoFlags, Project, read_project
from matrix.running.signals import stopped_by_signals
from matrix.sources import check_sources, collect_sources, sdist_time, unpack_into, write_sdist
from matrix.telling import leaves, say

__all__ = ["Made", "blame", "make_sdist", "unpacked"]


class Made(msgspec.Struct, frozen=True):
    """A source distribution that was made.

    Attributes:
        sdist: What the report says of it.
        path: The archive, absolute.
        project: The project it is of.
        warnings: What the user should know.
    """

    sdist: Sdist
    path: Path
    project: Project
    warnings: tuple[str, ...] = ()


async def make_sdist(options: argparse.Namespace) -> Made:
    """Make the source distribution of the project that the options name.

    Raises:
        KeyboardInterrupt: A signal came.
        WheelmatrixError: It cannot be made; nothing was written then.
    """
    async with stopped_by_signals():
        return await _make(options)
    raise KeyboardInterrupt


async def _make(options: argparse.Namespace) -> Made:
    cwd = Path.cwd()
    flags = cargo_flags(options) if options.command == "build" else _manifest_alone(options)
    project = await read_project(cwd, flags, bindings=getattr(options, "bindings", None))
    out = cwd / options.out if options.out is not None else project.target_dir / "wheels"
    products = Products.of(project.name, out)
    metadata, _ = check_python_side(project, products=products)
    sources = await collect_sources(project, metadata, products)
    check_sources(sources.entries, metadata)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the out directory {out} cannot be made: {error.strerror or error}") from None
    remove_leftovers(out)
    path = out / f"{metadata.distribution}.tar.gz"
    modified = sdist_time(os.environ)
    sdist = await anyio.to_thread.run_sync(write_sdist, path, sources.entries, modified)
    known = () if options.command == "build" else (*project.warnings, *metadata.warnings)  # a build tells them itself
    return Made(sdist, path, project, (*known, *sources.warnings))


@contextmanager
def unpacked(made: Made, options: argparse.Namespace) -> Iterator[argparse.Namespace]:
    """Unpack a source distribution and hand out the options that build from it; one run at a time has the tree.

    It gets a target directory of its own: cargo goes by times and by places relative to the workspace, and would take
    what was compiled from the project itself for what the archive holds. That is named as cargo names the one in which
    ``cargo package`` tries what it packed, because cargo looks no further up than there for a workspace.

    Raises:
        WheelmatrixError: It cannot be unpacked.
    """
    base = made.project.target_dir / "wheelmatrix" / "sdist" / "target"
    with _alone(base.with_name("tree.lock")):
        changed = argparse.Namespace(**vars(options))
        changed.unpacked = unpack_into(base / "package" / "source", made.path)
        changed.manifest_path = None
        changed.target_dir = str(base)
        changed.out = str(made.path.parent)
        yield changed


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only these builds need it

    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        say("note", "another run builds from a source distribution of this project: waiting for it")
        held.acquire()
    try:
        yield
    finally:
        held.release()


def blame(error: Exception, made: Made) -> None:
    """Say of an error that it was met in the source distribution, and not in the project it was made from."""
    for leaf in leaves(error):
        if isinstance(leaf, WheelmatrixError):
            leaf.message = f"{made.path.name}, unpacked: {leaf.message}"


def _manifest_alone(options: argparse.Namespace) -> CargoFlags:
    return CargoFlags(manifest_path=Path(options.manifest_path) if options.manifest_path is not None else None)
