"""New projects as their users meet them: made by the command, built, installed, and their own tests run."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.provision import cbindgen
from support.tools import SCRIPTS, TOP, Ran, find_python, run
from support.wheels import add_packages, install, make_venv

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]

LAYOUTS = {"pure": [], "mixed": ["--mixed"], "src": ["--mixed", "--src"]}
BUILT = ("pyo3", "rust-cpython", "cffi", "uniffi", "bin")
EVERY = os.environ.get("WHEELMATRIX_TEST_EVERY_TEMPLATE") == "yes"
QUICK = [
    *(("pyo3", layout) for layout in LAYOUTS),
    *((kind, "mixed") for kind in ("rust-cpython", "cffi", "bin")),  # uniffi compiles its own bindgen: minutes
]
TEMPLATES = TOP / "matrix" / "scaffolds" / "templates"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One cargo target directory for all of them, so that dependencies compile once."""
    return {"CARGO_TARGET_DIR": str(tmp_path_factory.mktemp("target"))}


@pytest.fixture(scope="module")
def tester(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pytest; every project in it has a name of its own."""
    python = make_venv(find_python("3.11"), tmp_path_factory.mktemp("tester") / "venv")
    add_packages(python, "pytest")
    return python


def made(wheelmatrix: Wheelmatrix, folder: Path, kind: str, layout: str) -> Path:
    name = f"new-{kind}-{layout}"
    ran = wheelmatrix("new", "-b", kind, *LAYOUTS[layout], name, cwd=folder)
    assert (ran.exit, ran.stdout) == (0, f"{name}\n"), str(ran)
    return folder / name


@pytest.mark.parametrize(
    ("kind", "layout"),
    [(kind, layout) for kind in BUILT for layout in LAYOUTS] if EVERY else QUICK,
)
def test_a_new_project_builds_and_passes_its_tests(
    wheelmatrix: Wheelmatrix, tmp_path: Path, target: dict[str, str], tester: Path, kind: str, layout: str
) -> None:
    root = made(wheelmatrix, tmp_path, kind, layout)
    env = target
    if kind == "cffi":
        env = {**target, "PATH": os.pathsep.join([cbindgen(), str(SCRIPTS), os.environ["PATH"]])}
    sdist = ["--sdist"] if layout == "src" else []
    ran = wheelmatrix("build", "-i", tester, "-o", "dist", *sdist, cwd=root, env=env, timeout=900)
    assert ran.exit == 0, str(ran)
    assert "warning" not in ran.stderr, str(ran)
    paths = ran.stdout.splitlines()
    assert len(paths) == 1 + len(sdist), str(ran)
    install(tester, root / paths[-1])
    tested = run([tester, "-m", "pytest", "-q"], cwd=root)
    assert tested.exit == 0, str(tested)
    assert re.search(r"\b[12] passed", tested.stdout), str(tested)


@pytest.mark.parametrize("layout", ["mixed", "src"])
@pytest.mark.parametrize("kind", ["pyo3", "rust-cpython", "cffi", "bin"])
def test_the_types_of_a_new_package_hold(wheelmatrix: Wheelmatrix, tmp_path: Path, kind: str, layout: str) -> None:
    root = made(wheelmatrix, tmp_path, kind, layout)
    source = "src" if layout == "src" else "python"
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, source]
    checked = run(command, cwd=root)
    assert checked.exit == 0, str(checked)


def test_a_project_is_made_where_init_stands(wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text("[workspace]\n")
    here = tmp_path / "words"
    here.mkdir()
    ran = wheelmatrix("init", cwd=here)
    assert ran.exit == 0, str(ran)
    assert "warning: " in ran.stderr
    assert 'add "words" to its members' in ran.stderr, str(ran)
    asked = run(["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"], cwd=here)
    assert asked.exit != 0, f"cargo minds after all: {asked}"
    (tmp_path / "Cargo.toml").write_text('[workspace]\nmembers = ["words"]\nresolver = "3"\n')
    run(["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"], cwd=here, check=True)
    again = wheelmatrix("init", cwd=here)
    assert again.exit == 2, str(again)


def test_the_installed_program_has_its_templates(tmp_path: Path) -> None:
    run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, TOP],
        cwd=tmp_path,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    templates = unpacked / "matrix" / "scaffolds" / "templates"
    packed = {path.relative_to(templates) for path in templates.rglob("*.in")}
    assert packed == {path.relative_to(TEMPLATES) for path in TEMPLATES.rglob("*.in")}
    code = f"import sys; sys.path.insert(0, {str(unpacked)!r}); from matrix import cli; sys.exit(cli.main())"
    for kind in BUILT:
        ran = run([sys.executable, "-c", code, "new", "-b", kind, f"my-{kind}"], cwd=tmp_path, check=True)
        assert ran.stdout == f"my-{kind}\n", str(ran)
        assert (tmp_path / f"my-{kind}" / "Cargo.toml").is_file()
