"""The same cells given to maturin's own cross builds: names, tags, files and metadata of both wheels."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.compare import Difference, check_differences
from support.every_target import EveryTarget
from support.judges import check_distribution
from support.projects import copy_project
from support.tools import need, run
from support.wheels import look_inside

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="cross builds start on Linux"),
]

DIFFERENCES = (
    Difference("*", "WHEEL Generator", "each names itself"),
    Difference("*", "content dist-info/sboms/*.cyclonedx.json", "for the wheel's own target, without serial and paths"),
    Difference("*", "content */__init__.py", "words of our own, which leave the same names behind"),
)
CELLS = (  # a target, the interpreter, what maturin is told to link with
    ("aarch64-unknown-linux-gnu", "3.11", "--zig"),
    ("s390x-unknown-linux-gnu", "3.10", "--zig"),
    ("x86_64-unknown-linux-musl", "3.10", "--zig"),
    ("aarch64-unknown-linux-musl", "3.13", "--zig"),
    ("x86_64-apple-darwin", "3.11", "--zig"),
    ("aarch64-apple-darwin", "3.13", "--zig"),
    ("x86_64-pc-windows-gnu", "3.12", ""),  # with mingw-w64
    ("x86_64-pc-windows-msvc", "3.11", ""),  # maturin's path to xwin
    ("i686-pc-windows-msvc", "3.11", ""),
    ("aarch64-pc-windows-msvc", "3.11", ""),
)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project for maturin, whose target directory its builds share."""
    return copy_project("c-cross", tmp_path_factory.mktemp("maturin"))


@pytest.mark.parametrize(("target", "version", "linker"), CELLS)
def test_cross_builds_make_the_same_wheels(
    target: str,
    version: str,
    linker: str,
    every_target: EveryTarget,
    cross_env: dict[str, str],
    theirs: Path,
    tmp_path: Path,
) -> None:
    ours = every_target.one(target, f"cp{version.replace('.', '')}")
    argv: list[str | Path] = [need("maturin"), "build", "--target", target, *linker.split(), "-i", version]
    run([*argv, "-o", tmp_path], cwd=theirs, env=cross_env, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    check_distribution(ours.path)
    check_differences(target, [(look_inside(ours.path), look_inside(wheel))], DIFFERENCES)
