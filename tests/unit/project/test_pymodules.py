from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import ConfigError
from matrix.project.bindings import Bindings
from matrix.project.cargo import PackageTarget
from matrix.project.crate import Crate
from matrix.project.maturin_options import MaturinOptions
from matrix.project.module import Module
from matrix.project.pymodules import check_module_name, declared_modules

PYO3 = Bindings(kind="pyo3", version="0.30.1")


def library(root: Path, text: str, **files: str) -> Path:
    path = root / "src" / "lib.rs"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    for name, content in files.items():
        (path.parent / f"{name}.rs").write_text(content)
    return path


def check(
    root: Path, name: str, path: Path, *, package: str = "", set_: bool = True, bindings: Bindings = PYO3
) -> None:
    target = PackageTarget(name="demo", kind=("cdylib",), crate_types=("cdylib",), src_path=str(path))
    crate = Crate(name="demo", version="1", id="demo", directory=root, targets=(target,), features={}, dependencies=())
    module = Module(name=name, package=package, lib_name="demo", python_source=root, mixed=False, directory=name)
    options = MaturinOptions(module_name=module.full_name) if set_ else MaturinOptions()
    check_module_name(crate, bindings, module, options)


@pytest.mark.parametrize(
    "text",
    [
        "#[pymodule]\nfn _rust(m: &Bound<PyModule>) {}",
        "#[pyo3::pymodule]\npub mod _rust {}",
        "#[pymodule(gil_used = false)]\n/// words\n#[allow(x)]\npub(crate) fn _rust() {}",
        '#[pymodule]\n#[pyo3(name = "_rust")]\nfn other() {}',
        '#[pyo3(name = "_rust")]\n#[pymodule]\nfn other() {}',
        '#[pymodule(name = "_rust")] mod other {}',
        '#[cfg_attr(feature = "python", pymodule)]\nfn _rust() {}',
        "#[pymodule]\nfn r#_rust() {}",
        '#[unsafe(no_mangle)]\npub unsafe extern "C" fn PyInit__rust() {}',
        "py_module_initializer!(_rust, |py, m| Ok(()));",
        "#[pymodule] mod first { #[pymodule] mod _rust {} }",
    ],
)
def test_a_module_of_the_name(tmp_path: Path, text: str) -> None:
    assert declared_modules(library(tmp_path, text), "_rust") == frozenset({"_rust"})


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("pub use other::*;", {}),  # from another crate, or made by a macro of one
        ("macro_rules! m { ($name:ident) => { #[pymodule] fn $name() {} } }", {}),
        ('#[pymodule] fn first() {}\ninclude!("more.rs");', {}),
        ('#[path = "../far.rs"]\nmod far;\n#[pymodule] fn first() {}', {}),
        ('#[pymodule]\n#[doc = "a [b] c"]\nfn _first() {}', {}),  # brackets in it: not read to its end
        ("mod python;", {"python": "#[pymodule] fn _rust() {}"}),
    ],
)  # fmt: skip
def test_a_text_that_does_not_tell_or_has_it_elsewhere(tmp_path: Path, text: str, files: dict[str, str]) -> None:
    check(tmp_path, "_rust", library(tmp_path, text, **files))


def test_comments_declare_nothing(tmp_path: Path) -> None:
    path = library(tmp_path, "// #[pymodule] fn a() {}\n/* #[pymodule] fn b() {} */\n#[pymodule] fn _rust() {}")
    assert declared_modules(path, "c") == frozenset({"_rust"})


def test_a_name_that_no_module_has(tmp_path: Path) -> None:
    path = library(tmp_path, "#[pymodule] fn _native() {}")
    with pytest.raises(
        ConfigError, match=r"module-name: 'demo\._rust' would need a module '_rust', but the library makes '_na"
    ) as caught:
        check(tmp_path, "_rust", path, package="demo")
    assert caught.value.hint == "write module-name = \"demo._native\", or name the Rust side '_rust'"
    with pytest.raises(ConfigError, match="not set, so taken from the crate"):
        check(tmp_path, "demo", path, set_=False)
    check(tmp_path, "demo", path, bindings=Bindings(kind="cffi", version=""))  # no PyInit there


def test_the_target_directory_is_not_searched(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").touch()
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "made.rs").write_text("#[pymodule] fn wanted() {}")
    (tmp_path / "lib.rs").write_text("#[pymodule] fn other() {}")
    assert declared_modules(tmp_path / "lib.rs", "wanted") == frozenset({"other"})
