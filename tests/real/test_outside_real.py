"""Files above the project that it may name are packed and found again; what runs wrote into it is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from support.projects import copy_project, unpack
from support.sdists import read_sdist
from support.tools import Ran, need, run

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
Edit = Callable[[Path], object]


def add(name: str, table: str, text: str) -> Edit:
    """Return what adds lines to a table of a file."""

    def edit(root: Path) -> None:
        before = (root / name).read_text()
        assert f"[{table}]\n" in before or table == "tool.maturin"
        with_table = before if f"[{table}]\n" in before else f"[{table}]\n{before}"
        (root / name).write_text(with_table.replace(f"[{table}]\n", f"[{table}]\n{text}\n", 1))

    return edit


def key(text: str) -> Edit:
    return add("pyproject.toml", "project", text)


def link(name: str, target: str) -> Edit:
    return lambda root: (root / name).symlink_to(target)


def both(*edits: Edit) -> Edit:
    return lambda root: [edit(root) for edit in edits]


def packaged(root: Path) -> None:
    (root / "hello_pyo3").mkdir()
    (root / "hello_pyo3" / "__init__.py").write_text("")
    (root / "hello_pyo3.pyi").unlink()


DYNAMIC = 'dynamic = ["version", "readme"'
LEGIT = {
    "readme": key('readme = "../README.md"'),
    "readme-table": key('readme = { file = "../docs/DESCRIPTION.rst", content-type = "text/x-rst" }'),
    "readme-beside-an-own-one": both(key('readme = "../README.md"'), lambda root: (root / "README.md").write_text("x")),
    "readme-by-a-link": both(key('readme = "READ.md"'), link("READ.md", "../README.md")),
    "readme-in-a-linked-folder": both(key('readme = "docs/DESCRIPTION.rst"'), link("docs", "../docs")),
    "readme-that-goes-astray": key('readme = "gone/../../py/src/lib.rs"'),
    "license": key('license = { file = "../LICENSE" }'),
    "license-in-a-folder": key('license = { file = "../docs/TERMS" }'),
    "license-beside-an-own-one": both(
        key('license = { file = "../LICENSE" }'), lambda root: (root / "LICENSE").write_text("own")
    ),
    "license-by-a-link": both(key('license-files = ["LICENSE"]'), link("LICENSE", "../LICENSE")),
    "by-cargo": both(
        add("Cargo.toml", "package", 'readme = "../README.md"\nlicense-file = "../LICENSE"'),
        lambda root: (root / "pyproject.toml").write_text(
            (root / "pyproject.toml").read_text().replace('dynamic = ["version"', DYNAMIC)
        ),
    ),
    "by-cargo-astray": add("Cargo.toml", "package", 'readme = "gone/../Cargo.toml"'),
    "data": add("pyproject.toml", "tool.maturin", 'data = "../data"'),
    "python-source": add("pyproject.toml", "tool.maturin", 'python-source = "../python"'),
    "python-source-by-a-link": both(
        add("pyproject.toml", "tool.maturin", 'python-source = "py"'), link("py", "../python")
    ),
    "python-source-by-a-link-inside": both(
        add("pyproject.toml", "tool.maturin", 'python-source = "py"'), packaged, link("py", ".")
    ),
}


@pytest.fixture(params=["workspace", "repository"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project below a directory with files, which is a cargo workspace or a git repository."""
    top = tmp_path / "top"
    top.mkdir()
    root = copy_project("hello-pyo3", top).rename(top / "py")
    for name in ("README.md", "LICENSE", "docs/DESCRIPTION.rst", "docs/TERMS", "data/data/x.txt"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(f"what {name} says\n")
    (top / "python" / "hello_pyo3").mkdir(parents=True)
    (top / "python" / "hello_pyo3" / "__init__.py").write_text("")
    if request.param == "workspace":
        (top / "Cargo.toml").write_text('[workspace]\nmembers = ["py"]\nresolver = "2"\n')
    else:
        run([need("git"), "init", "-q"], cwd=top, check=True)
    return root


def metadata(root: Path) -> str:
    """Return METADATA as the build back end prepares it."""
    code = "from matrix import backend; import sys; print(backend.prepare_metadata_for_build_wheel(sys.argv[1]))"
    into = root.parent / f"metadata-of-{root.name}"
    into.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, into], cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    )
    return (into / done.stdout.strip() / "METADATA").read_text()


@pytest.mark.parametrize("name", LEGIT)
def test_what_lies_above_is_packed_and_named_anew(
    wheelmatrix: Wheelmatrix, home: Path, tmp_path: Path, name: str
) -> None:
    LEGIT[name](home)
    ran = wheelmatrix("sdist", "-o", tmp_path / "out", cwd=home)
    assert ran.exit == 0, ran
    (archive,) = (tmp_path / "out").iterdir()
    there = unpack(archive, tmp_path / "elsewhere")
    # of two licences of one name the order may change
    assert sorted(metadata(there).splitlines()) == sorted(metadata(home).splitlines())
    said = tomli.loads((there / "pyproject.toml").read_text())
    written = [said["project"].get("readme"), said["project"].get("license")]
    tables = [one["file"] if isinstance(one, dict) else one for one in written]
    maturin = said.get("tool", {}).get("maturin", {})
    paths = [*tables, maturin.get("data"), maturin.get("python-source")]
    assert not [path for path in paths if path and ".." in path]
    again = wheelmatrix("sdist", "-o", tmp_path / "again", cwd=there)
    assert again.exit == 0, again
    first, second = read_sdist(archive), read_sdist(tmp_path / "again" / archive.name)
    assert sorted(first) == sorted(second)
    assert sorted(first["PKG-INFO"].splitlines()) == sorted(second["PKG-INFO"].splitlines())


@pytest.mark.parametrize("out", ["python/mixed_src", "python/mixed_src/dist"])
def test_an_out_directory_inside_the_package_changes_nothing(
    wheelmatrix: Wheelmatrix, tmp_path: Path, out: str
) -> None:
    root = copy_project("mixed-src", tmp_path)
    flags = ("--out", out, "-i", sys.executable, "--profile", "dev", "--timings")

    def make() -> dict[str, bytes]:
        for command in (("build", *flags, "--no-reuse"), ("sdist", "--out", out)):
            ran = wheelmatrix(*command, cwd=root)
            assert ran.exit == 0, ran
        return {path.name: path.read_bytes() for path in (root / out).iterdir() if path.suffix in {".gz", ".whl"}}

    first = make()
    assert len(first) == 2
    assert (root / out / "timeline.html").is_file()
    assert make() == first
    assert "unchanged" in wheelmatrix("build", *flags, cwd=root).stderr
