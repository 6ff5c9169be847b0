from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from matrix.errors import ConfigError
from matrix.project.bindings import Bindings
from matrix.project.cargo import PackageTarget
from matrix.project.crate import Crate
from matrix.project.locate import Files
from matrix.project.maturin_options import CargoTarget, MaturinOptions
from matrix.project.module import Module, check_scripts, describe_module, module_warnings

PYO3 = Bindings(kind="pyo3", version="0.30.1")


def _target(name: str, *types: str, kind: tuple[str, ...] = ()) -> PackageTarget:
    return PackageTarget(name=name, kind=kind or types, crate_types=types, src_path="x")


def _crate(root: Path, name: str = "my-crate", *targets: PackageTarget) -> Crate:
    return Crate(
        name=name,
        version="1.0.0",
        id=name,
        directory=root,
        targets=targets or (_target(name.replace("-", "_"), "cdylib"),),
        features={},
        dependencies=(),
    )


def _describe(
    root: Path,
    options: MaturinOptions | None = None,
    *,
    crate: Crate | None = None,
    name: str | None = "my-crate",
    bindings: Bindings = PYO3,
) -> Module:
    table: dict[str, Any] = {"project": {"name": name}} if name else {}
    files = Files(root / "Cargo.toml", root / "pyproject.toml" if name else None)
    return describe_module(files, table, crate or _crate(root), bindings, options or MaturinOptions())


def _package(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "__init__.py").touch()


def test_pure_rust(tmp_path: Path) -> None:
    module = _describe(tmp_path)
    assert module == Module(
        name="my_crate",
        package="",
        lib_name="my_crate",
        python_source=tmp_path,
        mixed=False,
        directory="my_crate",
    )
    assert (module.full_name, module.top) == ("my_crate", "my_crate")


def test_mixed_without_a_package_of_its_own(tmp_path: Path) -> None:
    _package(tmp_path / "my_crate")
    module = _describe(tmp_path)
    assert (module.mixed, module.directory, module.name) == (True, "my_crate", "my_crate")


def test_mixed_inside_a_package(tmp_path: Path) -> None:
    _package(tmp_path / "py/pkg")
    module = _describe(tmp_path, MaturinOptions(python_source="py", module_name="pkg.sub._native"))
    assert (module.package, module.name, module.directory) == ("pkg.sub", "_native", "pkg/sub")
    assert (module.python_source, module.mixed, module.top) == (tmp_path / "py", True, "pkg")


def test_a_folder_of_rust_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "my_crate").mkdir()
    assert _describe(tmp_path).mixed, "a namespace package"
    (tmp_path / "my_crate/Cargo.toml").touch()
    assert not _describe(tmp_path).mixed
    (tmp_path / "my_crate/__init__.py").touch()
    assert _describe(tmp_path).mixed


def test_a_package_that_is_not_there(tmp_path: Path) -> None:
    module = _describe(tmp_path, MaturinOptions(module_name="a.b.native"))
    assert (module.mixed, module.directory) == (False, "native")
    (said,) = module_warnings(module, tmp_path)
    assert "module-name: there is no package 'a' in the project's root" in said
    assert "so the module is imported as 'native', not 'a.b.native'" in said


def test_src_beside_rust(tmp_path: Path) -> None:
    _package(tmp_path / "src/my_crate")
    assert _describe(tmp_path).python_source == tmp_path
    (tmp_path / "rust").mkdir()
    (tmp_path / "rust/Cargo.toml").touch()
    module = _describe(tmp_path)
    assert (module.python_source, module.mixed) == (tmp_path / "src", True)


@pytest.mark.parametrize(
    ("manifest", "library", "name"),
    [
        ('[lib]\nname = "my_crate"', "my_crate", "my_crate"),
        ('[lib]\ncrate-type = ["cdylib"]', "my_crate", "dist"),
        ('[lib]\nname = "_native"', "_native", "_native"),
    ],
)
def test_a_written_library_name_comes_before_the_projects(
    tmp_path: Path, manifest: str, library: str, name: str
) -> None:
    (tmp_path / "Cargo.toml").write_text(manifest, encoding="utf-8")
    crate = _crate(tmp_path, "my-crate", _target(library, "cdylib"))
    module = _describe(tmp_path, crate=crate, name="dist")
    assert (module.full_name, module.lib_name) == (name, library)


def test_without_pyproject(tmp_path: Path) -> None:
    assert _describe(tmp_path, name=None).full_name == "my_crate"


