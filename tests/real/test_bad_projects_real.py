"""Projects that cannot become what they ask for: one clear error each from every command, before anything compiles."""

from __future__ import annotations

import shutil
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import Ran, need, run

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
Copy = Callable[..., Path]
Edit = Callable[[Path], object]

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


def elsewhere(*edits: Edit) -> Edit:
    """Return what does edits beside a directory of files that are no part of the project."""

    def edit(root: Path) -> None:
        for name in ("SECRET.md", "hello_pyo3/__init__.py", "data/data/secret.txt"):
            path = root.parent / "elsewhere" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret\n")
        for one in edits:
            one(root)

    return edit


def package(text: str) -> Edit:
    """Return what adds a line to ``[package]``."""
    return replace("Cargo.toml", "[package]\n", f"[package]\n{text}\n")


DYNAMIC = replace("pyproject.toml", 'dynamic = ["version"', 'dynamic = ["version", "readme"')


def broken_configuration(root: Path) -> None:
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text("[build\n")


def two_libraries(root: Path) -> None:
    """Make the project a workspace of two crates that could both become the wheel, and of no crate of its own."""
    for name in ("one", "two"):
        (root / name / "src").mkdir(parents=True)
        (root / name / "src" / "lib.rs").touch()
        (root / name / "Cargo.toml").write_text(
            f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n\n[lib]\ncrate-type = ["cdylib"]\n'
        )
    (root / "Cargo.toml").write_text('[workspace]\nmembers = ["one", "two"]\nresolver = "2"\n')


OUTSIDE = {
    "readme": (key('readme = "../elsewhere/SECRET.md"'), "[project] readme: '../elsewhere/SECRET.md' lies outside"),
    "readme-absolute": (key('readme = "/etc/hostname"'), "[project] readme: '/etc/hostname' is an absolute path"),
    "readme-table": (key('readme = { file = "/etc/hostname" }'), "readme.file: '/etc/hostname' is an absolute path"),
    "readme-link": (
        lambda root: (link("READ.md", "/etc/hostname")(root), key('readme = "READ.md"')(root)),
        "[project] readme: 'READ.md': the link leads out of the project, to /etc/hostname",
    ),
    "readme-by-cargo": (
        lambda root: (package('readme = "../elsewhere/SECRET.md"')(root), DYNAMIC(root)),
        "Cargo.toml: [package] readme: '../elsewhere/SECRET.md' lies outside the project",
    ),
    "license": (key('license = { file = "../elsewhere/SECRET.md" }'), "license.file: '../elsewhere/SECRET.md' lies"),
    "license-absolute": (key('license = { file = "/etc/hostname" }'), "license.file: '/etc/hostname' is an absolute"),
    "license-link": (link("LICENSE", "/etc/hostname"), "LICENSE: the link leads out of the project, to /etc/hostname"),
    "license-files": (
        lambda root: (link("notes", "../elsewhere")(root), key('license-files = ["notes/*.md"]')(root)),
        "notes/SECRET.md: the link leads out of the project",
    ),
    "license-by-cargo": (package('license-file = "../elsewhere/SECRET.md"'), "license-file: '../elsewhere/SECRET.md'"),
    "license-link-by-cargo": (
        lambda root: (link("LIC", "/etc/hostname")(root), package('license-file = "LIC"')(root)),
        "license-file: 'LIC': the link leads out of the project, to /etc/hostname",
    ),
    "include-link": (
        lambda root: (link("more.txt", "/etc/hostname")(root), maturin('include = ["*.txt"]')(root)),
        "more.txt: the link leads out of the project, to /etc/hostname",
    ),
    "data": (maturin('data = "../elsewhere/data"'), "[tool.maturin] data: '../elsewhere/data' lies outside"),
    "data-link": (
        lambda root: (link("d", "../elsewhere/data")(root), maturin('data = "d"')(root)),
        "data: 'd': the link leads out of the project",
    ),
    "python-source": (maturin('python-source = "../elsewhere"'), "python-source: '../elsewhere' lies outside"),
    "python-link": (
        lambda root: (link("py", "../elsewhere")(root), maturin('python-source = "py"')(root)),
        "python-source: 'py': the link leads out of the project",
    ),
    "package-link": (link("hello_pyo3", "../elsewhere/hello_pyo3"), "__init__.py: the link leads out of the project"),
    "stub-link": (
        lambda root: ((root / "hello_pyo3.pyi").rename(root / "old"), link("hello_pyo3.pyi", "/etc/hostname")(root)),
        "hello_pyo3.pyi: the link leads out of the project",
    ),
}

