"""Three projects as PyPI has them, what their wheels must be, and a story that uses each."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.reports import read_report
from support.tools import Ran

__all__ = ["SDISTS", "Known", "Story"]


@dataclass(frozen=True)
class Known:
    """A project on PyPI.

    Attributes:
        name: As PyPI has it.
        version: The release.
        wheels: Python and ABI tags of the wheels for CPython 3.10 to 3.13.
        story: Code that uses it.
        says: What the story prints.
        programs: Its console scripts, and what each says to ``--version``.
        restless: Whether its build script makes cargo compile it at every run.
        needs: Packages that its build scripts import in the interpreter built for.
    """

    name: str
    version: str
    wheels: tuple[str, ...]
    story: str
    says: str
    programs: dict[str, str] = field(default_factory=dict)
    restless: bool = False
    needs: tuple[str, ...] = ()


EACH = tuple(f"cp3{minor}-cp3{minor}" for minor in (10, 11, 12, 13))
SDISTS = (
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
        restless=True,  # rerun-if-changed=include/yyjson/*, and no file has that name
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
