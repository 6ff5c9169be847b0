from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matrix.archives.contents import collect
from matrix.archives.entry_targets import check_entry_targets
from matrix.archives.layout import IncludeRule, Layout
from matrix.errors import ConfigError

MAIN = """
import json as codec
from pathlib import Path, PurePath as Pure
LIMIT, (first, *rest) = 3, (1, 2)
if LIMIT:
    def main(): ...
else:
    class Other: ...
try:
    import nope
except ImportError as problem:
    fallback: int = 1
"""


def layout(root: Path, **changes: Any) -> Layout:
    given = {"module": "_native", "directory": "demo", "top": "demo", "mixed": True, **changes}
    return Layout(root=root, crate="demo", python_source=root, **given)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    package = tmp_path / "demo"
    (package / "sub").mkdir(parents=True)
    (package / "__init__.py").write_text("VALUE = 1\n")
    (package / "cli.py").write_text(MAIN)
    (package / "open.py").write_text("from demo.cli import *\n")
    (package / "lazy.py").write_text("def __getattr__(name): ...\n")
    (package / "dynamic.py").write_text("globals()['main'] = print\n")
    (package / "newer.py").write_text("this is no Python\n")
    (package / "sub" / "deep.py").write_text("def run(): ...\n")
    (tmp_path / "demo-1.0.data" / "purelib").mkdir(parents=True)
    (tmp_path / "demo-1.0.data" / "purelib" / "extra.py").write_text("def go(): ...\n")
    return tmp_path


def check(
    root: Path, reference: str, *, key: str = "scripts", dependencies: list[str] | None = None
) -> tuple[str, ...]:
    place = layout(root, data=root / "demo-1.0.data")
    contents = collect(place, "demo-1.0")
    table = {key: {"demo": reference}, "dependencies": dependencies or []}
    return check_entry_targets(table, place, contents.entries, "demo-1.0")


@pytest.mark.parametrize(
    "reference",
    [
        "demo.cli:main", "demo.cli:Other.method", "demo.cli:codec", "demo.cli:Pure", "demo.cli:first", "demo.cli:rest",
        "demo.cli:fallback", "demo.cli:nope", "demo:VALUE", "demo:cli.main", "demo:sub",
        "demo.sub:deep", "demo.sub.deep:run [extra]",
        "demo.open:main", "demo.lazy:main", "demo.dynamic:main", "demo.newer:main", "demo._native:main", "demo:_native",
        "extra:go", "os.path:join",
    ],
)  # fmt: skip
def test_entry_points_that_lead_somewhere(root: Path, reference: str) -> None:
    assert check(root, reference) == ()


@pytest.mark.parametrize(
    ("reference", "message", "hint"),
    [
        ("demo.cli:mian", "'mian' is not defined in .*cli.py", "did you mean 'main'?"),
        ("demo.cli:absent", "'absent' is not defined", "define it there, or name what demo.cli has"),
        ("demo.cil:main", "there is no module 'demo.cil' in the wheel", "did you mean 'demo.cli'?"),
        ("demo.sub.xyz:run", "there is no module 'demo.sub.xyz'", "did you mean 'demo.sub'?"),
        ("extra:stop", "'stop' is not defined", "define it there, or name what extra has"),
        ("demo.q.zz.r.long:main", "there is no module 'demo.q.zz.r.long'", "create demo/q/zz/r/long.py"),
        ("nowhere.cli:main", "no module 'nowhere.cli' in the wheel, and the project has", "the wheel has: demo, extra"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["scripts", "gui-scripts"])
def test_entry_points_that_lead_nowhere(root: Path, key: str, reference: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        check(root, reference, key=key)
    assert caught.value.hint == hint
    assert f"[project] {key}.demo" in caught.value.message


def test_a_dependency_may_have_the_module(root: Path) -> None:
    assert check(root, "no_where.cli:main", dependencies=["No-Where>=1; python_version < '4'"]) == ()
    (warning,) = check(root, "nowhere.cli:main", dependencies=["other>=1"])
    assert "scripts.demo: there is no module 'nowhere.cli' in the wheel, so a dependency must have it" in warning


def test_a_plugin_may_be_a_module(root: Path) -> None:
    contents = collect(layout(root), "demo-1.0").entries
    check_entry_targets({"entry-points": {"p": {"a": "demo.cli", "b": "demo"}}}, layout(root), contents, "demo-1.0")
    with pytest.raises(ConfigError, match=r"entry-points\.p\.a: there is no module 'demo\.gone'"):
        check_entry_targets({"entry-points": {"p": {"a": "demo.gone"}}}, layout(root), contents, "demo-1.0")


def test_a_build_script_may_write_the_module(root: Path) -> None:
    place = layout(root, include=(IncludeRule("*.py", origin="out-dir", to="demo"),))
    contents = collect(place, "demo-1.0").entries
    assert check_entry_targets({"scripts": {"demo": "demo.made:main"}}, place, contents, "demo-1.0") == ()


def test_a_module_around_which_python_is_generated(tmp_path: Path) -> None:
    pure = layout(tmp_path, module="demo", mixed=False)
    assert check_entry_targets({"scripts": {"demo": "demo:main"}}, pure, collect(pure, "d-1").entries, "d-1") == ()
    folder = layout(tmp_path, module="demo", mixed=False, folder=True)
    assert check_entry_targets({"scripts": {"demo": "demo.ffi:main"}}, folder, (), "d-1") == ()
