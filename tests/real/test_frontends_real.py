"""The build back end behind real front ends: pip, build and uv, in isolated environments."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.projects import copy_project
from support.tools import SCRIPTS, TOP, Ran, find_python, need, run

from matrix import __version__

pytestmark = pytest.mark.real
SUFFIX = ".cpython-311-x86_64-linux-gnu.so"


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which front ends find this very tree as the package that they install as back end."""
    house = tmp_path_factory.mktemp("house")
    run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", house, TOP], cwd=TOP, check=True)
    return {
        "PIP_FIND_LINKS": str(house),
        "UV_FIND_LINKS": str(house),
        "UV_NO_MANAGED_PYTHON": "1",
        "MATURIN_PEP517_ARGS": "--profile dev",
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with Python code that changed its back end, and nothing else."""
    return switched(copy_project("mixed-src", tmp_path_factory.mktemp("frontends")))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of a fresh environment that has pip."""
    run([find_python("3.11"), "-m", "venv", tmp_path / "venv"], cwd=tmp_path, check=True)
    return tmp_path / "venv" / "bin" / "python"


def switched(root: Path) -> Path:
    path = root / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    assert 'build-backend = "maturin"' in text
    text = text.replace('requires = ["maturin>=1,<2"]', f'requires = ["wheelmatrix=={__version__}"]')
    path.write_text(text.replace('build-backend = "maturin"', 'build-backend = "matrix.backend"'), encoding="utf-8")
    return root


def ask(python: Path, code: str) -> str:
    return run([python, "-c", code], cwd=python.parent, check=True).stdout.strip()


def test_pip_installs_it_in_place_and_as_it_is(root: Path, env: dict[str, str], python: Path) -> None:
    said = run([python, "-m", "pip", "install", "-v", "-e", root], cwd=root.parent, env=env, check=True)
    assert "Compiling mixed-src" in said.stdout + said.stderr, "cargo's words, for who asks with -v"
    init, module = root / "python" / "mixed_src" / "__init__.py", root / "python" / "mixed_src" / f"_native{SUFFIX}"
    assert module.is_file()
    assert ask(python, "import mixed_src; print(mixed_src.__file__, mixed_src.double(21))") == f"{init} 42"
    init.write_text(init.read_text(encoding="utf-8") + "\nADDED = 'seen at once'\n", encoding="utf-8")
    assert ask(python, "import mixed_src; print(mixed_src.ADDED)") == "seen at once"
    assert run([python.with_name("mixed-src")], cwd=root, check=True).stdout
    before = module.stat()
    run([python, "-m", "pip", "install", "-q", "-e", root], cwd=root.parent, env=env, check=True)
    assert module.stat().st_mtime_ns == before.st_mtime_ns, "nothing changed"
    run([python, "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps", root], cwd=root, env=env, check=True)
    place = ask(python, "import mixed_src; print(mixed_src.__file__, mixed_src._native.__file__)")
    assert place.count("site-packages") == 2


def test_build_makes_a_sdist_and_from_it_a_wheel(root: Path, env: dict[str, str], tmp_path: Path) -> None:
    run([SCRIPTS / "pyproject-build", "-o", tmp_path, root], cwd=root, env=env, check=True)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["mixed_src-1.2.0rc1-cp311-cp311-linux_x86_64.whl", "mixed_src-1.2.0rc1.tar.gz"]
    with zipfile.ZipFile(tmp_path / names[0]) as wheel:
        assert f"mixed_src/_native{SUFFIX}" in wheel.namelist()


def test_uv_builds_both_and_installs_in_place(root: Path, env: dict[str, str], python: Path, tmp_path: Path) -> None:
    uv = need("uv")
    for kind in ("--sdist", "--wheel"):
        run([uv, "build", kind, "-p", python, "-o", tmp_path / "out", root], cwd=root, env=env, check=True)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} >= {".gz", ".whl"}
    run([uv, "pip", "install", "-p", python, "-e", root], cwd=root, env=env, check=True)
    assert ask(python, "import mixed_src; print(mixed_src.__file__)").startswith(str(root))


def test_mistakes_reach_the_front_end_in_a_line_without_a_traceback(env: dict[str, str], tmp_path: Path) -> None:
    root = switched(copy_project("mixed-src", tmp_path))
    (root / "README.md").unlink()
    refused = pip_wheel(root, env, "-C", "release=perhaps")
    assert "error: config setting release is 'perhaps'" in refused.stdout + refused.stderr
    missing = pip_wheel(root, env)
    assert "error: pyproject.toml: [project] readme" in missing.stdout + missing.stderr
    for said in (refused, missing):
        assert said.exit != 0
        assert "matrix/backend.py" not in said.stdout + said.stderr, "no traceback of ours"


def pip_wheel(root: Path, env: dict[str, str], *more: str) -> Ran:
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        *more,
        "-w",
        root.parent,
        root,
    ]
    return run(words, cwd=root, env=env)


def test_the_back_end_is_there_at_once() -> None:
    code = "import os, time; began = time.process_time(); import matrix.backend; print(time.process_time() - began)"
    times = [float(subprocess.check_output([sys.executable, "-c", code], env=os.environ)) for _ in range(3)]
    assert min(times) < 0.3


def test_develop_installs_in_place_for_the_environment_that_is_near(root: Path, python: Path) -> None:
    env = {"VIRTUAL_ENV": str(python.parent.parent)}
    ran = run([need("wheelmatrix"), "develop", "-E", "extra"], cwd=root, env=env, check=True)
    assert "installed mixed_src in place" in ran.stderr
    place = root / "python" / "mixed_src" / "__init__.py"
    assert ask(python, "import mixed_src, typing_extensions; print(mixed_src.__file__)") == str(place)
    unknown = run([need("wheelmatrix"), "develop", "-E", "nope"], cwd=root, env=env)
    assert (unknown.exit, "there is no extra 'nope' (-E)" in unknown.stderr) == (2, True)
    assert "start" not in unknown.stderr, "told before anything is compiled"
