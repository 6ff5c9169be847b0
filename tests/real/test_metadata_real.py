"""METADATA against maturin's for the same projects, and a wheel of ours that pip installs."""

from __future__ import annotations

import email
import sys
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.specifiers import SpecifierSet
from support.meanings import requirement_meaning
from support.tools import need, run
from support.wheels import ask, install

from matrix.archives import CoreMetadata, Entry, core_metadata, wheel_problems, write_wheel
from matrix.project import CargoFlags, read_project

pytestmark = pytest.mark.real

SDISTS = (
    ("blake3", "1.0.11"),
    ("cryptography", "50.0.2"),
    ("orjson", "3.13.0"),
    ("pydantic_core", "2.50.4"),
    ("rpds_py", "0.30.0"),
    ("tokenizers", "0.23.3"),
    ("watchfiles", "1.3.0"),
)


class Difference(NamedTuple):
    """One allowed difference."""

    project: str
    field: str
    reason: str


HOME = "deprecated (PEP 753), and Cargo.toml may not fill what `dynamic` does not name; a Project-URL says it"
ADDRESS = "who has an address stands in Author-email alone, as for [project] authors"
DIFFERENCES = (
    Difference("blake3", "Home-Page", HOME),
    Difference("blake3", "Author", ADDRESS),
    Difference("pydantic_core", "Home-Page", HOME),
    Difference("watchfiles", "Home-Page", HOME),
    Difference("static", "Home-Page", HOME),
    Difference("cargo-alone", "Home-Page", HOME),
    Difference("cargo-alone", "Author", ADDRESS),
    Difference("cargo-alone", "Author-Email", "a name without an address is no Author-email; PyPI refuses it"),
)


def _meanings(message: Message) -> dict[str, object]:
    """Return every field with what it means; the order of a field's values does not count."""
    extras = message.get_all("Provides-Extra", [])
    meanings: dict[str, object] = {"body": message.get_payload(decode=False).rstrip("\n")}  # type: ignore[union-attr]
    for name in message:
        values = message.get_all(name, [])
        if name == "Requires-Dist":
            meanings[name] = sorted((requirement_meaning(value, extras) for value in values), key=str)
        elif name == "Requires-Python":
            meanings[name] = [SpecifierSet(value) for value in values]
        else:
            meanings[name.title()] = sorted(values)
    return meanings


def _entry_points(text: str | None) -> list[str]:
    lines = (line.replace(" = ", "=").strip() for line in (text or "").splitlines())
    return [line for line in lines if line]


def _theirs(root: Path, into: Path) -> Path:
    """Let maturin write the metadata directory, which compiles nothing; return it."""
    into.mkdir()
    words = ("pep517", "write-dist-info", "--metadata-directory", into, "--interpreter", sys.executable)
    run([need("maturin"), *words], cwd=root, check=True)
    (found,) = into.glob("*.dist-info")
    return found


def _compare(project: str, ours: CoreMetadata, theirs: Path) -> None:
    listed = {entry.field for entry in DIFFERENCES if entry.project == project}
    left = _meanings(email.message_from_string(ours.text))
    right = _meanings(email.message_from_string((theirs / "METADATA").read_text(encoding="utf-8")))
    fields = sorted(left.keys() | right.keys())
    unequal = {field: (left.get(field), right.get(field)) for field in fields if left.get(field) != right.get(field)}
    unlisted = {field: both for field, both in unequal.items() if field not in listed}
    assert not unlisted, f"not in the table: {unlisted}"
    assert not listed - unequal.keys(), f"in the table, but equal: {listed - unequal.keys()}"
    assert ours.dist_info == theirs.name
    files = {
        path.relative_to(theirs / "licenses").as_posix() for path in theirs.glob("licenses/**/*") if path.is_file()
    }
    assert {name for _, name in ours.license_files} == files
    written = theirs / "entry_points.txt"
    assert _entry_points(ours.entry_points) == _entry_points(written.read_text() if written.is_file() else None)


@pytest.mark.parametrize(("name", "version"), SDISTS, ids=[name for name, _ in SDISTS])
async def test_projects_of_pypi_have_the_metadata_that_maturin_gives_them(
    name: str, version: str, sdist: Callable[[str, str], Path], tmp_path: Path
) -> None:
    root = sdist(name, version)
    theirs = _theirs(root, tmp_path / "theirs")
    _compare(name, core_metadata(await read_project(root, CargoFlags())), theirs)


