"""Three projects as PyPI has them: every wheel is built, installed into a fresh environment and used."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.known import SDISTS, Known, Story
from support.tools import Ran, need, run
from support.wheels import ask, install

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="tags and interpreters of Linux"),
]


@pytest.fixture(params=SDISTS, ids=lambda known: known.name)
def story(request: pytest.FixtureRequest, build_sdist: Callable[[Known], Story]) -> Story:
    return build_sdist(request.param)


def test_every_wheel_is_made_and_named(story: Story) -> None:
    assert story.ran.exit == 0, str(story.ran)
    prefix = f"{story.known.name.replace('-', '_')}-{story.known.version}-"
    names = [path.name for path in story.ran.wheels]
    assert sorted(name.removeprefix(prefix).rsplit("-", 1)[0] for name in names) == sorted(story.known.wheels)
    assert all(path.is_file() for path in story.ran.wheels)


def test_the_report_follows_its_schema_and_says_the_same(story: Story) -> None:
    report = story.report
    assert report["project"]["version"] == story.known.version
    assert {cell["status"] for cell in report["cells"]} == {"built"}
    assert {cell["wheel"]["file"] for cell in report["cells"]} == {path.name for path in story.ran.wheels}
    assert len(report["cells"]) == 4, "one cell an interpreter, even where one wheel serves them all"
    assert len(report["builds"]) == len(story.ran.wheels)
    assert all(build["exit"] == 0 and build["crates"]["compiled"] > 0 for build in report["builds"])
    assert not report.get("absent")


def test_auditwheel_agrees_with_every_tag(story: Story) -> None:
    for cell in story.report["cells"]:
        wheel = story.root / "target" / "wheels" / cell["wheel"]["file"]
        shown = json.loads(run([need("auditwheel"), "show", "--json", wheel], cwd=story.root, check=True).stdout)
        assert cell["audit"]["overall_tag"] == shown["overall_tag"]
        assert cell["audit"]["sym_tag"] == shown["sym_tag"]
        assert shown["overall_tag"] in wheel.name


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_wheel_installs_and_works(story: Story, version: str, venv: Callable[[Path], Path]) -> None:
    python = venv(story.interpreters[version])
    install(python, story.wheel_for(version))
    assert ask(python, story.known.story) == story.known.says
    for program, says in story.known.programs.items():
        assert run([python.parent / program, "--version"], cwd=python.parent, check=True).stdout.strip() == says


def test_the_second_run_makes_the_same_or_nothing(story: Story, wheelmatrix: Callable[..., Ran]) -> None:
    before = {cell["id"]: cell["wheel"] for cell in story.report["cells"]}
    again = wheelmatrix("build", "-r", "-i", *story.interpreters.values(), cwd=story.root)
    assert again.exit == 0, str(again)
    assert again.stdout == story.ran.stdout
    report = story.report
    assert {cell["id"]: cell["wheel"] for cell in report["cells"]} == before
    assert {cell["status"] for cell in report["cells"]} == {"built" if story.known.restless else "reused"}
    compiled = {build["crates"]["compiled"] for build in report["builds"]}
    assert compiled == {1 if story.known.restless else 0}
    if not story.known.restless:
        assert again.seconds < max(5.0, story.ran.seconds / 5)
