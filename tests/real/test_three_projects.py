"""Three projects as PyPI has them: every wheel is built, installed into a fresh environment and used."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.reports import read_report
from support.tools import Ran, need, run
from support.wheels import ask, install

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="tags and interpreters of Linux"),
]


@dataclass(frozen=True)
class Known:
    """A project on PyPI, what its wheels must be, and a story that uses one."""

    name: str
    version: str
    wheels: tuple[str, ...]
    story: str
    says: str
    programs: dict[str, str] = field(default_factory=dict)


EACH = tuple(f"cp3{minor}-cp3{minor}" for minor in (10, 11, 12, 13))
PROJECTS = (
    Known(
        name="rpds-py",
        version="0.30.0",
        wheels=EACH,
        story="""
from rpds import HashTrieMap, HashTrieSet, List, Queue
old = HashTrieMap({"a": 1})
new = old.insert("b", 2)
assert dict(old) == {"a": 1} and dict(new) == {"a": 1, "b": 2}
assert new.remove("a") == HashTrieMap({"b": 2})
try:
    old.remove("nothing")
except KeyError:
    print(sorted(HashTrieSet([3, 1, 2])), list(List([1, 2]).push_front(0)), Queue([1, 2]).dequeue().peek())
""",
        says="[1, 2, 3] [0, 1, 2] 2",
    ),
    Known(
        name="orjson",
        version="3.13.0",
        wheels=EACH,
        story="""
import datetime, orjson
value = {"é": [1, 2.5, None, True], "at": datetime.datetime(2024, 2, 29), "deep": {"n": list(range(100))}}
text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
assert orjson.loads(text)["deep"]["n"][-1] == 99
try:
    orjson.loads("[1, 2")
except orjson.JSONDecodeError:
    print(orjson.__version__, text[:30].decode())
""",
        says='3.13.0 {"at":"2024-02-29T00:00:00","d',
    ),
    Known(
        name="watchfiles",
        version="1.3.0",
        wheels=("cp310-abi3",),
        story="""
import pathlib, tempfile, threading, time
from watchfiles import Change, watch
folder = pathlib.Path(tempfile.mkdtemp())
stop = threading.Event()
def write():
    for number in range(100):
        (folder / f"{number}.txt").write_text("seen")
        if stop.wait(0.1):
            break
writer = threading.Thread(target=write)
writer.start()
for changes in watch(folder, stop_event=stop):
    break
stop.set()
writer.join()
kind, path = min(changes, key=str)
print(kind in (Change.added, Change.modified), pathlib.Path(path).parent == folder)
""",
        says="True True",
        programs={"watchfiles": "watchfiles v1.3.0"},
    ),
)


@dataclass(frozen=True)
class Story:
    """What the build of one project left."""

    known: Known
    root: Path
    ran: Ran
    interpreters: dict[str, Path]

    @property
    def report(self) -> dict[str, Any]:
        return read_report(self.root / "target" / "wheels" / "report.json")

    def wheel_for(self, version: str) -> Path:
        """The wheel that serves an interpreter."""
        tag = f"cp{version.replace('.', '')}"
        return next(path for path in self.ran.wheels if f"-{tag}-{tag}-" in path.name or "-abi3-" in path.name)


@pytest.fixture(scope="module", params=PROJECTS, ids=lambda known: known.name)
def story(
    request: pytest.FixtureRequest,
    wheelmatrix: Callable[..., Ran],
    sdist: Callable[[str, str], Path],
    pythons: dict[str, Path],
) -> Story:
    """Build one project, cold, in one call."""
    known: Known = request.param
    root = sdist(known.name, known.version)
    ran = wheelmatrix("build", "-r", "-i", *pythons.values(), cwd=root, timeout=900)
    return Story(known, root, ran, pythons)


def test_every_wheel_is_made_and_named(story: Story) -> None:
    assert story.ran.exit == 0, str(story.ran)
    prefix = f"{story.known.name.replace('-', '_')}-{story.known.version}-"
    names = [path.name for path in story.ran.wheels]
    assert sorted(name.removeprefix(prefix).rsplit("-", 1)[0] for name in names) == sorted(story.known.wheels)
    assert story.ran.stdout.splitlines() == [str(path) for path in story.ran.wheels], "stdout is data"
    assert all((story.root / path).is_file() for path in story.ran.wheels)


def test_the_report_follows_its_schema_and_says_the_same(story: Story) -> None:
    report = story.report
    assert report["project"]["version"] == story.known.version
    assert {cell["status"] for cell in report["cells"]} == {"built"}
    assert sorted(cell["wheel"]["file"] for cell in report["cells"]) == sorted(path.name for path in story.ran.wheels)
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
    install(python, story.root / story.wheel_for(version))
    assert ask(python, story.known.story) == story.known.says
    for program, says in story.known.programs.items():
        assert run([python.parent / program, "--version"], cwd=python.parent, check=True).stdout.strip() == says


def test_the_second_run_reuses_every_wheel(story: Story, wheelmatrix: Callable[..., Ran]) -> None:
    before = {cell["id"]: cell["wheel"] for cell in story.report["cells"]}
    again = wheelmatrix("build", "-r", "-i", *story.interpreters.values(), cwd=story.root)
    assert again.exit == 0, str(again)
    assert again.stdout == story.ran.stdout
    after = story.report
    assert {cell["status"] for cell in after["cells"]} == {"reused"}
    assert {cell["id"]: cell["wheel"] for cell in after["cells"]} == before
    assert again.seconds < max(5.0, story.ran.seconds / 5)