CRATE = """
[package]
name = "tiny-crate"
version = "1.2.0-beta.3"
edition = "2021"
description = "One line\\nand another"
authors = ["A B <a@example.org>", "C D", "x@example.org"]
license = "MIT OR Apache-2.0"
license-file = "docs/TERMS"
keywords = ["a", "b"]
readme = "docs/READ.rst"
repository = "https://example.org/repository"
homepage = "https://example.org/"
documentation = "https://example.org/docs"
[lib]
name = "tiny_crate"
crate-type = ["cdylib"]
"""
STATIC = """
[build-system]
requires = ["maturin>=1,<2"]
build-backend = "maturin"
[project]
name = "Tiny._Crate"
dynamic = ["version", "license"]
description = "Static"
readme = {file = "docs/READ.rst", content-type = "text/x-rst; charset=ASCII"}
license-files = ["docs/*", "LICENSE"]
requires-python = ">= 3.9 , !=3.9.1"
authors = [{name = "A"}, {name = "B", email = "b@x.y"}, {email = "c@example.org"}, {name = "D, E", email = "d@x.y"}]
maintainers = [{name = "M"}]
keywords = ["x y", "z"]
classifiers = ["Typing :: Typed", "License :: OSI Approved :: MIT License"]
dependencies = ["Foo_Bar[X_y,b]>=1,<2; python_version < '3.9'", "baz @ https://example.org/a.whl", "w~=1.0"]
[project.optional-dependencies]
T_est = ["a", "b; python_version > '3.10' or sys_platform == 'win32'"]
none = []
[project.urls]
zed = "https://example.org/z"
Homepage = "https://example.org/h"
[project.scripts]
b = "m:f"
a = "m.n:f.g"
[project.gui-scripts]
g = "m:g"
[project.entry-points.pytest11]
p = "m.x"
"""


@pytest.mark.parametrize("static", [False, True], ids=["cargo-alone", "static"])
async def test_every_field_at_once(static: bool, tmp_path: Path) -> None:
    root = tmp_path / "project"
    for name in ("src/lib.rs", "docs/TERMS", "docs/READ.rst", "LICENSE", "NOTICE"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("" if name.endswith(".rs") else f"{name}\n")
    (root / "Cargo.toml").write_text(CRATE)
    if static:
        (root / "pyproject.toml").write_text(STATIC + '[tool.maturin]\nbindings = "cffi"\n')
    theirs = _theirs(root, tmp_path / "theirs")
    ours = core_metadata(await read_project(root, CargoFlags(), bindings="cffi"))
    _compare("static" if static else "cargo-alone", ours, theirs)


def test_pip_installs_a_wheel_of_ours(venv: Callable[[Path], Path], tmp_path: Path) -> None:
    metadata = CoreMetadata(
        name="Odd.Name",
        version="1.0+local",
        distribution="odd_name-1.0+local",
        text="Metadata-Version: 2.4\nName: Odd.Name\nVersion: 1.0+local\n\n",
        entry_points="[console_scripts]\nodd-hello = odd:hello\n",
    )
    entries = [
        Entry("odd/__init__.py", b"def hello():\n    print('hello')\n"),
        Entry("odd/strange, names/it's.txt", b"data"),
        Entry("odd/ünïcode.txt", b"data"),
        Entry(f"{metadata.distribution}.data/scripts/odd-script", b"#!python\nprint('script')\n", executable=True),
        Entry(f"{metadata.distribution}.data/data/share/odd.txt", b"shared"),
    ]
    path = tmp_path / "odd_name-1.0+local-py3-none-any.whl"
    write_wheel(path, entries, metadata, ["py3-none-any"])
    assert wheel_problems(path) == ()
    python = venv(Path(sys.executable))
    install(python, path)
    assert ask(python, "import odd; odd.hello()") == "hello"
    assert run([python.parent / "odd-hello"], cwd=tmp_path, check=True).stdout == "hello\n"
    assert run([python.parent / "odd-script"], cwd=tmp_path, check=True).stdout == "script\n"
    assert (python.parents[1] / "share" / "odd.txt").read_text() == "shared"
    listed = "import importlib.metadata as m; print(sorted(p.name for p in m.files('odd-name') if p.suffix == '.txt'))"
    assert "it's.txt" in ask(python, listed)
