from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import ConfigError, UsageError
from matrix.project.locate import Files, find_files, find_outer_pyproject
from matrix.project.toml import read_toml


def _make(root: Path, **files: str) -> Path:
    """Write files, named with ``__`` for ``/``: ``rust__Cargo="…"`` makes ``rust/Cargo.toml``."""
    for name, text in files.items():
        path = root / (name.replace("__", "/") + ("" if name.endswith("init") else ".toml"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _package(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "__init__.py").touch()


def test_cargo_alone(tmp_path: Path) -> None:
    files = find_files(_make(tmp_path, Cargo=""), None)
    assert files == Files(tmp_path / "Cargo.toml", None)
    assert files.root == tmp_path


def test_both_side_by_side(tmp_path: Path) -> None:
    files = find_files(_make(tmp_path, Cargo="", pyproject=""), None)
    assert files == (tmp_path / "Cargo.toml", tmp_path / "pyproject.toml")


def test_manifest_path(tmp_path: Path) -> None:
    table = '[tool.maturin]\nmanifest-path = "sub/Cargo.toml"'
    files = find_files(_make(tmp_path, Cargo="", sub__Cargo="", rust__Cargo="", pyproject=table), None)
    assert files.manifest == tmp_path / "sub/Cargo.toml"
    assert files.root == tmp_path


def test_rust_folder_when_python_is_in_src(tmp_path: Path) -> None:
    _make(tmp_path, Cargo="", rust__Cargo="", pyproject='[project]\nname = "my-dist"')
    assert find_files(tmp_path, None).manifest == tmp_path / "Cargo.toml"
    _package(tmp_path / "src/my_dist")
    assert find_files(tmp_path, None).manifest == tmp_path / "rust/Cargo.toml"


@pytest.mark.parametrize(
    ("options", "manifest"),
    [
        ('python-source = "py"', "rust/Cargo.toml"),
        ('python-packages = ["other"]', "rust/Cargo.toml"),
        ('python-packages = ["another"]', "Cargo.toml"),
        ("python-packages = 3", "Cargo.toml"),
    ],
)
def test_rust_folder_when_options_say_so(tmp_path: Path, options: str, manifest: str) -> None:
    _make(tmp_path, Cargo="", rust__Cargo="", pyproject=f'[project]\nname = "x"\n[tool.maturin]\n{options}')
    _package(tmp_path / "src/other")
    assert find_files(tmp_path, None).manifest == tmp_path / manifest


def test_rust_folder_when_nothing_else_is_there(tmp_path: Path) -> None:
    files = find_files(_make(tmp_path, rust__Cargo="", pyproject=""), None)
    assert files.manifest == tmp_path / "rust/Cargo.toml"


def test_flag(tmp_path: Path) -> None:
    _make(tmp_path, Cargo="", pyproject="", sub__Cargo="", other__Cargo="", other__pyproject="")
    assert find_files(tmp_path, Path("sub/Cargo.toml")) == (tmp_path / "sub/Cargo.toml", None)
    files = find_files(tmp_path, tmp_path / "other/Cargo.toml")
    assert files == Files(tmp_path / "other/Cargo.toml", tmp_path / "other/pyproject.toml")
    assert files.root == tmp_path / "other"


@pytest.mark.parametrize(
    ("flag", "message", "hint"),
    [
        ("sub", r"sub is a directory, not a Cargo.toml \(-m\)", "did you mean '"),
        ("empty", r"empty is a directory, not a Cargo.toml \(-m\)", None),
        ("none/Cargo.toml", r"none/Cargo.toml does not exist \(-m\)", None),
        ("sub/other.toml", r"other.toml is not called Cargo.toml \(-m\)", None),
    ],
)
def test_bad_flags(tmp_path: Path, flag: str, message: str, hint: str | None) -> None:
    _make(tmp_path, sub__Cargo="", sub__other="")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=message) as caught:
        find_files(tmp_path, Path(flag))
    assert (caught.value.hint or "").startswith(hint or "")
    assert (caught.value.hint is None) == (hint is None)


def test_nothing_here(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither pyproject.toml nor Cargo.toml is here"):
        find_files(tmp_path, None)
    with pytest.raises(ConfigError, match=r"no Cargo.toml beside pyproject.toml"):
        find_files(_make(tmp_path, pyproject=""), None)


def test_a_project_further_up_is_named(tmp_path: Path) -> None:
    _make(tmp_path, Cargo="", pyproject="")
    (tmp_path / "python" / "pkg").mkdir(parents=True)
    with pytest.raises(UsageError, match="neither") as caught:
        find_files(tmp_path / "python" / "pkg", None)
    assert caught.value.hint == "go to the project's root, or name its Cargo.toml (-m ../../Cargo.toml)"


def test_manifest_path_that_is_not_there(tmp_path: Path) -> None:
    _make(tmp_path, Cargo="", pyproject='tool.maturin.manifest-path = "x/Cargo.toml"')
    with pytest.raises(ConfigError, match=r"\[tool.maturin\] manifest-path: 'x/Cargo.toml' does not exist"):
        find_files(tmp_path, None)


def test_outer_pyproject(tmp_path: Path) -> None:
    _make(tmp_path, pyproject="", w__Cargo="", w__a__b__Cargo="")
    manifest = tmp_path / "w/a/b/Cargo.toml"
    assert find_outer_pyproject(manifest, tmp_path / "w") == tmp_path / "pyproject.toml"
    assert find_outer_pyproject(manifest, tmp_path / "w/a") is None
    _make(tmp_path, w__a__pyproject="")
    assert find_outer_pyproject(manifest, tmp_path / "w/a") == tmp_path / "w/a/pyproject.toml"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[project\nname = 1", r"pyproject.toml:1:9: the header of the table is not closed: expected `\]`$"),
        (b"[[a]\nb = 1", r"pyproject.toml:1:4: the header of the table is not closed: expected `\]\]`$"),
        (b"a = 1\na = 2", r"pyproject.toml:2:6: the key 'a' is there a second time$"),
        (b"[a]\nb = 1\n[a.b]\n", r"pyproject.toml:3:5: \[a\.b\] is there a second time$"),
        (b"[a.b]\n[a.b]\n", r"pyproject.toml:2:5: the table \[a\.b\] is there a second time$"),
        (b"a = {b = 1, b = 2}", r"pyproject.toml:1:\d+: the key 'b' is there a second time$"),
        (
            b"a = {b = 1}\na.c = 2",
            r"pyproject.toml:2:8: the key 'a.c' adds to what an inline table or a list",
        ),
        (b"[project]\nname: 'x'", r"pyproject.toml:2:5: expected `=` after the key$"),
        (b"a = 'x", r"pyproject.toml:1:\d+: the string is not closed: expected '$"),
        (b'a = "x\nb = 1', r"pyproject.toml:1:7: the string is not closed on its line$"),
        (b'a = """x', r"pyproject.toml:1:9: the string is not closed$"),
        (b"a = '''x", r"pyproject.toml:1:\d+: the string is not closed: expected '''$"),
        (b"a = x", r"pyproject.toml:1:5: expected a value: a string in quotes, a number"),
        (b"a = 1 b = 2", r"pyproject.toml:1:7: more stands here than one value"),
        (b"= 1", r"pyproject.toml:1:1: expected a key"),
        (b"a = [1, 2\nb = 3", r"pyproject.toml:2:1: the list is not closed: expected `,` or `\]`$"),
        (b"a = {b = 1 c = 2}", r"pyproject.toml:1:\d+: the table is not closed: expected `,` or `\}`$"),
        (b'a = "\\q"', r"pyproject.toml:1:\d+: no such escape: write `\\\\` for a backslash"),
        (b'a = "\x01"', r"pyproject.toml:1:6: the character '\\x01' must not stand here$"),
        (b'a = "\\ud800"', r"pyproject.toml:1:\d+: escaped character is not a Unicode scalar value$"),
        (b"a = 1" + b"0" * 5000, r"pyproject.toml: not readable as TOML: Exceeds the limit"),
        (b"a = " + b"[" * 2000, r"pyproject.toml: not readable as TOML: .*nested"),
        (b"b = 1\na = '\xff'", r"pyproject.toml:2:6: not UTF-8"),
        (None, r"pyproject.toml: No such file or directory"),
    ],
)
def test_malformed_toml_names_file_and_place(tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "pyproject.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        read_toml(tmp_path / "pyproject.toml")


def test_a_toml_file_is_named_from_where_the_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here" / "deeper").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("a = x")
    for directory, name in (("", "pyproject.toml"), ("here", "../pyproject.toml")):
        monkeypatch.chdir(tmp_path / directory)
        with pytest.raises(ConfigError) as caught:
            read_toml(tmp_path / "pyproject.toml")
        assert caught.value.message.startswith(f"{name}:1:5: expected a value")


def test_toml_1_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('a = { b = "\\e",\n  c = 1,\n}\n', encoding="utf-8")
    assert read_toml(tmp_path / "pyproject.toml") == {"a": {"b": "\x1b", "c": 1}}
