"""Source distributions: made by both tools, read back, and projects of layouts that test them."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from support.projects import copy_project
from support.tools import need, run

__all__ = ["make_both", "nested_project", "read_sdist", "rust_and_src_project"]


def read_sdist(archive: Path) -> dict[str, bytes]:
    """Return the content of every member by its name below the top folder; the folder must have the archive's name."""
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            top, _, name = member.name.partition("/")
            assert f"{top}.tar.gz" == archive.name, member.name
            assert member.isfile(), member.name
            assert name not in found, f"{name} twice"
            content = tar.extractfile(member)
            assert content is not None
            found[name] = content.read()
    return found


def make_both(root: Path, into: Path, *flags: str | Path) -> tuple[Path, Path]:
    """Make the source distribution of a project with wheelmatrix and with maturin; return both archives."""
    made = []
    for tool in ("wheelmatrix", "maturin"):
        run([need(tool), "sdist", *flags, "--out", into / tool], cwd=root, check=True)
        (archive,) = (into / tool).glob("*.tar.gz")
        made.append(archive)
    return made[0], made[1]


def nested_project(into: Path) -> Path:
    """Make a repository whose Python project is a workspace member that needs crates above and outside of it.

    Returns:
        The directory of pyproject.toml.
    """
    root = copy_project("workspace", into)
    home = root / "crates" / "python"
    outside = into / "outside"
    (outside / "src").mkdir(parents=True)
    (outside / "Cargo.toml").write_text('[package]\nname = "outside"\nversion = "0.1.0"\nedition = "2021"\n')
    (outside / "src" / "lib.rs").write_text("//! A crate beside the repository.\n")
    _edit(home / "Cargo.toml", "[dependencies]", '[dependencies]\noutside = { path = "../../../outside" }')
    _edit(home / "Cargo.toml", 'readme = "README.md"', 'readme = "../../README.md"\nlicense-file = "../../LICENSE"')
    _edit(home / "Cargo.toml", "license.workspace = true\n", "")
    _edit(root / "Cargo.toml", "[workspace]", '[workspace]\ndefault-members = ["crates/cli"]')
    (root / "crates" / "core" / "benches").mkdir()
    (root / "crates" / "core" / "benches" / "slow.rs").write_text("fn main() {}\n")
    _edit(root / "crates" / "core" / "Cargo.toml", "[package]", '[package]\nexclude = ["benches"]')
    with (root / "crates" / "core" / "Cargo.toml").open("a") as file:
        file.write('\n[[bench]]\nname = "slow"\nharness = false\n')
    package = home / "py" / "workspace_demo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from workspace_demo.workspace_demo import squares\n")
    (package / "old.cpython-39-x86_64-linux-gnu.so").write_text("left behind by a build\n")
    shutil.move(root / "pyproject.toml", home / "pyproject.toml")
    include = 'include = [{ path = "Cargo.*", format = ["sdist"] }]'  # what is in it anyway, rewritten
    _edit(home / "pyproject.toml", 'manifest-path = "crates/python/Cargo.toml"', f'python-source = "py"\n{include}')
    _edit(home / "pyproject.toml", '"workspace_demo"', '"workspace_demo.workspace_demo"')
    _edit(home / "pyproject.toml", ', "readme"]', ']\nreadme = "../../README.md"')
    (home / "README.md").unlink()
    return home


def rust_and_src_project(into: Path) -> Path:
    """Make a project whose crate is in ``rust``, whose Python is in ``src``, with data and an optional dependency."""
    root = into / "rust-and-src"
    root.mkdir()
    crate = copy_project("hello-pyo3", root).rename(root / "rust")
    (crate / "hello_pyo3.pyi").unlink()
    shutil.move(crate / "pyproject.toml", root / "pyproject.toml")
    (root / "src" / "hello_pyo3").mkdir(parents=True)
    (root / "src" / "hello_pyo3" / "__init__.py").write_text("")
    _edit(crate / "Cargo.toml", "[dependencies]", '[dependencies]\nextra = { path = "../extra", optional = true }')
    (root / "extra" / "src").mkdir(parents=True)
    (root / "extra" / "Cargo.toml").write_text('[package]\nname = "extra"\nversion = "0.1.0"\nedition = "2021"\n')
    (root / "extra" / "src" / "lib.rs").write_text("//! Off.\n")
    (root / "hello_pyo3.data" / "data" / "share").mkdir(parents=True)
    (root / "hello_pyo3.data" / "data" / "share" / "hello.txt").write_text("hello\n")
    return root


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1))
