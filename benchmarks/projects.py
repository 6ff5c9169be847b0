"""Projects and interpreters to measure with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Python", "copied", "edit_one_line", "interpreters", "project_source"]

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "sdists"


@dataclass(frozen=True)
class Python:
    """An interpreter to build for."""

    version: str
    path: Path


def interpreters(wanted: Sequence[str]) -> list[Python]:
    """Return the wanted interpreters; a version is looked for in pyenv, then on PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = []
    for word in wanted:
        known = sorted(root.glob(f"versions/{word}.*/bin/python"))
        path = str(known[-1]) if known else shutil.which(f"python{word}") or shutil.which(word)
        if path is None:
            sys.exit(f"no interpreter {word}")
        version = subprocess.run([path, "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
        found.append(Python(version=version, path=Path(path)))
    return found


def project_source(project: str, scratch: Path) -> Path:
    """Return the folder of a project: unpacked from an sdist, fetched by pip, or the folder given."""
    if "==" not in project:
        return Path(project).resolve()
    name, _, version = project.partition("==")
    archive = CACHE / f"{name.replace('-', '_')}-{version}.tar.gz"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fetch = ["download", "-q", "--no-deps", "--no-build-isolation", "--no-binary", name, "-d", str(CACHE), project]
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        subprocess.run([sys.executable, "-m", "pip", *fetch], check=True, env={**os.environ, "PATH": path})
    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if member.isfile() and ".." not in Path(member.name).parts]
        tar.extractall(scratch / "source", members=members)  # noqa: S202 - plain files below one folder
    (top,) = (scratch / "source").iterdir()
    return top


def copied(source: Path, to: Path) -> Path:
    """Copy a project without what builds left in it."""

    def left_behind(folder: str, names: list[str]) -> set[str]:
        top = {"target", ".git"} if Path(folder) == source else set()  # a vendored crate may have a src/target
        return {name for name in names if name in top or name == "__pycache__"}

    shutil.copytree(source, to, ignore=left_behind)
    return to


def edit_one_line(root: Path, number: int) -> None:
    """Add one line to the crate's root module, so that it alone must be compiled again."""
    sources = [root / "src" / "lib.rs", *sorted(root.glob("*/src/lib.rs")), *sorted(root.glob("crates/*/src/lib.rs"))]
    source = next((path for path in sources if path.exists()), None)
    if source is None:
        sys.exit(f"{root}: no src/lib.rs to edit")
    with source.open("a", encoding="utf-8") as file:
        file.write(f"\n#[allow(dead_code)] const EDITED: u32 = {number};\n")
