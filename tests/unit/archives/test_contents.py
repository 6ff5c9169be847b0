"""What of a project's Python side goes into its wheels."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from matrix.archives.contents import Contents, collect
from matrix.archives.entries import Entry
from matrix.archives.layout import IncludeRule, Layout, extension_path, extension_suffix, stub_init
from matrix.archives.products import Products
from matrix.archives.walking import Ignores
from matrix.errors import ConfigError
from matrix.model import StableAbi, Target

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and modes are Unix's")


def project(root: Path, *files: str | tuple[str, str]) -> Path:
    for one in files:
        name, text = (one, f"# {one}\n") if isinstance(one, str) else one
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def layout(root: Path, **changes: Any) -> Layout:
    package = changes.pop("package", "")
    fields: dict[str, Any] = {"module": "demo", "crate": "demo", "python_source": root, "mixed": True} | changes
    top = package.partition(".")[0] or fields["module"]
    return Layout(root=root, top=top, directory=package.replace(".", "/") or fields["module"], **fields)


def paths(contents: Contents) -> list[str]:
    return [entry.path for entry in contents.entries]


def content(contents: Contents, path: str) -> bytes:
    (source,) = (entry.source for entry in contents.entries if entry.path == path)
    return source if isinstance(source, bytes) else source.read_bytes()


# pure Rust


def test_a_pure_rust_project_gets_a_package_of_its_own(tmp_path: Path) -> None:
    project(tmp_path, "demo.pyi", "other.py", "demo.txt")
    found = collect(layout(tmp_path, mixed=False), "demo-1.0")
    assert paths(found) == ["demo/__init__.py", "demo/__init__.pyi", "demo/py.typed"]
    assert content(found, "demo/__init__.pyi") == b"# demo.pyi\n"
    assert content(found, "demo/py.typed") == b""
    assert paths(collect(layout(tmp_path, mixed=False, module="bare"), "bare-1.0")) == ["bare/__init__.py"]


@pytest.mark.parametrize("module", ["demo", "_extension"])
@pytest.mark.parametrize("exported", [True, False])
def test_the_package_offers_what_the_module_offers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, exported: bool
) -> None:
    name = f"{module}_{exported}"
    text = f'"""Words."""\none, {name}, _three = 1, 2, 3\n' + ("__all__ = ['one', '_three']\n" if exported else "")
    project(tmp_path, (f"{name}/{name}.py", text), (f"{name}/__init__.py", stub_init(name).decode()))
    monkeypatch.syspath_prepend(tmp_path)
    package = __import__(name)
    assert package.__doc__ == "Words."
    assert package.one == 1
    assert hasattr(package, "_three") is exported
    assert hasattr(package, "__all__") is exported
    assert not {"_extension", "_extension_module"} & set(vars(package)) - {name}


# mixed

TREE = (
    "demo/__init__.py",
    "demo/a.py",
    "demo/sub/b.txt",
    "demo/py.typed",
    "demo/.hidden",
    "demo/x.rs",
    "demo/_rust.pyi",
    "outside.py",
    "other/__init__.py",
)


def test_a_mixed_project_takes_its_package_whole(tmp_path: Path) -> None:
    project(tmp_path, *TREE, "demo/__pycache__/a.cpython-312.pyc", "demo/c.pyc", "demo/c.pyo", "demo.pyi")
    found = collect(layout(tmp_path), "demo-1.0")
    assert paths(found) == sorted(name for name in TREE if name.startswith("demo/"))
    assert found.warnings == ()


def test_the_top_package_counts_not_the_innermost(tmp_path: Path) -> None:
    project(tmp_path, "py/ns/pkg/__init__.py", "py/ns/other/x.py", "py/beside.py")
    nested = layout(tmp_path, module="_rust", package="ns.pkg", python_source=tmp_path / "py")
    assert paths(collect(nested, "demo-1.0")) == ["ns/other/x.py", "ns/pkg/__init__.py"]
    assert extension_path(nested, ".abi3.so") == "ns/pkg/_rust.abi3.so"


def test_python_packages_add_to_it(tmp_path: Path) -> None:
    project(tmp_path, *TREE)
    found = collect(layout(tmp_path, python_packages=("other", "outside.py", "demo")), "demo-1.0")
    assert {"other/__init__.py", "outside.py"} <= set(paths(found))
    pure = collect(layout(tmp_path, module="fast", mixed=False, python_packages=("other",)), "fast-1.0")
    assert paths(pure) == ["fast/__init__.py", "other/__init__.py"]
    with pytest.raises(ConfigError, match=r"python-packages\[0\]: '\.\./x' must not contain"):
        collect(layout(tmp_path, python_packages=("../x",)), "demo-1.0")


STALE = [
    "demo/_rust.cpython-39-x86_64-linux-gnu.so",
    "demo/_rust.abi3.so",
    "demo/_rust.so",
    "demo/_rust.pyd",
    "demo/_rust.cp311-win_amd64.pyd",
    "demo/_rust.pypy39-pp73-x86_64-linux-gnu.so",
    "demo/old/_rust.cpython-312-darwin.so",
]


def test_other_builds_of_the_module_are_never_taken(tmp_path: Path) -> None:
    kept = ["demo/other.so", "demo/_rusty.so", "demo/_rust.py", "demo/_rust.so.txt", "demo/lib_rust.so"]
    project(tmp_path, "demo/__init__.py", *STALE, *kept)
    wide = (IncludeRule("demo/**/*"),)
    for include in ((), wide):
        found = collect(layout(tmp_path, module="_rust", package="demo", include=include), "demo-1.0")
        assert paths(found) == sorted(["demo/__init__.py", *kept])


@posix
def test_what_may_be_executed_stays_so(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "demo/run.sh")
    (tmp_path / "demo/run.sh").chmod(0o755)
    found = collect(layout(tmp_path), "demo-1.0")
    assert [(entry.path, entry.executable) for entry in found.entries] == [
        ("demo/__init__.py", False),
        ("demo/run.sh", True),
    ]


# ignore files


def test_ignore_files_are_obeyed(tmp_path: Path) -> None:
    project(tmp_path, *TREE, "demo/keep.txt", ("demo/.ignore", "x.rs\n"), (".ignore", "sub/\n"))
    (tmp_path / ".git").mkdir()
    project(tmp_path, (".gitignore", "*.txt\n!keep.txt\n/demo/a.py\n"), ("demo/.gitignore", "py.typed\n"))
    found = paths(collect(layout(tmp_path), "demo-1.0"))
    assert found == [
        "demo/.gitignore",
        "demo/.hidden",
        "demo/.ignore",
        "demo/__init__.py",
        "demo/_rust.pyi",
        "demo/keep.txt",
    ]


def test_gitignore_counts_in_a_repository_only(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "demo/a.py", (".gitignore", "a.py\n"))
    assert "demo/a.py" in paths(collect(layout(tmp_path), "demo-1.0"))


def test_a_file_below_an_ignored_directory_stays_out(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "demo/gen/keep.py", (".ignore", "gen/\n!keep.py\n"))
    assert paths(collect(layout(tmp_path), "demo-1.0")) == ["demo/__init__.py"]


def test_a_package_that_is_ignored_whole_is_worth_a_warning(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", (".ignore", "/demo\n"))
    found = collect(layout(tmp_path), "demo-1.0")
    assert found.entries == ()
    assert "'demo'" in found.warnings[0]


# links


@posix
def test_links_are_followed_inside_the_project_alone(tmp_path: Path) -> None:
    root = project(tmp_path / "root", "demo/__init__.py", "demo/sub/b.txt", "shared/x.txt")
    project(tmp_path, "far/y.txt")
    for name, target in {
        "demo/file.txt": "../shared/x.txt",
        "demo/shared": "../shared",
        "demo/far": "../../far",
    }.items():
        (root / name).symlink_to(target)
    found = collect(layout(root), "demo-1.0")
    assert paths(found) == [
        "demo/__init__.py",
        "demo/file.txt",
        "demo/shared/x.txt",
        "demo/sub/b.txt",
    ]
    (warning,) = found.warnings
    assert "leads out of the project" in warning
    (tmp_path / ".git").mkdir()  # a repository is a project as a whole
    found = collect(layout(root), "demo-1.0")
    assert found.warnings == ()
    assert "demo/far/y.txt" in paths(found)


@posix
@pytest.mark.parametrize("name", ["demo/far.txt", "demo/data/far.txt", "extra/far.txt", "demo.data/data/far.txt"])
def test_a_file_outside_the_project_is_not_packed_by_a_link(tmp_path: Path, name: str) -> None:
    root = project(tmp_path / "root", "demo/__init__.py", "demo/data/x", "extra/x", "demo.data/data/x")
    project(tmp_path, "far.txt")
    rules = {"include": (IncludeRule("extra/*"),), "data": root / "demo.data"}
    assert collect(layout(root, **rules), "demo-1.0").entries
    (root / name).symlink_to(tmp_path / "far.txt")
    with pytest.raises(ConfigError, match=rf"{name}: the link leads out of the project, to .*/far\.txt"):
        collect(layout(root, **rules), "demo-1.0")
    project(root, (".ignore", f"{name}\n"))
    if name.startswith("demo/"):
        assert name not in paths(collect(layout(root, **rules), "demo-1.0"))


@posix
@pytest.mark.parametrize(
    ("name", "target"), [("demo/up", ".."), ("demo/self", "."), ("demo/sub/back", "../sub"), ("demo/loop", "loop")]
)
def test_a_link_in_a_circle_is_an_error_that_names_it(tmp_path: Path, name: str, target: str) -> None:
    project(tmp_path, "demo/__init__.py", "demo/sub/b.txt")
    (tmp_path / name).symlink_to(target)
    with pytest.raises(ConfigError, match=rf"{name}: the link leads in a circle"):
        collect(layout(tmp_path), "demo-1.0")
    project(tmp_path, (".ignore", f"{name}\n"))
    assert paths(collect(layout(tmp_path), "demo-1.0")) == ["demo/__init__.py", "demo/sub/b.txt"]


@posix
def test_two_directories_that_link_to_each_other(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "demo/a/x", "demo/b/y")
    (tmp_path / "demo/a/b").symlink_to("../b")
    (tmp_path / "demo/b/a").symlink_to("../a")
    with pytest.raises(ConfigError, match="leads in a circle"):
        collect(layout(tmp_path), "demo-1.0")


@posix
def test_a_package_that_is_a_link_is_taken(tmp_path: Path) -> None:
    project(tmp_path, "lib/demo/__init__.py")
    (tmp_path / "demo").symlink_to("lib/demo")
    assert paths(collect(layout(tmp_path), "demo-1.0")) == ["demo/__init__.py"]


@posix
def test_a_link_to_nowhere_is_an_error_that_names_it(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py")
    (tmp_path / "demo/dangling").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=r"dangling: the link leads nowhere \(nowhere\)"):
        collect(layout(tmp_path), "demo-1.0")
    project(tmp_path, (".ignore", "dangling\n"))
    assert paths(collect(layout(tmp_path), "demo-1.0")) == ["demo/__init__.py"]


@posix
def test_pipes_are_no_files(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py")
    os.mkfifo(tmp_path / "demo/pipe")
    assert paths(collect(layout(tmp_path, include=(IncludeRule("demo/*"),)), "demo-1.0")) == ["demo/__init__.py"]


# include and exclude


def test_include_is_relative_to_the_root_and_to_the_python_source(tmp_path: Path) -> None:
    project(tmp_path, "py/demo/__init__.py", "py/top.txt", "top.txt", "notes/a.md", "demo/gen/root.py")
    project(tmp_path, "py/demo/gen/source.py", ("py/demo/.ignore", "gen/\n"))
    base = layout(tmp_path, python_source=tmp_path / "py")

    def included(*patterns: str) -> list[str]:
        rules = tuple(IncludeRule(pattern, key=f"include[{index}]") for index, pattern in enumerate(patterns))
        found = collect(Layout(**{**_fields(base), "include": rules}), "demo-1.0")
        return [path for path in paths(found) if path not in ("demo/__init__.py", "demo/.ignore")]

    assert included("notes/*") == ["notes/a.md"]
    assert included("py/demo/gen/*") == ["demo/gen/source.py"]
    assert included("demo/gen/*") == ["demo/gen/root.py", "demo/gen/source.py"]
    assert included("top.txt") == ["top.txt"]
    with pytest.raises(ConfigError, match=r"two files claim 'top\.txt'"):
        included("top.txt", "py/top.txt")


def _fields(value: Layout) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def test_an_include_that_finds_nothing_is_worth_a_warning(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py")
    found = collect(layout(tmp_path, include=(IncludeRule("nope/*", key="include[2]"),)), "demo-1.0")
    assert found.warnings == ("pyproject.toml: [tool.maturin] include[2]: 'nope/*' matches no file",)


@pytest.mark.parametrize("pattern", ["../x", "/etc/passwd", "x/[", "x/**.txt", "", "a/../../b"])
def test_patterns_that_cannot_be(tmp_path: Path, pattern: str) -> None:
    project(tmp_path, "demo/__init__.py")
    with pytest.raises(ConfigError, match=r"include\[0\]: "):
        collect(layout(tmp_path, include=(IncludeRule(pattern, key="include[0]"),)), "demo-1.0")


def test_the_target_directory_is_never_searched(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "target/debug/big.txt", "small.txt", ".git/x.txt")
    rules = (IncludeRule("**/*.txt"),)
    found = collect(layout(tmp_path, include=rules, prune=(tmp_path / "target",)), "demo-1.0")
    assert paths(found) == ["demo/__init__.py", "small.txt"]


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["demo/a.py"], ["__init__.py", "sub/b.txt"]),
        (["a.py"], ["__init__.py", "sub/b.txt"]),
        (["/demo/*.py"], ["sub/b.txt"]),
        (["**/*.txt"], ["__init__.py", "a.py"]),
        (["*.{txt,md}"], ["__init__.py", "a.py"]),
        (["demo/sub"], ["__init__.py", "a.py"]),
        (["demo/sub/**"], ["__init__.py", "a.py"]),
        (["demo/*.py", "!demo/a.py"], ["a.py", "sub/b.txt"]),
        (["py/demo/a.py"], ["__init__.py", "sub/b.txt"]),
        (["nothing"], ["__init__.py", "a.py", "sub/b.txt"]),
    ],
)
def test_exclude_names_files_as_gitignore_does(tmp_path: Path, patterns: list[str], left: list[str]) -> None:
    project(tmp_path, "py/demo/__init__.py", "py/demo/a.py", "py/demo/sub/b.txt")
    found = collect(layout(tmp_path, python_source=tmp_path / "py", exclude=tuple(patterns)), "demo-1.0")
    assert paths(found) == [f"demo/{name}" for name in left]


def test_exclude_wins_over_include_and_data(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "x/a", "x/b", "demo.data/scripts/run", "demo.data/scripts/walk")
    excluded = ("x/a", "demo.data/scripts/run")
    found = collect(
        layout(tmp_path, include=(IncludeRule("x/*"),), exclude=excluded, data=tmp_path / "demo.data"), "demo-1.0"
    )
    assert paths(found) == ["demo-1.0.data/scripts/walk", "demo/__init__.py", "x/b"]
    with pytest.raises(ConfigError, match=r"exclude\[0\]: the pattern is empty"):
        collect(layout(tmp_path, exclude=("",)), "demo-1.0")


def test_files_from_a_build_script(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py")
    out = project(tmp_path / "target/out", "a.txt", "x/y/q", "_rust.so")
    rules = (
        IncludeRule("*.txt", origin="out-dir", to="demo/gen/"),
        IncludeRule("x/**/*", origin="out-dir", to="demo/deep", crate="other"),
    )
    base = layout(tmp_path, include=rules)
    assert paths(collect(base, "demo-1.0", {"demo": out, "other": out})) == [
        "demo/__init__.py",
        "demo/deep/x/y/q",
        "demo/gen/a.txt",
    ]
    before = collect(base, "demo-1.0")
    assert paths(before) == ["demo/__init__.py"]
    assert before.warnings == ()
    with pytest.raises(ConfigError, match="the crate 'other' has no OUT_DIR"):
        collect(base, "demo-1.0", {"demo": out})
    with pytest.raises(ConfigError, match="must not contain"):
        collect(layout(tmp_path, include=(IncludeRule("*", origin="out-dir", to="../up"),)), "demo-1.0", {"demo": out})


# data


def test_the_data_directory(tmp_path: Path) -> None:
    names = [f"demo.data/{one}/x" for one in ("data/etc", "headers", "platlib", "purelib", "scripts")]
    project(tmp_path, "demo/__init__.py", *names, (".ignore", "*.data\n"))
    found = collect(layout(tmp_path, data=tmp_path / "demo.data"), "demo-1.0")
    assert paths(found) == sorted(["demo/__init__.py", *(name.replace("demo.data", "demo-1.0.data") for name in names)])
    assert [entry.path for entry in found.entries if entry.executable] == ["demo-1.0.data/scripts/x"]


def test_a_data_directory_that_was_named(tmp_path: Path) -> None:
    project(tmp_path, "demo/__init__.py", "assets/scripts/run", "demo.data/scripts/no")
    assert paths(collect(layout(tmp_path, data=tmp_path / "assets"), "demo-1.0")) == [
        "demo-1.0.data/scripts/run",
        "demo/__init__.py",
    ]


def test_programs_alone_need_no_package(tmp_path: Path) -> None:
    project(tmp_path, "tool.pyi", "assets/data/x")
    found = collect(layout(tmp_path, module="", mixed=False, data=tmp_path / "assets"), "tool-1.0")
    assert paths(found) == ["tool-1.0.data/data/x"]


@pytest.mark.parametrize("wrong", ["demo.data/lib/x", "demo.data/x"])
def test_what_does_not_belong_into_a_data_directory(tmp_path: Path, wrong: str) -> None:
    project(tmp_path, "demo/__init__.py", wrong)
    with pytest.raises(ConfigError, match="nothing but the directories data, headers, platlib, purelib, scripts"):
        collect(layout(tmp_path, data=tmp_path / "demo.data"), "demo-1.0")


# where the module goes


def test_where_the_module_goes(tmp_path: Path) -> None:
    suffix = ".cpython-312-x86_64-linux-gnu.so"
    assert extension_path(layout(tmp_path, mixed=False), suffix) == f"demo/demo{suffix}"
    assert extension_path(layout(tmp_path), suffix) == f"demo/demo{suffix}"
    assert extension_path(layout(tmp_path, module="_rust", package="demo"), ".pyd") == "demo/_rust.pyd"


def test_the_suffix_of_a_stable_abi(linux: Target) -> None:
    windows = Target(
        triple="x86_64-pc-windows-msvc", arch="x86_64", os="windows", libc="msvc", machine="amd64", pointer_width=64
    )
    abi3, abi3t = StableAbi(kind="abi3", version=(3, 9)), StableAbi(kind="abi3t", version=(3, 15))
    assert extension_suffix(linux, None, ".cpython-312-x86_64-linux-gnu.so") == ".cpython-312-x86_64-linux-gnu.so"
    assert extension_suffix(linux, abi3, "x") == ".abi3.so"
    assert extension_suffix(linux, abi3, ".cpython-315-x86_64-linux-gnu.so") == ".abi3.so"  # 3.9 knows no other
    assert extension_suffix(linux, abi3t, "x") == ".abi3t.so"
    assert extension_suffix(linux, abi3t, ".cpython-315t-x86_64-linux-gnu.so") == ".abi3t-x86_64-linux-gnu.so"
    assert extension_suffix(linux, abi3t, ".cpython-315-darwin.so") == ".abi3t-darwin.so"
    assert extension_suffix(windows, abi3t, ".cp315-win_amd64.pyd") == ".pyd"
    assert extension_suffix(windows, abi3, "x") == ".pyd"


def test_an_entry_says_where_it_comes_from(tmp_path: Path) -> None:
    assert Entry("a", tmp_path).origin == str(tmp_path)
    assert Entry("a", b"").origin == "generated"


def test_no_repository_above_an_unpacked_archive_counts(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for folder in (tmp_path / "target" / "package" / "source", tmp_path / "source"):
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("made.py\n")
        (folder / "made.py").write_text("")
    packed, own = tmp_path / "target" / "package" / "source", tmp_path / "source"
    assert not Ignores(packed).ignored(packed / "made.py", directory=False)
    assert Ignores(own).ignored(own / "made.py", directory=False)


@pytest.mark.parametrize("report", [None, "demo/data/run.json"])
def test_what_runs_wrote_is_not_packed_again(tmp_path: Path, report: str | None) -> None:
    """The out directory may lie inside the package, or be the package; what else lies there is the user's own."""
    made = ["demo-1.0-py3-none-any.whl", "demo-0.9.tar.gz", "report.json", "timeline.html", ".wheelmatrix-a0.tmp"]
    own = ["other-1.0-py3-none-any.whl", "demo.whl", "notes.json", "__init__.py"]
    project(tmp_path, *(f"demo/{name}" for name in (*made, *own)), *(f"demo/data/{name}" for name in made))
    project(tmp_path, "demo/data/run.json")
    products = Products.of("Demo", tmp_path / "demo", tmp_path / report if report else None)
    found = paths(collect(layout(tmp_path, products=products), "demo-1.0"))
    assert [name for name in found if name.count("/") == 1] == sorted(f"demo/{name}" for name in own)
    beside = {name for name in found if name.startswith("demo/data/")}
    assert "demo/data/demo-1.0-py3-none-any.whl" in beside
    assert ("demo/data/run.json" in beside) == (report is None)
