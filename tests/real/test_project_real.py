"""Projects read with the real cargo; its crates are made up here, so nothing is downloaded."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import need, run

from matrix.errors import ConfigError, ToolError, UsageError, WheelmatrixError
from matrix.model import StableAbi, Target
from matrix.project import CargoFlags, Project, find_cargo, read_project

pytestmark = pytest.mark.real

FEATURES = """
[features]
default = ["macros"]
macros = []
abi3 = []
abi3-py39 = ["abi3-py310"]
abi3-py310 = ["abi3-py311"]
abi3-py311 = ["abi3"]
extension-module = []
"""
CDYLIB = '[lib]\ncrate-type = ["cdylib"]\n'


def _crate(root: Path, name: str, more: str, version: str = "0.1.0") -> Path:
    (root / "src").mkdir(parents=True, exist_ok=True)
    (root / "src/lib.rs").touch()
    text = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n{more}'
    (root / "Cargo.toml").write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def stand_in(tmp_path: Path) -> str:
    """Return the dependency line of a crate that looks like pyo3 and needs no network."""
    return f'pyo3 = {{ path = "{_crate(tmp_path / "pyo3", "pyo3", FEATURES, "0.30.1").as_posix()}"'


@pytest.fixture
def native(tmp_path: Path, stand_in: str) -> Callable[..., Path]:
    """Make a project: ``native("[project]…", dependency='features = ["abi3"]', more="…")``."""

    def make(pyproject: str | None = None, *, dependency: str = "", more: str = "", lib: str = CDYLIB) -> Path:
        line = f"{stand_in}{', ' if dependency else ''}{dependency} }}"
        root = _crate(tmp_path / "native", "my-native", f"{lib}{more}\n[dependencies]\n{line}\n", "1.0.0-alpha.1")
        if pyproject is not None:
            (root / "pyproject.toml").write_text(pyproject, encoding="utf-8")
        return root

    return make


def _abi3(minor: int) -> tuple[StableAbi, ...]:
    return (StableAbi(kind="abi3", version=(3, minor)),)


async def _refused(where: Path, flags: CargoFlags | None = None) -> WheelmatrixError:
    with pytest.raises(WheelmatrixError) as caught:
        await read_project(where, flags or CargoFlags())
    assert caught.value.exit_code == 2
    return caught.value


async def test_a_cargo_project_alone(native: Callable[..., Path]) -> None:
    root = native()
    began = time.perf_counter()
    project = await read_project(root, CargoFlags())
    assert time.perf_counter() - began < 5
    assert isinstance(project, Project)
    assert (project.name, project.version, project.requires_python) == ("my-native", "1.0.0a1", None)
    assert (project.root, project.pyproject, project.manifest) == (root, None, root / "Cargo.toml")
    assert project.target_dir == root / "target"
    assert project.bindings.label == "pyo3 0.30.1"
    assert project.bindings.stable == ()
    assert project.module.full_name == "my_native"
    assert len(project.crate.graph) == 2
    assert project.warnings == ()


async def test_features_choose_the_stable_abi(native: Callable[..., Path]) -> None:
    extra = '[features]\nfast = []\nabi3 = ["pyo3/abi3-py310"]\nolder = ["pyo3/abi3-py39"]\ndefault = ["abi3"]\n'
    root = native('[tool.maturin]\nfeatures = [{ feature = "pyo3/abi3-py39", python-version = "<3.10" }]', more=extra)
    project = await read_project(root, CargoFlags())
    assert project.bindings.stable == _abi3(10)
    assert project.stable_for(()) == _abi3(10)
    assert project.stable_for((), no_default_features=True) == ()
    assert project.stable_for(("fast",), no_default_features=True) == ()
    assert project.stable_for(("older",), no_default_features=True) == _abi3(9)
    assert project.stable_for(("pyo3/abi3-py311",), no_default_features=True) == _abi3(11)
    assert project.stable_for((), all_features=True) == _abi3(9)
    assert project.stable_for(project.features.for_python("cpython", (3, 9))) == _abi3(9)
    for flags, stable in (
        (CargoFlags(no_default_features=True), ()),
        (CargoFlags(features=("older fast",)), _abi3(9)),
        (CargoFlags(all_features=True), _abi3(9)),
    ):
        narrowed = await read_project(root, flags)
        assert narrowed.bindings.stable == stable
        assert narrowed.stable_for(()) == _abi3(10), "the same answer whatever the project was read with"


async def test_features_of_the_dependency_stay(native: Callable[..., Path]) -> None:
    project = await read_project(native(dependency='features = ["abi3-py39"]'), CargoFlags())
    assert project.bindings.stable == project.stable_for((), no_default_features=True) == _abi3(9)


async def test_a_sibling_of_the_workspace_does_not_count(tmp_path: Path, stand_in: str) -> None:
    _crate(tmp_path / "w/one", "one", f"{CDYLIB}[dependencies]\n{stand_in}, default-features = false }}")
    _crate(tmp_path / "w/two", "two", f'{CDYLIB}[dependencies]\n{stand_in}, features = ["abi3-py39"] }}')
    _crate(tmp_path / "w/three", "three", CDYLIB)
    (tmp_path / "w/Cargo.toml").write_text('[workspace]\nmembers = ["*"]\nresolver = "2"\nexclude = ["target"]')
    one = await read_project(tmp_path / "w/one", CargoFlags())
    assert (one.bindings.kind, one.bindings.stable) == ("pyo3", ())
    assert (one.workspace_root, one.target_dir) == (tmp_path / "w", tmp_path / "w/target")
    two = await read_project(tmp_path / "w", CargoFlags(manifest_path=Path("two/Cargo.toml")))
    assert two.bindings.stable == _abi3(9)
    assert (await read_project(tmp_path / "w/three", CargoFlags())).bindings.kind == "cffi"

    error = await _refused(tmp_path / "w")
    assert isinstance(error, UsageError)
    assert "is a workspace and no crate of its own" in error.message
    assert (
        error.hint
        == "name one with -m or [tool.maturin] manifest-path: one/Cargo.toml, three/Cargo.toml, two/Cargo.toml"
    )


async def test_pyproject_above_a_named_manifest(tmp_path: Path) -> None:
    _crate(tmp_path / "p/crates/a", "a", CDYLIB)
    (tmp_path / "p/Cargo.toml").write_text('[workspace]\nmembers = ["crates/*"]\n')
    (tmp_path / "p/pyproject.toml").write_text('[project]\nname = "outer"\nversion = "2"\n')
    project = await read_project(tmp_path, CargoFlags(manifest_path=Path("p/crates/a/Cargo.toml")))
    assert (project.name, project.version, project.root) == ("outer", "2", tmp_path / "p")


async def test_target_dir(native: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = native()
    assert (await read_project(root, CargoFlags(target_dir=Path("t")))).target_dir == root / "t"
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "elsewhere"))
    assert (await read_project(root, CargoFlags())).target_dir == tmp_path / "elsewhere"


async def test_a_manifest_in_toml_1_1(native: Callable[..., Path]) -> None:
    more = "[package.metadata]\nx = {\n  a = 1,\n}\n"
    assert (await read_project(native(more=more), CargoFlags())).crate.metadata == {"x": {"a": 1}}


async def test_feature_that_does_not_exist(native: Callable[..., Path]) -> None:
    root = native(more="[features]\nfaster = []\n")
    error = await _refused(root, CargoFlags(features=("fastr",)))
    assert error.message.startswith("Cargo.toml: the package 'my-native' does not contain this feature: fastr")
    assert error.hint == "did you mean 'faster'?"


@pytest.mark.parametrize(
    ("pyproject", "message", "hint"),
    [
        (
            '[tool.maturin]\nfeatures = [{ feature = "nope", python-version = ">=3.11" }]',
            "pyproject.toml: [tool.maturin] features: crate 'my-native' has no feature 'nope'",
            "it has: none",
        ),
        (
            '[[tool.wheelmatrix.overrides]]\nselect = {}\nfeatures = ["py3/abi3"]',
            "pyproject.toml: [tool.wheelmatrix] overrides[0].features: crate 'my-native' has no dependency 'py3'",
            "did you mean 'pyo3'?",
        ),
        (
            '[[tool.wheelmatrix.include]]\nname = "x"\nfeatures = ["simd"]',
            "pyproject.toml: [tool.wheelmatrix] include[0].features: crate 'my-native' has no feature 'simd'",
            "it has: none",
        ),
        ("[project]\nversion = '1'", "pyproject.toml: [project] the key 'name' is missing", 'write name = "my-native"'),
        ('[tool.maturin]\nbindings = "pyo4"', "unknown bindings 'pyo4'", "did you mean 'pyo3'?"),
        ("[tool]\nmaturin = 3", "pyproject.toml: [tool.maturin] must be a table", None),
    ],
)
async def test_bad_settings(native: Callable[..., Path], pyproject: str, message: str, hint: str | None) -> None:
    error = await _refused(native(pyproject))
    assert error.message.startswith(message)
    assert error.hint == hint


async def test_malformed_cargo_toml(native: Callable[..., Path]) -> None:
    root = native()
    with (root / "Cargo.toml").open("a") as file:
        file.write("[lib\n")
    error = await _refused(root)
    assert isinstance(error, ConfigError)
    assert "native/Cargo.toml:10:5: " in error.message
    assert "[lib" in error.message


async def test_a_library_that_names_no_crate_type(native: Callable[..., Path]) -> None:
    assert (await read_project(native(lib=""), CargoFlags())).module.name == "my_native"


async def test_lock_file_out_of_date(native: Callable[..., Path]) -> None:
    error = await _refused(native(), CargoFlags(locked=True))
    assert "--locked" in error.message
    assert (error.hint or "").startswith("run `cargo update --workspace` to renew Cargo.lock")


async def test_former_metadata_of_the_manifest(native: Callable[..., Path]) -> None:
    project = await read_project(native(more='[package.metadata.maturin]\nname = "x"\n'), CargoFlags())
    assert project.warnings == (
        "Cargo.toml: [package.metadata.maturin] name: not read from there; write it in pyproject.toml",
    )
    error = await _refused(native(more='[package.metadata.maturin]\nrequires-python = ">=3"\n'))
    assert "[package.metadata.maturin] requires-python: metadata is not read from there" in error.message


async def test_missing_cargo(native: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    root = native()
    monkeypatch.delenv("CARGO", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "none"))
    error = await _refused(root)
    assert isinstance(error, ToolError)
    assert error.message.startswith("cargo was not found on PATH or in ")
    assert "rustup.rs" in (error.hint or "")
    assert not (root / "Cargo.lock").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
async def test_cargo_that_is_not_on_path(
    native: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root, cargo = native(), need("cargo")
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    own = tmp_path / "home" / "bin" / "cargo"
    own.parent.mkdir(parents=True)
    own.write_text(f"#!/bin/sh\nPATH='{os.environ['PATH']}' CARGO_HOME='{home}' exec '{cargo}' \"$@\"\n")
    own.chmod(0o755)
    monkeypatch.delenv("CARGO", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CARGO_HOME", str(own.parents[1]))
    assert find_cargo() == str(own)
    assert (await read_project(root, CargoFlags())).name == "my-native"


def _empty_cargo_home(home: Path) -> None:
    """Make one without any crate, which reaches the same registry."""
    usual = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    home.mkdir()
    if (usual / "config.toml").is_file():
        shutil.copy(usual / "config.toml", home)


async def test_crates_of_this_platform_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more = (
        '[target."cfg(windows)".dependencies]\nwindows-link = "0.2"\n[target."cfg(unix)".dependencies]\ncfg-if = "1"\n'
    )
    root = _crate(tmp_path / "p", "p", CDYLIB + more)
    _empty_cargo_home(tmp_path / "home")
    cargo, env = need("cargo"), {"CARGO_HOME": str(tmp_path / "home")}
    said = run([cargo, "-vV"], cwd=root, check=True).stdout
    host = next(line.split()[1] for line in said.splitlines() if line.startswith("host: "))
    run([cargo, "fetch", "--target", host], cwd=root, env=env, check=True, timeout=120)
    for name, value in env.items():
        monkeypatch.setenv(name, value)

    project = await read_project(root, CargoFlags(offline=True))
    assert len(project.crate.graph) == 2
    assert not project.fetched, "windows-link is not here"
    linux = Target(triple=host, arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64)
    assert project.crate.units(linux) == 2


@pytest.mark.parametrize("features", [(), ("more",)])
async def test_what_cargo_metadata_read_need_not_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, features: tuple[str, ...]
) -> None:
    dependencies = '[dependencies]\ncfg-if = "1"\nitoa = { version = "1", optional = true }\n'
    root = _crate(tmp_path / "p", "p", f'{CDYLIB}[features]\nmore = ["dep:itoa"]\n{dependencies}')
    _empty_cargo_home(tmp_path / "home")
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    project = await read_project(root, CargoFlags(features=features))
    assert project.fetched == bool(features), "the optional crate is downloaded only where its feature is on"
    building = [need("cargo"), "build", "--offline", "--features", "more"]
    assert (run(building, cwd=root, env={"CARGO_HOME": str(tmp_path / "home")}).exit == 0) == project.fetched
    (root / "Cargo.lock").unlink()
    assert (await read_project(root, CargoFlags(features=features))).fetched == bool(features), "cargo writes it again"
