from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ConfigError, UsageError
from matrix.model import Implementation, Interpreter, StableAbi, Target
from matrix.project.bindings import (
    ANY_FLOOR,
    Bindings,
    binding_warnings,
    detect_bindings,
    parse_tree,
    stable_abis,
)
from matrix.project.cargo import (
    CargoMetadata,
    CargoPackage,
    Dependency,
    DepKind,
    PackageTarget,
    Resolve,
    ResolvedDep,
    ResolvedNode,
)
from matrix.project.crate import pick_crate
from matrix.project.ranges import free_threaded_range, python_ranges, release

MANIFEST = Path("/p/Cargo.toml")
RANGES = {"cpython": {"min-version": "3.9", "max-version": "3.15"}, "pypy": {"min-version": "3.11", "max-version": "x"}}


def _metadata(*deps: tuple[str, str, tuple[str, ...]], types: str = "cdylib", kind: str | None = None) -> CargoMetadata:
    """Return the answer for a crate ``p`` with direct dependencies (name, version, features)."""
    targets = tuple(
        PackageTarget(name=f"p{one}", kind=(one,), crate_types=(one,), src_path="x") for one in types.split()
    )
    root = CargoPackage(
        name="p",
        version="1.0.0",
        id="p",
        manifest_path=str(MANIFEST),
        targets=targets,
        dependencies=tuple(Dependency(name=name, features=features) for name, _, features in deps),
    )
    others = [
        CargoPackage(name=name, version=version, id=f"{name}@{version}", manifest_path="x", metadata=RANGES)
        for name, version, _ in deps
    ]
    edges = tuple(ResolvedDep(pkg=one.id, dep_kinds=(DepKind(kind=kind),)) for one in others)
    nodes = [ResolvedNode(id=f"{name}@{version}", features=features) for name, version, features in deps]
    return CargoMetadata(
        packages=(root, *others),
        workspace_members=("p",),
        workspace_root="/p",
        target_directory="/p/target",
        resolve=Resolve(nodes=(ResolvedNode(id="p", deps=edges), *nodes), root="p"),
    )


def _detect(metadata: CargoMetadata, **options: Any) -> Bindings:
    return detect_bindings(metadata, pick_crate(metadata, MANIFEST), **options)


@pytest.mark.parametrize(
    ("deps", "types", "label"),
    [
        ([("pyo3", "0.30.1", ()), ("pyo3-ffi", "0.30.1", ())], "cdylib", "pyo3 0.30.1"),
        ([("pyo3-ffi", "0.29.0", ())], "cdylib", "pyo3-ffi 0.29.0"),
        ([("pyo3", "0.30.1", ())], "cdylib bin", "pyo3 0.30.1"),
        ([("pyo3", "0.30.1", ())], "lib bin", "bin with pyo3 0.30.1"),
        ([("uniffi", "0.29.1", ())], "cdylib", "uniffi 0.29.1"),
        ([("cpython", "0.7.2", ())], "cdylib", "rust-cpython 0.7.2"),
        ([], "cdylib", "cffi"),
        ([], "cdylib bin", "cffi"),
        ([], "bin", "bin"),
    ],
)
def test_detection(deps: list[tuple[str, str, tuple[str, ...]]], types: str, label: str) -> None:
    assert _detect(_metadata(*deps, types=types)).label == label


def test_dev_dependencies_do_not_bind() -> None:
    assert _detect(_metadata(("pyo3", "0.30.1", ()), kind="dev")).kind == "cffi"
    assert _detect(_metadata(("pyo3", "0.30.1", ()), kind="build")).kind == "pyo3"


def test_bindings_that_the_user_names() -> None:
    pyo3 = _metadata(("pyo3", "0.30.1", ()), types="cdylib bin")
    assert _detect(pyo3, wish="bin").kind == "bin"
    assert _detect(pyo3, wish="cffi").kind == "cffi"
    assert _detect(pyo3, wish="pyo3-ffi").kind == "pyo3"
    with pytest.raises(ConfigError, match="bindings = 'pyo3', but crate 'p' does not depend on pyo3"):
        _detect(_metadata(), wish="pyo3")
    with pytest.raises(ConfigError, match="crate 'p' has no program"):
        _detect(_metadata(), wish="bin")
    with pytest.raises(UsageError, match="unknown bindings 'pyo'") as caught:
        _detect(_metadata(), wish="pyo")
    assert caught.value.hint == "did you mean 'pyo3'?"


@pytest.mark.parametrize("types", ["lib", "rlib", "staticlib rlib"])
def test_a_library_of_another_type_is_compiled_as_a_cdylib(types: str) -> None:
    metadata = _metadata(("pyo3", "0.30.1", ()), types=types)
    assert _detect(metadata).kind == "pyo3"
    assert [one.name for one in pick_crate(metadata, MANIFEST).libraries] == [f"p{types.split(maxsplit=1)[0]}"]
    assert _detect(_metadata(types=types), wish="cffi").kind == "cffi"
    with pytest.raises(ConfigError, match="no dependency that tells its bindings"):
        _detect(_metadata(types=types))


