"""Projects that cannot become what they ask for: one clear error each from every command, before anything compiles."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import Ran, need, run

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
Copy = Callable[..., Path]
Edit = Callable[[Path], None]

PROJECT = "[project]\n"


def replace(name: str, old: str, new: str) -> Edit:
    def edit(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new, 1))

    return edit


def key(text: str) -> Edit:
    """Return what adds a line to ``[project]``."""
    return replace("pyproject.toml", PROJECT, f"{PROJECT}{text}\n")


def maturin(text: str) -> Edit:
    """Return what adds a line to ``[tool.maturin]``, which the project has none of."""
    return replace("pyproject.toml", PROJECT, f"[tool.maturin]\n{text}\n\n{PROJECT}")


def entry_point(reference: str) -> Edit:
    return replace("pyproject.toml", 'mixed-src = "mixed_src.__main__:main"', f'mixed-src = "{reference}"')


def link(name: str, target: str) -> Edit:
    return lambda root: (root / name).symlink_to(target)


def dependency(path: str) -> Edit:
    return replace("Cargo.toml", "[dependencies]\n", f'[dependencies]\nother = {{ path = "{path}" }}\n')


def two_libraries(root: Path) -> None:
    """Make the project a workspace of two crates that could both become the wheel, and of no crate of its own."""
    for name in ("one", "two"):
        (root / name / "src").mkdir(parents=True)
        (root / name / "src" / "lib.rs").touch()
        (root / name / "Cargo.toml").write_text(
            f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n\n[lib]\ncrate-type = ["cdylib"]\n'
        )
    (root / "Cargo.toml").write_text('[workspace]\nmembers = ["one", "two"]\nresolver = "2"\n')


CASES = {
    "readme": ("hello-pyo3", key('readme = "GONE.md"'), "[project] readme: there is no file 'GONE.md'"),
    "cargo-readme": (
        "cargo-only",
        replace("Cargo.toml", 'readme = "README.md"', 'readme = "GONE.md"'),
        "Cargo.toml: [package] readme: there is no file 'GONE.md'",
    ),
    "license-files": ("hello-pyo3", key('license-files = ["GONE*"]'), "license-files[0]: 'GONE*' matches no file"),
    "license-file": ("hello-pyo3", key('license = { file = "GONE" }'), "license.file: there is no file 'GONE'"),
    "cargo-license-file": (
        "cargo-only",
        replace("Cargo.toml", "[package]\n", '[package]\nlicense-file = "GONE"\n'),
        "Cargo.toml: [package] license-file: there is no file 'GONE'",
    ),
    "version": ("ffi-only", key('version = "1.0.x"'), "[project] version: '1.0.x' has no meaning in PEP 440"),
    "cargo-version": (
        "cargo-only",
        replace("Cargo.toml", 'version = "', 'version = "1.0.0-odd.name"\n# "'),
        "Cargo.toml: version '1.0.0-odd.name' has no meaning in PEP 440",
    ),
    "both-licenses": (
        "hello-pyo3",
        key('license = { text = "MIT" }\nlicense-files = ["Cargo.toml"]'),
        "license-files: cannot stand beside a `license` table",
    ),
    "license-table": (
        "hello-pyo3",
        key('license = { text = "MIT", file = "Cargo.toml" }'),
        "[project] license: a table holds either `file` or `text`",
    ),
    "license-expression": ("hello-pyo3", key('license = "Anything"'), "license: 'Anything' is no SPDX expression"),
    "entry-module": ("mixed-src", entry_point("mixed_src.cli:main"), "no module 'mixed_src.cli' in the wheel"),
    "entry-name": ("mixed-src", entry_point("mixed_src.__main__:mian"), "scripts.mixed-src: 'mian' is not defined in"),
    "entry-elsewhere": ("hello-pyo3", key('scripts = { hi = "nowhere:main" }'), "there is no module 'nowhere'"),
    "entry-syntax": ("mixed-src", entry_point("mixed_src.main()"), "'mixed_src.main()' is no object reference"),
    "python-source": ("hello-pyo3", maturin('python-source = "python"'), "python-source: 'python' is no directory"),
    "link-to-itself": ("mixed-src", link("python/mixed_src/loop", "loop"), "loop: the link leads in a circle"),
    "link-upwards": ("mixed-src", link("python/mixed_src/loop", ".."), "loop: the link leads in a circle"),
    "module-name": ("hello-pyo3", maturin('module-name = "hello"'), "'hello', but the library makes 'hello_pyo3'"),
    "library-name": (
        "hello-pyo3",
        replace("Cargo.toml", 'name = "hello_pyo3"', 'name = "hello"'),
        "module-name (not set, so taken from the crate): 'hello' would need a module 'hello', but",
    ),
    "several-cdylibs": ("hello-pyo3", two_libraries, "Cargo.toml is a workspace and no crate of its own"),
    "path-dependency": ("hello-pyo3", dependency("../../gone"), "failed to read"),
}


def snapshot(folder: Path) -> dict[str, int]:
    kept = {"Cargo.lock"}  # cargo writes one where there is none
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in kept)
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_project(wheelmatrix: Wheelmatrix, project: Copy, case: str) -> None:
    name, edit, words = CASES[case]
    root = project(name)
    edit(root)
    before = snapshot(root)
    for command in ("plan", "build", "sdist"):
        ran = wheelmatrix(command, cwd=root)
        assert ran.exit == 2, ran
        assert ran.stdout == "", ran
        assert "Traceback" not in ran.stderr, ran
        (error,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
        assert words in error or (case == "path-dependency" and words in ran.stderr), ran
    assert snapshot(root) == before


def test_a_path_dependency_that_is_not_there_names_the_place(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("hello-pyo3")
    dependency("../../gone")(root)
    said = wheelmatrix("build", cwd=root).stderr
    assert f"hint: a path dependency points to {root.parents[1] / 'gone'}/Cargo.toml, which is not there" in said


def test_a_path_dependency_outside_the_repository(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    """What no clone of the repository has is not packed unseen; outside any repository it is, as with maturin."""
    root = project("hello-pyo3")
    (root.parent / "other" / "src").mkdir(parents=True)
    (root.parent / "other" / "src" / "lib.rs").touch()
    text = '[package]\nname = "other"\nversion = "0.1.0"\nedition = "2021"\n'
    (root.parent / "other" / "Cargo.toml").write_text(text)
    dependency("../other")(root)
    run([need("git"), "init", "-q"], cwd=root, check=True)
    for command in (["sdist"], ["build", "--sdist"]):
        ran = wheelmatrix(*command, cwd=root)
        assert ran.exit == 2, ran
        assert f"outside the repository {root}" in ran.stderr, ran
        assert "hint: move the crate into the repository" in ran.stderr, ran
    shutil.rmtree(root / ".git")
    ran = wheelmatrix("sdist", cwd=root)
    assert ran.exit == 0, ran
    with tarfile.open(root / ran.stdout.strip()) as archive:
        assert any(name.endswith("/other/Cargo.toml") for name in archive.getnames())
