"""The same inputs given to maturin: names, tags, files and metadata of both wheels, and why they differ."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from support.compare import EMPTY_LINES, HOME_PAGE, SAME_REQUIREMENTS, SPELLING, Difference, check_differences
from support.judges import check_distribution
from support.known import SDISTS, Known, Story
from support.projects import copy_project
from support.provision import cbindgen
from support.tools import Ran, find_python, need, run
from support.wheels import Inside, look_inside

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="tags and interpreters of Linux"),
]


NO_PYTHON = (
    "hello-pyo3 older-pyo3 abi3 abi3-conditional ffi-only workspace c-make cargo-only external-lib rpds-py c-api"
)
WITH_README = "mixed-src mixed-src-git workspace cargo-only rpds-py orjson watchfiles"
DIFFERENCES = (
    Difference("*", "WHEEL Generator", "each names itself"),
    Difference("*", "content dist-info/sboms/*.cyclonedx.json", "for the wheel's own target, without serial and paths"),
    Difference(NO_PYTHON, "content */__init__.py", "words of our own, which leave the same names behind"),
    Difference(WITH_README, EMPTY_LINES, "maturin ends it with an empty line"),
    Difference("mixed-src mixed-src-git", SPELLING, SAME_REQUIREMENTS),
    Difference("workspace cargo-only", "METADATA Author", "maturin repeats here who stands in Author-email"),
    Difference("cargo-only", "METADATA Author-email", "an author without an address belongs into Author"),
    Difference("cargo-only watchfiles", "METADATA Home-Page", HOME_PAGE),
    *(
        Difference("abi3-conditional", field, "we see the stable ABI in a feature that depends on the interpreter")
        for field in ("name", "tags", "file +*.abi3.so", "file -*.cpython-312-x86_64-linux-gnu.so")
    ),
)


class Given(NamedTuple):
    """One input: a project, the interpreters, more flags for both, and whether it is a git repository."""

    project: str
    versions: tuple[str, ...]
    flags: tuple[str, ...] = ()
    git: bool = False

    def __str__(self) -> str:
        return f"{self.project}{'-git' if self.git else ''}"


INPUTS = (
    Given("hello-pyo3", ("3.12",)),
    Given("mixed-src", ("3.12",), ("-F", "loud")),
    Given("mixed-src", ("3.12",), git=True),
    Given("older-pyo3", ("3.7", "3.10", "pypy3")),
    Given("abi3", ("3.12", "3.13")),
    Given("abi3-conditional", ("3.9", "3.12")),
    Given("ffi-only", ("3.9", "3.13")),
    Given("workspace", ("3.12",)),
    Given("own-matrix", ("3.12",)),
    Given("c-make", ("3.11",)),
    Given("cargo-only", ("3.12",)),
    Given("external-lib", ("3.12",), ("--skip-auditwheel",)),
    Given("c-api", ("3.11",)),
    Given("programs", ("3.12",)),
    Given("programs", ("3.12",), ("-F", "more")),
    Given("embedding", ("3.11",)),
)


def _compare(project: str, pairs: list[tuple[Inside, Inside]]) -> None:
    check_differences(project, pairs, DIFFERENCES)
    for ours, theirs in pairs:
        mine, other = _crates(ours), _crates(theirs)
        assert mine.items() <= other.items(), f"{ours.file}: {mine.items() - other.items()}"


def _crates(wheel: Inside) -> dict[str, tuple[str, str, str]]:
    """What the list of crates says: of each its scope, digest and licence; maturin's knows every platform."""
    found = [json.loads(text) for name, text in wheel.texts.items() if name.endswith(".cyclonedx.json")]
    return {
        f"{one['name']} {one['version']}": (one["scope"], str(one.get("hashes")), str(one.get("licenses")))
        for bom in found
        for one in bom["components"]
    }


def _wheels(folder: Path) -> dict[str, Inside]:
    """The wheels of a folder, which judges accept, by their python and ABI tags."""
    for path in folder.glob("*.whl"):
        check_distribution(path)
    found = [look_inside(path) for path in sorted(folder.glob("*.whl"))]
    return {"-".join(inside.file.split("-")[-3:-1]): inside for inside in found}


