"""What describes the ingredients of a wheel: valid CycloneDX, for one platform, the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from matrix.archives.sbom import included_boms, locked_checksums, rust_bom
from matrix.errors import ConfigError
from matrix.platforms import parse_target
from matrix.project.cargo import CargoPackage, DepKind, ResolvedDep
from matrix.project.crate import Crate

LINUX, WINDOWS = parse_target("x86_64-unknown-linux-gnu"), parse_target("x86_64-pc-windows-msvc")
CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def package(name: str, source: str | None = CRATES_IO, **more: Any) -> CargoPackage:
    return CargoPackage(name=name, version="1.0.0", id=name, manifest_path=f"/{name}/Cargo.toml", source=source, **more)


def dep(name: str, *kinds: DepKind) -> ResolvedDep:
    return ResolvedDep(pkg=name, dep_kinds=kinds or (DepKind(),))


PACKAGES = (
    package("demo", None, license="MIT", description="A\n demo"),
    package("serde", license="MIT/Apache-2.0", authors=("A <a@b.c>", "B"), repository="https://user:secret@host/serde"),
    package("winapi", license="Nobody knows"),
    package("cc", homepage="https://host/cc"),
    package("jobserver"),
    package("forked", "git+https://user:secret@host/f.git?branch=x#0123abc"),
    package("private", "sparse+https://token@index.example/crates/"),
    package("criterion"),
)
CRATE = Crate(
    name="demo",
    version="1.0.0",
    id="demo",
    directory=Path("/demo"),
    targets=(),
    features={},
    dependencies=(),
    packages={one.id: one for one in PACKAGES},
    graph={
        "demo": (
            dep("serde"),
            dep("winapi", DepKind(target="cfg(windows)")),
            dep("cc", DepKind(kind="build")),
            dep("forked"),
            dep("private"),
            dep("criterion", DepKind(kind="dev")),
        ),
        "cc": (dep("jobserver"),),
    },
)
CHECKSUMS = {("serde", "1.0.0"): "ab" * 32, ("demo", "1.0.0"): "cd" * 32}


def document(*targets: Any) -> dict[str, Any]:
    text = rust_bom(CRATE, targets, CHECKSUMS).decode()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_crates_of_one_platform() -> None:
    bom = document(LINUX)
    assert {one["name"]: one["scope"] for one in bom["components"]} == {
        "serde": "required",
        "forked": "required",
        "private": "required",
        "cc": "excluded",
        "jobserver": "excluded",
    }
    assert "winapi" in {one["name"] for one in document(WINDOWS)["components"]}
    assert "winapi" in {one["name"] for one in document(LINUX, WINDOWS)["components"]}


def test_what_is_said_of_a_crate() -> None:
    found = {one["name"]: one for one in document(WINDOWS)["components"]}
    assert found["serde"] == {
        "type": "library",
        "bom-ref": "pkg:cargo/serde@1.0.0",
        "author": "A <a@b.c>, B",
        "name": "serde",
        "version": "1.0.0",
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
        "purl": "pkg:cargo/serde@1.0.0",
        "externalReferences": [{"type": "vcs", "url": "https://host/serde"}],
    }
    assert found["winapi"]["licenses"] == [{"license": {"name": "Nobody knows"}}]
    assert found["forked"]["purl"] == "pkg:cargo/forked@1.0.0?vcs_url=git%2Bhttps%3A%2F%2Fhost%2Ff.git%400123abc"
    private = "pkg:cargo/private@1.0.0?repository_url=https%3A%2F%2Findex.example%2Fcrates%2F"
    assert found["private"]["purl"] == private


def test_it_is_the_same_every_time_and_tells_nothing_of_the_machine() -> None:
    bom = document(LINUX)
    assert bom == document(LINUX)
    assert "serialNumber" not in bom
    assert "timestamp" not in bom["metadata"]
    text = rust_bom(CRATE, (LINUX,), CHECKSUMS).decode()
    assert "/demo" not in text.replace("pkg:cargo/demo", "")
    assert "secret" not in text
    assert "token" not in text
    own = bom["metadata"]["component"]
    assert (own["name"], own["description"], "hashes" in own) == ("demo", "A demo", False)
    graph = {one["ref"]: one["dependsOn"] for one in bom["dependencies"]}
    assert graph["pkg:cargo/cc@1.0.0"] == ["pkg:cargo/jobserver@1.0.0"]


def test_checksums_are_those_of_the_lock_file(tmp_path: Path) -> None:
    assert locked_checksums(tmp_path / "Cargo.lock") == {}
    (tmp_path / "Cargo.lock").write_text(
        'version = 4\n[[package]]\nname = "a"\nversion = "1.0.0"\nchecksum = "ff"\n'
        '[[package]]\nname = "own"\nversion = "2.0.0"\n'
    )
    assert locked_checksums(tmp_path / "Cargo.lock") == {("a", "1.0.0"): "ff"}


def test_files_of_the_project(tmp_path: Path) -> None:
    root, outside = tmp_path / "p", tmp_path / "other.json"
    (root / "boms").mkdir(parents=True)
    (root / "boms" / "c.spdx.json").write_text("{}")
    outside.write_text("{}")
    written = [("here", "boms/c.spdx.json"), ("there", str(outside)), ("again", "boms/../boms/c.spdx.json")]
    found = list(included_boms(root, written, "x.dist-info"))
    assert [one.path for one in found] == ["x.dist-info/sboms/c.spdx.json", "x.dist-info/sboms/other.json"]
    (root / "link.json").symlink_to(outside)
    (root / "other.json").write_text("{}")
    for wrong, message in (
        ([("key[0]", "gone.json")], r"key\[0\]: 'gone\.json' is no file"),
        ([("key", "../other.json")], "lies outside the project"),
        ([("key", "link.json")], "lies outside the project"),
        ([("key", "other.json"), ("flag", str(outside))], r"flag: .* has the name of"),
    ):
        with pytest.raises(ConfigError, match=message):
            list(included_boms(root, wrong, "x.dist-info"))
