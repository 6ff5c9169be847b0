"""Seeded lanes against cold ones, with real cargos."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.tools import Ran, find_python

pytestmark = [pytest.mark.real, pytest.mark.own_rustc]

VERSIONS = ("3.10", "3.11", "3.12")
MUSL = f"{platform.machine()}-unknown-linux-musl"


def report(ran: Ran) -> dict[str, Any]:
    assert ran.exit == 0, ran
    parsed: dict[str, Any] = json.loads(ran.stdout)
    return parsed


@pytest.mark.parametrize("name", ["ffi-only", "hello-pyo3"])
def test_seeded_wheels_equal_cold_ones_byte_for_byte(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], name: str
) -> None:
    root = project(name)
    pythons = [str(find_python(version)) for version in VERSIONS]
    seeded = report(wheelmatrix("build", "--json", "-i", *pythons, cwd=root))
    shutil.move(root / "target", root.parent / "seeded-target")
    cold = report(wheelmatrix("build", "--json", "--no-seed", "-i", *pythons, cwd=root))
    sums = [{cell["id"]: cell["wheel"]["sha256"] for cell in one["cells"]} for one in (seeded, cold)]
    assert sums[0] == sums[1]
    for with_seed, without in zip(seeded["builds"], cold["builds"], strict=True):
        total = sum(without["crates"].values())
        assert sum(with_seed["crates"].values()) == total
        assert without["crates"]["fresh"] == 0
        assert with_seed["crates"]["fresh"] > 0


def test_targets_share_build_scripts(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], cross_env: dict[str, str]
) -> None:
    """The machine's own target, which cargo links, and one that zig links."""
    root = project("ffi-only")
    words = ("build", "--json", "--offline", "-i", "3.12")
    targets = [word for triple in (f"{platform.machine()}-unknown-linux-gnu", MUSL) for word in ("--target", triple)]
    shared = report(wheelmatrix(*words, *targets, cwd=root, env=cross_env))
    assert [build["driver"] for build in shared["builds"]] == ["cargo", "zig"]
    shutil.move(root / "target", root.parent / "shared-target")
    alone = report(wheelmatrix(*words, *targets, "--no-seed", cwd=root, env=cross_env))
    sums = [{cell["id"]: cell["wheel"]["sha256"] for cell in one["cells"]} for one in (shared, alone)]
    assert sums[0] == sums[1]
    assert [build["crates"]["fresh"] for build in alone["builds"]] == [0, 0]
    assert all(build["crates"]["fresh"] for build in shared["builds"]), shared["builds"]


def test_a_new_interpreter_does_not_disturb_warm_lanes(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path]
) -> None:
    root = project("ffi-only")
    first, *others = (str(find_python(version)) for version in VERSIONS)
    report(wheelmatrix("build", "--json", "-i", first, cwd=root))
    ran = report(wheelmatrix("build", "--json", "-i", first, *others, cwd=root))
    assert [cell["status"] for cell in ran["cells"]] == ["reused", "built", "built"]
    again = report(wheelmatrix("build", "--json", "-i", first, *others, cwd=root))
    assert [cell["status"] for cell in again["cells"]] == ["reused"] * 3


def test_a_build_script_that_asks_python_gets_no_seed(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path]
) -> None:
    """It looks at the interpreter without telling cargo: a seed would hand one answer to every wheel."""
    root = project("ffi-only")
    helper = root / "asks"
    (helper / "src").mkdir(parents=True)
    (helper / "Cargo.toml").write_text('[package]\nname = "asks"\nversion = "0.1.0"\nedition = "2021"\n')
    (helper / "src" / "lib.rs").write_text('pub const SAID: &str = env!("SAID");\n')
    (helper / "build.rs").write_text(
        "fn main() {\n"
        '    let python = std::env::var("PYO3_PYTHON").unwrap_or_default();\n'
        '    println!("cargo:rustc-env=SAID={python}");\n'
        '    println!("cargo:rerun-if-changed=build.rs");\n'
        "}\n"
    )
    manifest = root / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace("[dependencies]", '[dependencies]\nasks = { path = "asks" }'))
    source = root / "src" / "lib.rs"
    source.write_text(source.read_text() + "\n#[no_mangle]\npub static ASKED: &str = asks::SAID;\n")
    pythons = [str(find_python(version)) for version in VERSIONS[:2]]
    ran = report(wheelmatrix("build", "--json", "-i", *pythons, cwd=root))
    assert all(build["crates"]["fresh"] == 0 for build in ran["builds"])
    assert any("asks" in note["text"] for note in ran["notes"])
