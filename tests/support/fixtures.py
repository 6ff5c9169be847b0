"""Fixtures of the tests that start real tools; a conftest hands them on by importing their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.cross import cross_environment
from support.dropin import House
from support.every_target import EveryTarget, declare
from support.foreign import Foreign, foreign
from support.known import Known, Story
from support.projects import copy_project, fetch_sdist, unpack
from support.provision import provide
from support.tools import Ran, find_python, need, run
from support.wheels import make_venv

Wheelmatrix = Callable[..., Ran]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def wheelmatrix() -> Wheelmatrix:
    """Run the installed console script: ``wheelmatrix("build", "-r", cwd=project)``."""
    program = need("wheelmatrix")

    def start(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, timeout: float = 600) -> Ran:
        need("cargo")
        return run([program, *arguments], cwd=cwd, env=env, timeout=timeout)

    return start


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Copy one of our projects: ``project("hello-pyo3")``."""

    def copy(name: str, *, git: bool = False) -> Path:
        return copy_project(name, tmp_path, git=git)

    return copy


@pytest.fixture(scope="session")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Fetch an sdist and unpack it into a folder of its own: ``sdist("rpds-py", "0.30.0")``."""

    def unpacked(name: str, version: str) -> Path:
        return unpack(fetch_sdist(name, version), tmp_path_factory.mktemp(name))

    return unpacked


@pytest.fixture(scope="session")
def pythons() -> dict[str, Path]:
    """The four interpreters that the matrix tests build for."""
    return {version: find_python(version) for version in ("3.10", "3.11", "3.12", "3.13")}


@pytest.fixture(scope="session")
def build_sdist(
    wheelmatrix: Wheelmatrix, sdist: Callable[[str, str], Path], pythons: dict[str, Path]
) -> Callable[[Known], Story]:
    """Build a known project for four interpreters, cold, in one call; once a session."""
    stories: dict[str, Story] = {}

    def build(known: Known) -> Story:
        if known.name not in stories:
            root = sdist(known.name, known.version)
            ran = wheelmatrix("build", "-r", "-i", *pythons.values(), cwd=root, timeout=900)
            stories[known.name] = Story(known, root, ran, pythons)
        return stories[known.name]

    return build


@pytest.fixture
def venv(tmp_path: Path) -> Callable[[Path], Path]:
    """Make a fresh virtual environment of an interpreter; return the interpreter in it."""

    def make(python: Path) -> Path:
        folder = tmp_path / f"venv-{sum(1 for _ in tmp_path.glob('venv-*'))}"
        return make_venv(python, folder)

    return make


@pytest.fixture(scope="session")
def docker_image() -> Callable[[str], str]:
    """Make a container image of tests/provision/image.sh, once; return its name: ``docker_image("bullseye")``."""
    names: dict[str, str] = {}

    def image(name: str) -> str:
        if name not in names:
            need("docker")
            (names[name],) = provide("image", name)
        return names[name]

    return image


@pytest.fixture(scope="session")
def cross_env() -> dict[str, str]:
    """Variables with which every target of ``support.cross.TARGETS`` can be built."""
    need("cargo")
    return cross_environment()


@pytest.fixture(scope="session")
def foreign_python() -> Callable[[str], Foreign]:
    """Python 3.11 of another processor: ``foreign_python("arm64").ask("import x", folder)``."""
    return foreign


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Where projects of PyPI are built with our back end and with maturin's."""
    return House(tmp_path_factory.mktemp("house"))


@pytest.fixture(scope="session")
def every_target(
    wheelmatrix: Wheelmatrix, cross_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> EveryTarget:
    """One run that builds c-cross for every target; once a session."""
    root = copy_project("c-cross", tmp_path_factory.mktemp("every"))
    declare(root)
    ran = wheelmatrix("build", "--accept-xwin-license", "-j2", cwd=root, env=cross_env, timeout=1500)
    return EveryTarget(root, ran, tmp_path_factory.mktemp("unpacked"))