@pytest.mark.parametrize("types", ["proc-macro", ""])
def test_no_cdylib(types: str) -> None:
    with pytest.raises(ConfigError, match=r"/p/Cargo.toml: crate 'p' has no cdylib target") as caught:
        _detect(_metadata(("pyo3", "0.30.1", ()), types=types))
    assert caught.value.hint == 'add crate-type = ["cdylib"] under [lib] in Cargo.toml'


def test_two_versions_of_pyo3() -> None:
    both = _metadata(("pyo3", "0.30.1", ()), ("pyo3", "0.29.0", ()))
    with pytest.raises(ConfigError, match=r"holds pyo3 twice \(0.29.0, 0.30.1\)"):
        _detect(both)
    assert _detect(both, scoped={("pyo3", "0.29.0"): frozenset()}).version == "0.29.0"


def test_a_sibling_in_the_workspace_does_not_bind() -> None:
    metadata = _metadata(("pyo3", "0.30.1", ("abi3", "abi3-py39")))
    assert _detect(metadata).stable != ()
    assert _detect(metadata, scoped={}).kind == "cffi"
    assert _detect(metadata, scoped={("pyo3", "0.30.1"): frozenset({"macros"})}).stable == ()


def test_tree_lines() -> None:
    text = (
        "p v0.1.0 (/p)|default\npyo3 v0.30.1|abi3,default\npyo3-macros v0.30.1 (proc-macro)|\n"
        "pyo3 v0.30.1|macros (*)\npyo3-ffi v0.30.1 (https://g/x?rev=1#2)|\n\nuniffi v0.29.1|\n"
    )
    assert parse_tree(text) == {
        ("pyo3", "0.30.1"): {"abi3", "default", "macros"},
        ("pyo3-ffi", "0.30.1"): set(),
        ("uniffi", "0.29.1"): set(),
    }


@pytest.mark.parametrize(
    ("features", "stable"),
    [
        ([], []),
        (["default", "macros"], []),
        (["abi3", "abi3-py310", "abi3-py39"], [("abi3", (3, 9))]),
        (["abi3"], [("abi3", ANY_FLOOR)]),
        (["abi3t"], [("abi3t", (3, 15))]),
        (["abi3t-py316", "abi3-py310"], [("abi3", (3, 10)), ("abi3t", (3, 16))]),
        (["abi3-pyfoo", "abi3x"], []),
    ],
)
def test_stable_abis(features: list[str], stable: list[tuple[str, tuple[int, int]]]) -> None:
    assert [(one.kind, one.version) for one in stable_abis(features)] == stable


@given(st.sets(st.integers(7, 15)))
def test_the_lowest_floor_counts(minors: set[int]) -> None:
    found = stable_abis(f"abi3-py3{minor}" for minor in minors)
    assert found == ((StableAbi(kind="abi3", version=(3, min(minors))),) if minors else ())


def test_ranges_from_pyo3_itself() -> None:
    bindings = _detect(_metadata(("pyo3", "0.30.1", ()), ("pyo3-ffi", "0.30.1", ())))
    assert bindings.ranges["cpython"] == ((3, 9), (3, 15))
    assert bindings.ranges["pypy"] == ((3, 11), (3, 12)), "what it says badly comes from the table"
    assert bindings.free_threaded == ((3, 14), (3, 15))


@pytest.mark.parametrize(
    ("version", "cpython", "pypy", "free_threaded"),
    [
        ("0.16.6", (7, 11), (7, 9), None),
        ("0.20.3", (7, 12), (7, 10), None),
        ("0.22.6", (7, 13), (7, 10), None),
        ("0.23.5", (7, 13), (9, 11), (13, 13)),
        ("0.27.2", (7, 14), (11, 11), (13, 14)),
        ("0.29.0", (8, 15), (11, 11), (14, 15)),
        ("0.31.0", (9, 15), (11, 12), (14, 15)),
        ("1.2.0", (9, 15), (11, 12), (14, 15)),
    ],
)
def test_ranges_from_the_table(
    version: str, cpython: tuple[int, int], pypy: tuple[int, int], free_threaded: tuple[int, int] | None
) -> None:
    ranges = python_ranges(version)
    assert ranges["cpython"] == ((3, cpython[0]), (3, cpython[1]))
    assert ranges["pypy"] == ((3, pypy[0]), (3, pypy[1]))
    free = free_threaded_range(version, ranges)
    assert free == (None if free_threaded is None else ((3, free_threaded[0]), (3, free_threaded[1])))


def test_release_numbers() -> None:
    assert release("0.29.0-rc.1") == (0, 29, 0)
    assert release("1.2.3+build.4") == (1, 2, 3)


def _python(implementation: Implementation, minor: int, flags: str = "") -> Interpreter:
    return Interpreter(
        implementation=implementation, version=(3, minor), abi_flags=flags, python_tag="", abi_tag="", ext_suffix=""
    )


