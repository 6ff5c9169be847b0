"""Every template: bindings by layout, as text that its readers can read."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path
from typing import Any, get_args

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from support.golden import assert_golden

from matrix.project.maturin_options import read_maturin_options
from matrix.project.options import read_options
from matrix.scaffolds.kinds import KINDS
from matrix.scaffolds.names import check_name
from matrix.scaffolds.render import Choice, Layout, manifest_path, render

GOLDEN = Path(__file__).parent / "golden"
ALL = [pytest.param(kind, layout, id=f"{kind}-{layout}") for kind, layout in itertools.product(KINDS, get_args(Layout))]


def made(kind: str, layout: Layout, name: str = "my-lib") -> dict[str, str]:
    return render(Choice(check_name(name, "--name"), KINDS[kind], layout))


def tables(files: dict[str, str], layout: Layout) -> tuple[dict[str, Any], dict[str, Any]]:
    return tomli.loads(files["pyproject.toml"]), tomli.loads(files[manifest_path(layout)])


def test_the_files_of_every_template() -> None:
    lines = []
    for kind, layout in itertools.product(KINDS, get_args(Layout)):
        lines += [f"{kind} {layout}:", *(f"  {path}" for path in sorted(made(kind, layout))), ""]
    assert_golden(GOLDEN / "files.txt", "\n".join(lines))


@pytest.mark.parametrize(("kind", "layout"), [("pyo3", "mixed"), ("cffi", "src"), ("bin", "pure")])
def test_the_text_of_some_templates(kind: str, layout: Layout) -> None:
    text = "".join(f"=== {path}\n{content}" for path, content in made(kind, layout).items())
    assert_golden(GOLDEN / f"{kind}-{layout}.txt", text)


@pytest.mark.parametrize(("kind", "layout"), ALL)
def test_no_word_is_left_to_fill_in_and_every_line_is_clean(kind: str, layout: Layout) -> None:
    for path, text in made(kind, layout).items():
        assert "$" not in text.replace("${{", ""), path
        assert text == "" or text.endswith("\n"), path
        assert not any(line != line.rstrip() for line in text.splitlines()), path
        assert "\n\n\n\n" not in text, path


@pytest.mark.parametrize(("kind", "layout"), ALL)
def test_the_manifests_say_what_the_project_is(kind: str, layout: Layout) -> None:
    files = made(kind, layout)
    pyproject, cargo = tables(files, layout)
    assert list(files)[-2:] == [manifest_path(layout), "pyproject.toml"]
    assert pyproject["build-system"] == {"requires": ["wheelmatrix"], "build-backend": "matrix.backend"}
    assert pyproject["project"]["name"] == cargo["package"]["name"] == "my-lib"
    assert pyproject["project"]["dynamic"] == ["version"]
    assert cargo["package"]["version"] == "0.1.0"
    assert "3.9" not in SpecifierSet(pyproject["project"]["requires-python"])
    assert [str(Requirement(one)) for one in pyproject["dependency-groups"]["dev"]] == ["pytest"]
    assert [Requirement(one).name for one in pyproject["project"].get("dependencies", [])] == (
        ["cffi"] if kind == "cffi" else []
    )
    if kind == "bin":
        assert "lib" not in cargo
        assert files[manifest_path(layout).replace("Cargo.toml", "src/main.rs")]
    else:
        assert cargo["lib"] == {"name": "my_lib", "crate-type": ["cdylib"]}


@pytest.mark.parametrize(("kind", "layout"), ALL)
def test_the_maturin_table_is_one_that_is_read_without_a_warning(kind: str, layout: Layout) -> None:
    table = tables(made(kind, layout), layout)[0]["tool"]["maturin"]
    options, warnings = read_maturin_options(table)
    assert warnings == ()
    assert options.bindings == kind
    source = {"pure": None, "mixed": "python", "src": "src"}[layout]
    assert options.python_source == source
    assert options.manifest_path == ("rust/Cargo.toml" if layout == "src" else None)
    if layout != "pure":
        assert options.module_name == ("my_lib" if kind == "bin" else "my_lib._native")


@pytest.mark.parametrize(("kind", "layout"), ALL)
def test_the_matrix_in_the_comment_is_one_that_is_read(kind: str, layout: Layout) -> None:
    text = made(kind, layout)["pyproject.toml"]
    _, _, example = text.partition("# [tool.wheelmatrix]\n")
    plain = "".join(f"{line.removeprefix('# ')}\n" for line in example.splitlines())
    options = read_options(tomli.loads(plain))
    assert options.targets
    assert bool(options.interpreters) == (kind in {"pyo3", "rust-cpython"})


@pytest.mark.parametrize(("kind", "layout"), ALL)
def test_python_files_are_python(kind: str, layout: Layout) -> None:
    files = made(kind, layout)
    for path, text in files.items():
        if path.endswith((".py", ".pyi")):
            ast.parse(text, path)
    assert any(path.startswith("tests/test_") for path in files)
    package = {"mixed": "python/my_lib", "src": "src/my_lib"}.get(layout)
    if package is not None:
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= files.keys()
        stub = f"{package}/_native/__init__.pyi" if kind == "cffi" else f"{package}/_native.pyi"
        assert (stub in files) == (kind in {"pyo3", "rust-cpython", "cffi"})


@pytest.mark.parametrize(("kind", "layout"), ALL)
def test_a_module_that_cannot_have_the_projects_name_has_its_own(kind: str, layout: Layout) -> None:
    files = made(kind, layout, "class")
    pyproject, cargo = tables(files, layout)
    assert cargo.get("lib", {"name": "class_"})["name"] == "class_"
    assert pyproject["tool"]["maturin"].get("module-name", "class_").split(".")[0] == "class_"
    for path, text in files.items():
        if path.endswith((".py", ".pyi")):
            ast.parse(text, path)
