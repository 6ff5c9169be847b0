"""Projects to build: copies of our own, and sdists from PyPI, fetched once and kept."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from support.tools import PROJECTS, TOP, lacking, need, run


def cache() -> Path:
    """Return the folder that keeps downloads between runs: ``.cache`` of the checkout, or where the user says."""
    folder = Path(os.environ.get("WHEELMATRIX_TEST_CACHE") or TOP / ".cache")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def copy_project(name: str, into: Path, *, git: bool = False) -> Path:
    """Copy one of ``tests/projects`` without what builds left in it; return the copy.

    Args:
        name: Its folder.
        into: A folder that gets the copy, under the same name.
        git: Whether the copy is made a git repository, in which ``.gitignore`` counts.
    """
    copy = into / name
    shutil.copytree(PROJECTS / name, copy, ignore=shutil.ignore_patterns("target", "__pycache__"))
    if git:
        run([need("git"), "init", "-q"], cwd=copy, check=True)
    return copy


def fetch_sdist(name: str, version: str, env: Mapping[str, str] | None = None) -> Path:
    """Return the archive of an sdist, downloaded by pip when not in the cache; its back end is asked in ``env``."""
    folder = cache() / "sdists"
    folder.mkdir(exist_ok=True)
    archive = folder / f"{name.replace('-', '_')}-{version}.tar.gz"
    if not archive.exists():
        need("cargo")  # the sdist's own backend tells pip its metadata
        ran = run(
            [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"),
                *("--no-binary", name, "--dest", folder, f"{name}=={version}"),
            ],
            cwd=folder,
            env=env,
        )
        if ran.exit or not archive.exists():
            lacking(f"the sdist of {name} {version}: {ran}")
    return archive


def fetch_wheel(name: str, version: str, platform: str) -> Path:
    """Return a wheel from PyPI for CPython 3.12, downloaded by pip when it is not in the cache."""
    folder = cache() / "wheels" / f"{name}-{version}-{platform}"
    if not list(folder.glob("*.whl")):
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
        wanted = ["--python-version", "3.12", "--implementation", "cp", "--platform", platform]
        ran = run([sys.executable, "-m", "pip", "download", *options, *wanted, f"{name}=={version}"], cwd=folder)
        if ran.exit:
            lacking(f"the wheel of {name} {version} for {platform}: {ran}")
    return next(folder.glob("*.whl"))


def unpack(archive: Path, into: Path) -> Path:
    """Unpack an sdist and return its one top folder; links, devices and names that lead out of it are refused."""
    into.mkdir(parents=True, exist_ok=True)
    home = into.resolve()
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            place = (home / member.name).resolve()
            if not place.is_relative_to(home) or not (member.isfile() or member.isdir()):
                message = f"{archive.name}: {member.name} is not for unpacking"
                raise ValueError(message)
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            content = tar.extractfile(member)
            assert content is not None
            place.write_bytes(content.read())
            place.chmod(0o755 if member.mode & stat.S_IXUSR else 0o644)
            os.utime(place, (member.mtime, member.mtime))
    (top,) = (path for path in home.iterdir() if path.is_dir())
    return top