@pytest.mark.parametrize("name", ["my-mod", "a-b.c", "a..b", "a.", "3d", "class", "a b", "pkg/native"])
def test_names_that_cannot_be_imported(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"module-name: .* cannot be imported by Python") as caught:
        _describe(tmp_path, MaturinOptions(module_name=name))
    assert repr(name) in caught.value.message


def test_a_program_may_be_called_anything(tmp_path: Path) -> None:
    crate = _crate(tmp_path, "my-tool", _target("my-tool", "bin"), _target("other", "bin"))
    module = _describe(tmp_path, crate=crate, name="my-tool", bindings=Bindings(kind="bin"))
    assert module.bins == ("my-tool", "other")


def test_chosen_targets(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text('[lib]\nname = "p"', encoding="utf-8")
    crate = _crate(
        tmp_path, "p", _target("p", "cdylib"), _target("tool", "bin"), _target("demo", "bin", kind=("example",))
    )
    chosen = MaturinOptions(targets=(CargoTarget(name="tool", kind="bin"), CargoTarget(name="p", kind="cdylib")))
    assert _describe(tmp_path, chosen, crate=crate).lib_name == "p"
    assert _describe(tmp_path, chosen, crate=crate, bindings=Bindings(kind="bin")).bins == ("tool",)
    with pytest.raises(ConfigError, match=r"targets: no cdylib target of crate 'p' is called 'q'") as caught:
        _describe(tmp_path, MaturinOptions(targets=(CargoTarget(name="q"),)), crate=crate)
    assert caught.value.hint == "it has: p"


def test_a_chosen_library_by_any_of_its_types(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text('[lib]\nname = "p"', encoding="utf-8")
    for types in (("rlib",), ("cdylib", "rlib")):
        chosen = MaturinOptions(targets=(CargoTarget(name="p", kind="rlib"),))
        assert _describe(tmp_path, chosen, crate=_crate(tmp_path, "p", _target("p", *types))).lib_name == "p"
    chosen = MaturinOptions(targets=(CargoTarget(name="p", kind="dylib"),))
    with pytest.raises(ConfigError, match="targets: no cdylib target"):
        _describe(tmp_path, chosen, crate=_crate(tmp_path, "p", _target("p", "rlib")))


def test_python_packages(tmp_path: Path) -> None:
    _package(tmp_path / "my_crate")
    _package(tmp_path / "other")
    module = _describe(tmp_path, MaturinOptions(python_packages=("other", "none")))
    assert module.python_packages == ("other", "none")
    assert module_warnings(module, tmp_path) == ()


def test_data(tmp_path: Path) -> None:
    (tmp_path / "my_crate.data").mkdir()
    (tmp_path / "d").mkdir()
    assert _describe(tmp_path).data == tmp_path / "my_crate.data"
    assert _describe(tmp_path, MaturinOptions(data="d")).data == tmp_path / "d"
    assert _describe(tmp_path, MaturinOptions(module_name="other")).data is None
    with pytest.raises(ConfigError, match=r"data: 'none' is no directory"):
        _describe(tmp_path, MaturinOptions(data="none"))


def test_python_source_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"python-source: 'py' is no directory"):
        _describe(tmp_path, MaturinOptions(python_source="py"))
    (tmp_path / "py").mkdir()
    with pytest.raises(ConfigError, match=r"python-source is 'py', but there is no package 'my_crate' in it") as caught:
        _describe(tmp_path, MaturinOptions(python_source="py"))
    assert (caught.value.hint or "").startswith("create py/my_crate/__init__.py")


def test_beside_programs_the_projects_name_is_taken_as_it_is(tmp_path: Path) -> None:
    _package(tmp_path / "my_tool")
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "my-tool"', encoding="utf-8")
    crate = _crate(tmp_path, "my-tool", _target("my-tool", "bin"))
    module = _describe(tmp_path, crate=crate, name="my-tool", bindings=Bindings(kind="bin"))
    assert (module.full_name, module.mixed) == ("my-tool", False), "as maturin does"


@pytest.mark.parametrize("table", [{}, {"project": {"name": "x"}}, {"project": {"gui-scripts": {"a": "b:c"}}}])
def test_scripts_beside_programs(table: dict[str, dict[str, object]]) -> None:
    check_scripts(table)
    table = {"project": {**table.get("project", {}), "scripts": {"a": "b:c"}}}
    with pytest.raises(ConfigError, match=r"pyproject.toml: \[project.scripts\]: entry points and programs") as caught:
        check_scripts(table)
    assert caught.value.hint is not None
