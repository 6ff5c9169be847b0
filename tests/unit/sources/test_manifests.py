"""Manifests are rewritten where they must be, and keep their words elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from matrix.sources.manifests import crate_manifest, project_manifest, workspace_manifest

WORKSPACE = """# the whole
[workspace]
members = ["crates/*", "./python/", "tools"]  # three
default-members = ["tools"]
resolver = "2"

[workspace.dependencies]
pyo3 = "0.27"

[profile.release]
lto = true
"""
PACKAGE = '[package]\nname = "x"  # kept\nversion = "1.0.0"\n'


def _written(folder: Path, text: str, name: str = "Cargo.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_needs_no_change_keeps_every_byte(tmp_path: Path) -> None:
    text = f'{PACKAGE}a = {{\n  b = 1,\n}}\n[workspace]\nmembers = ["a"]\n'
    assert crate_manifest(_written(tmp_path, text), {"src/lib.rs"}, {}, ["a", "."]).decode() == text


def test_a_workspace_keeps_the_packed_members(tmp_path: Path) -> None:
    said = workspace_manifest(_written(tmp_path, WORKSPACE), ["crates/core", "python"]).decode()
    assert tomli.loads(said)["workspace"]["members"] == ["crates/*", "./python/"]
    assert "default-members" not in said
    assert said.startswith("# the whole\n")
    assert tomli.loads(said)["profile"] == {"release": {"lto": True}}


def test_a_workspace_root_that_is_not_packed_loses_its_own_package(tmp_path: Path) -> None:
    text = f'{PACKAGE}\n[dependencies]\nserde = "1"\n\n{WORKSPACE}'
    said = tomli.loads(workspace_manifest(_written(tmp_path, text), ["python"]).decode())
    assert set(said) == {"workspace", "profile"}


def test_no_member_left_is_no_list_of_members(tmp_path: Path) -> None:
    said = tomli.loads(workspace_manifest(_written(tmp_path, WORKSPACE), []).decode())
    assert "members" not in said["workspace"]


def test_targets_whose_source_is_not_packed_go(tmp_path: Path) -> None:
    text = f"""{PACKAGE}
[[bin]]
name = "x"

[[bench]]
name = "slow"
harness = false

[[test]]
name = "kept"
path = "./checks/kept.rs"

[[test]]
name = "gone"
path = "checks/gone.rs"

[[example]]
name = "folder"
"""
    files = {"src/lib.rs", "src/main.rs", "checks/kept.rs", "examples/folder/main.rs"}
    said = tomli.loads(crate_manifest(_written(tmp_path, text), files, {}, None).decode())
    assert "bench" not in said
    assert [one["name"] for one in said["test"]] == ["kept"]
    assert said["bin"] == [{"name": "x"}]
    assert said["example"] == [{"name": "folder"}]


def test_a_readme_from_elsewhere_is_named_anew(tmp_path: Path) -> None:
    text = f"{PACKAGE}readme.workspace = true\n"
    said = crate_manifest(_written(tmp_path, text), set(), {"readme": "README.md"}, None).decode()
    assert tomli.loads(said)["package"]["readme"] == "README.md"
    assert "# kept" in said


def test_toml_of_today_can_be_edited(tmp_path: Path) -> None:
    text = f"{PACKAGE}readme.workspace = true\nmetadata = {{\n  at = 07:30,\n}}\n"
    said = crate_manifest(_written(tmp_path, text), set(), {"readme": "README.md"}, None).decode()
    assert "  at = 07:30,\n}\n" in said
    assert tomli.loads(said)["package"]["readme"] == "README.md"


@pytest.mark.parametrize(
    "before", ["", "[tool.maturin]\nmanifest-path = 'Cargo.toml' # old\n", "[tool.other]\nx = 1\n"]
)
def test_a_project_that_moves_to_the_top_names_its_manifest(tmp_path: Path, before: str) -> None:
    path = _written(tmp_path, f'[project]\nname = "x"\nreadme = "../README.md"\n\n{before}', "pyproject.toml")
    said = tomli.loads(project_manifest(path, {"manifest-path": "py/Cargo.toml"}, {"readme": "README.md"}).decode())
    assert said["tool"]["maturin"]["manifest-path"] == "py/Cargo.toml"
    assert said["project"]["readme"] == "README.md"


def test_a_readme_in_a_table_keeps_its_type(tmp_path: Path) -> None:
    text = '[project]\nname = "x"\nreadme = { file = "../R.md", content-type = "text/markdown" }\n'
    said = tomli.loads(project_manifest(_written(tmp_path, text, "pyproject.toml"), {}, {"readme": "R.md"}).decode())
    assert said["project"]["readme"] == {"file": "R.md", "content-type": "text/markdown"}


@given(st.lists(st.sampled_from(["a", "b", "c", "crates/d", "crates/e"]), unique=True))
def test_every_member_left_is_packed(packed: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = _written(Path(folder), '[workspace]\nmembers = ["a", "b", "crates/d", "crates/e"]\n')
        said = tomli.loads(workspace_manifest(path, packed).decode())
    assert set(said["workspace"].get("members", [])) == set(packed) - {"c"}