def test_support() -> None:
    bindings = _detect(_metadata(("pyo3", "0.29.0", ()), ("pyo3-ffi", "0.29.0", ())))
    assert bindings.supports(_python("cpython", 9))
    assert not bindings.supports(_python("cpython", 8))
    assert not bindings.supports(_python("cpython", 16))
    assert bindings.supports(_python("cpython", 14, "t"))
    assert not bindings.supports(_python("cpython", 13, "t"))
    assert not bindings.supports(_python("pypy", 10))
    assert Bindings(kind="cffi").supports(_python("cpython", 6))


def test_warnings() -> None:
    assert binding_warnings(_detect(_metadata(("pyo3", "0.30.1", ())))) == ()
    older = binding_warnings(_detect(_metadata(("pyo3", "0.15.2", ("extension-module",)))))
    assert older == ("pyo3 0.15.2 is older than 0.16.5, the oldest release that is known to build",)


def test_a_workspace_names_its_members() -> None:
    metadata = _metadata()
    virtual = CargoMetadata(
        packages=metadata.packages,
        workspace_members=("p",),
        workspace_root="/",
        target_directory="/t",
        resolve=Resolve(nodes=metadata.resolve.nodes),
    )
    with pytest.raises(UsageError, match="is a workspace and no crate of its own") as caught:
        pick_crate(virtual, Path("/Cargo.toml"))
    assert caught.value.hint == "name one with -m or [tool.maturin] manifest-path: p/Cargo.toml"


def test_units_of_a_target() -> None:
    metadata = _metadata(("a", "1.0.0", ()), ("b", "1.0.0", ()), ("c", "1.0.0", ()))
    kinds = {"a": (DepKind(target="cfg(windows)"),), "b": (DepKind(kind="build"),), "c": (DepKind(kind="dev"),)}
    edges = tuple(ResolvedDep(pkg=f"{name}@1.0.0", dep_kinds=kind) for name, kind in kinds.items())
    script = PackageTarget(name="build-script-build", kind=("custom-build",), crate_types=("bin",), src_path="x")
    crate = pick_crate(
        CargoMetadata(
            packages=tuple(
                CargoPackage(name=one.name, version="1", id=one.id, manifest_path="/p/Cargo.toml", targets=(script,))
                for one in metadata.packages
            ),
            workspace_members=("p",),
            workspace_root="/p",
            target_directory="/t",
            resolve=Resolve(nodes=(ResolvedNode(id="p", deps=edges), *metadata.resolve.nodes[1:]), root="p"),
        ),
        MANIFEST,
    )
    windows = Target(triple="x", arch="x86_64", os="windows", libc="msvc", machine="amd64", pointer_width=64)
    linux = Target(triple="x", arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64)
    assert (crate.units(windows), crate.units(linux)) == (6, 4)


def test_a_library_for_cffi_needs_cffi_where_it_runs() -> None:
    found = _detect(_metadata(types="cdylib"))
    assert found.any_python
    assert binding_warnings(found, ["CFFI >= 1.15; python_version > '3'"]) == ()
    for lacking in ([], ["cffi2"], ["notcffi"]):
        (said,) = binding_warnings(found, lacking)
        assert said.startswith("pyproject.toml: [project] dependencies: the wheel imports cffi")


@pytest.mark.parametrize(("wish", "needed"), [("uniffi", "uniffi"), ("rust-cpython", "cpython")])
def test_bindings_whose_crate_is_not_there(wish: str, needed: str) -> None:
    with pytest.raises(ConfigError, match=f"bindings = '{wish}', but crate 'p' does not depend on {needed}") as caught:
        _detect(_metadata(), wish=wish)
    assert "[dependencies]" in (caught.value.hint or "")
    assert _detect(_metadata((needed, "0.7.2", ())), wish=wish).kind == wish


def test_the_program_that_writes_uniffis_python_side() -> None:
    metadata = _metadata(("uniffi", "0.29.1", ()))
    assert _detect(metadata).bindgen == ""
    program = PackageTarget(name="uniffi-bindgen", kind=("bin",), crate_types=("bin",), src_path="x")
    sibling = CargoPackage(name="tools", version="1.0.0", id="tools", manifest_path="x", targets=(program,))
    both = msgspec.structs.replace(metadata, packages=(*metadata.packages, sibling), workspace_members=("tools", "p"))
    assert _detect(both).bindgen == "tools"
    own = msgspec.structs.replace(both.packages[0], targets=(*both.packages[0].targets, program))
    assert _detect(msgspec.structs.replace(both, packages=(own, *both.packages[1:]))).bindgen == "p"


def test_rust_cpython_knows_no_newer_python() -> None:
    found = _detect(_metadata(("cpython", "0.7.2", ())))
    assert (found.any_python, found.ranges, found.free_threaded) == (False, {"cpython": ((3, 7), (3, 11))}, None)