CASES = {
    **{f"outside-{name}": ("hello-pyo3", elsewhere(edit), words) for name, (edit, words) in OUTSIDE.items()},
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
    **{
        f"empty-{axis}": (
            "hello-pyo3",
            replace("pyproject.toml", PROJECT, f"[tool.wheelmatrix]\n{axis} = []\n\n{PROJECT}"),
            f"pyproject.toml: [tool.wheelmatrix] {axis}: the list is empty, so it asks for nothing",
        )
        for axis in ("interpreters", "targets", "compatibility")
    },
    "toml": (
        "hello-pyo3",
        replace("pyproject.toml", PROJECT, "[project]\nlicense = MIT\n"),
        "error: pyproject.toml:6:11: expected a value: a string in quotes,",
    ),
    "toml-twice": (
        "hello-pyo3",
        replace("pyproject.toml", PROJECT, '[project]\nname = "again"\n'),
        "error: pyproject.toml:7:20: the key 'name' is there a second time",
    ),
    "cargo-toml": (
        "hello-pyo3",
        replace("Cargo.toml", 'name = "hello-pyo3"', "name = hello-pyo3"),
        "error: Cargo.toml:2:8: ",
    ),
    "cargo-config": (
        "hello-pyo3",
        broken_configuration,
        "error: .cargo/config.toml:1:7: ",
    ),
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


HOOKS = ["prepare_metadata_for_build_wheel", "build_wheel", "build_editable", "build_sdist"]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_front_end_packs_nothing_from_outside(project: Copy, tmp_path: Path, hook: str) -> None:
    root = project("hello-pyo3")
    key('readme = "/etc/hostname"')(root)
    (tmp_path / "made").mkdir()
    code = f"from matrix import backend; backend.{hook}({str(tmp_path / 'made')!r})"
    ran = run([sys.executable, "-c", code], cwd=root)
    assert ran.exit != 0, ran
    assert "error: pyproject.toml: [project] readme: '/etc/hostname' is an absolute path" in ran.stderr, ran
    assert "Traceback" not in ran.stderr, ran
    assert list((tmp_path / "made").iterdir()) == []


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (package('readme = "../elsewhere/SECRET.md"'), "[package] readme: '../elsewhere/SECRET.md' lies outside"),
        (link("README.md", "/etc/hostname"), "readme: 'README.md': the link leads out of the project"),
        (link("src/more.rs", "/etc/hostname"), "src/more.rs: the link leads out of the project"),
        (
            lambda root: (link("more", "../elsewhere")(root), maturin('sdist-include = ["more/*"]')(root)),
            "more/SECRET.md: the link leads out of the project",
        ),
        (maturin('sbom = { include = ["/etc/hostname"] }'), "sbom] include[0]: '/etc/hostname' is an absolute path"),
        (
            lambda root: link("pyproject.toml", str((root / "pyproject.toml").rename(root.parent / "p.toml")))(root),
            "pyproject.toml: the link leads out of the project",
        ),
    ],
)
def test_a_source_distribution_packs_nothing_from_outside(
    wheelmatrix: Wheelmatrix, project: Copy, edit: Edit, words: str
) -> None:
    """What no wheel holds is an error of the source distribution alone."""
    root = project("hello-pyo3")
    elsewhere(edit)(root)
    assert wheelmatrix("plan", cwd=root).exit == 0
    ran = wheelmatrix("sdist", cwd=root)
    assert ran.exit == 2, ran
    (error,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert words in error, ran
    assert not list(root.rglob("*.tar.gz"))


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