def _pairs(ours: dict[str, Inside], theirs: dict[str, Inside]) -> list[tuple[Inside, Inside]]:
    """Pair the wheels of the same tags, and what is left in the order of their names."""
    assert ours
    assert len(ours) == len(theirs), f"{sorted(ours)} != {sorted(theirs)}"
    same = sorted(ours.keys() & theirs.keys())
    left = zip(sorted(ours.keys() - same), sorted(theirs.keys() - same), strict=True)
    return [(ours[tags], theirs[tags]) for tags in same] + [(ours[mine], theirs[other]) for mine, other in left]


@pytest.fixture(scope="session")
def targets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two target directories, ours and theirs: what projects share is compiled once."""
    return tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("theirs")


@pytest.mark.parametrize("given", INPUTS, ids=str)
def test_our_projects_make_the_same_wheels(
    given: Given, wheelmatrix: Callable[..., Ran], targets: tuple[Path, Path], tmp_path: Path
) -> None:
    ours, theirs = targets
    if given.project == "c-make":
        need("make")
    interpreters = [Path(need(version)) if version == "pypy3" else find_python(version) for version in given.versions]
    root = copy_project(given.project, tmp_path, git=given.git)
    arguments: list[str | Path] = ["build", *given.flags, "-i", *interpreters, "-o"]
    run([need("maturin"), *arguments, tmp_path / "theirs"], cwd=root, env={"CARGO_TARGET_DIR": str(theirs)}, check=True)
    env = {"PATH": f"{cbindgen()}{os.pathsep}{os.environ['PATH']}"} if given.project == "c-api" else None
    ran = wheelmatrix(*arguments, tmp_path / "ours", "--target-dir", ours, cwd=root, env=env)
    assert ran.exit == 0, str(ran)
    _compare(str(given), _pairs(_wheels(tmp_path / "ours"), _wheels(tmp_path / "theirs")))


@pytest.mark.parametrize("known", SDISTS, ids=lambda known: known.name)
def test_sdists_of_pypi_make_the_same_wheels(
    known: Known, build_sdist: Callable[[Known], Story], sdist: Callable[[str, str], Path], tmp_path: Path
) -> None:
    story = build_sdist(known)
    assert story.ran.exit == 0, str(story.ran)
    root = sdist(known.name, known.version)
    python = story.interpreters["3.12"]
    (build,) = {cell["build"] for cell in story.report["cells"] if cell["id"].startswith("cp312-")}
    lane = story.root / "target" / "wheelmatrix" / "lanes" / build  # a copy has what does not know about Python
    words: list[str | Path] = [need("maturin"), "build", "-r", "-i", python, "-o", tmp_path, "--target-dir"]
    run([*words, shutil.copytree(lane, tmp_path / "target", symlinks=True)], cwd=root, check=True)
    theirs = _wheels(tmp_path)
    ours = _wheels(story.root / "target" / "wheels")
    _compare(known.name, _pairs({tags: ours[tags] for tags in theirs}, theirs))


def test_an_unlisted_and_a_stale_entry_fail(tmp_path: Path) -> None:
    wheel = next(iter(_fake_wheels(tmp_path)))
    with pytest.raises(AssertionError, match=r"not met: .*WHEEL Generator"):
        _compare("any", [(wheel, wheel)])
    with pytest.raises(AssertionError, match=r"not in the table:[^$]*METADATA Name: .*other"):
        _compare("any", [_fake_wheels(tmp_path)])


def _fake_wheels(folder: Path) -> tuple[Inside, Inside]:
    import zipfile

    made = []
    for name in ("one", "other"):
        path = folder / f"{name}-1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"{name}-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            archive.writestr(f"{name}-1.dist-info/WHEEL", f"Wheel-Version: 1.0\nGenerator: {name}\n")
            archive.writestr(f"{name}-1.dist-info/RECORD", "")
        made.append(look_inside(path))
    return made[0], made[1]
