"""Real wheels by their file names, which ``wheels_of_pypi.txt`` pins; pip fetches each once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from packaging.tags import Tag
from packaging.utils import parse_wheel_filename

from support.tools import lacking, run

__all__ = ["ALL", "fetch", "fetch_all", "fetch_several", "system_of"]

ALL = tuple(Path(__file__).with_name("wheels_of_pypi.txt").read_text(encoding="utf-8").split())
"""File names of more than 250 wheels for Linux, macOS, Windows and any platform."""


def fetch(name: str) -> Path:
    """Return the wheel of this name."""
    folder = Path(os.environ.get("WHEELMATRIX_TEST_CACHE") or Path.home() / ".cache" / "wheelmatrix-cross") / "wheels"
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        ran = run([sys.executable, "-m", "pip", "download", *_asked(name, folder)], cwd=folder)
        if ran.exit or not path.exists():
            lacking(f"{name}: {ran}")
    return path


def fetch_several(names: Iterable[str]) -> dict[str, Path]:
    """Return the wheels of these names, two fetched at a time."""
    wanted = list(names)
    with ThreadPoolExecutor(2) as threads:
        return dict(zip(wanted, threads.map(fetch, wanted), strict=True))


def fetch_all(*systems: str) -> dict[str, Path]:
    """Return all whose platforms are of one of these: ``linux``, ``macosx``, ``win``, ``any``."""
    return fetch_several(name for name in ALL if system_of(name) in systems)


def system_of(name: str) -> str:
    """Return the system that a wheel's name speaks of: ``linux``, ``macosx``, ``win`` or ``any``."""
    platform = name.removesuffix(".whl").rpartition("-")[2]
    return next((system for system in ("linux", "macosx", "win") if system in platform), "any")


def _asked(name: str, folder: Path) -> list[str]:
    """Return what makes pip choose exactly this wheel."""
    project, version, _, tags = parse_wheel_filename(name)
    one = max(tags, key=_python)
    platforms = [word for tag in sorted({tag.platform for tag in tags}) for word in ("--platform", tag)]
    major, minor = _python(one)
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder), *platforms]
    implementation = one.interpreter[:2]
    return [
        *options,
        *("--implementation", implementation, "--abi", one.abi, "--python-version", f"{major}.{minor}"),
        f"{project}=={version}",
    ]


def _python(tag: Tag) -> tuple[int, int]:
    """Return the Python of a tag; ``py3`` is any of today."""
    digits = tag.interpreter[2:]
    return (int(digits[0]), int(digits[1:])) if len(digits) > 1 else (int(digits), 12 if digits == "3" else 7)
