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


def helper(root: Path, *lines: str) -> Path:
    """Give a project a crate with a build script of these lines, which set SAID; return the script."""
    crate = root / "asks"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "asks"\nversion = "0.1.0"\nedition = "2021"\n')
    (crate / "src" / "lib.rs").write_text('pub const SAID: &str = env!("SAID");\n')
    script = crate / "build.rs"
    script.write_text("\n".join(["fn main() {", *lines, 'println!("cargo:rerun-if-changed=build.rs");', "}", ""]))
    manifest = root / "Cargo.toml"
    manifest.write_text(manifest.read_text().replace("[dependencies]", '[dependencies]\nasks = { path = "asks" }'))
    source = root / "src" / "lib.rs"
    source.write_text(source.read_text() + "\n#[no_mangle]\npub static ASKED: &str = asks::SAID;\n")
    return script


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


@pytest.mark.parametrize(("flags", "drivers"), [((), ["cargo", "zig"]), (("--zig",), ["zig", "zig"])])
def test_targets_share_build_scripts(
    wheelmatrix: Callable[..., Ran],
    project: Callable[..., Path],
    cross_env: dict[str, str],
    flags: tuple[str, ...],
    drivers: list[str],
) -> None:
    """The machine's own target, whoever links it, and one that zig links."""
    root = project("ffi-only")
    words = ("build", "--json", "--offline", "-i", "3.12", *flags)
    targets = [word for triple in (f"{platform.machine()}-unknown-linux-gnu", MUSL) for word in ("--target", triple)]
    shared = report(wheelmatrix(*words, *targets, cwd=root, env=cross_env))
    assert [build["driver"] for build in shared["builds"]] == drivers
    shutil.move(root / "target", root.parent / "shared-target")
    alone = report(wheelmatrix(*words, *targets, "--no-seed", cwd=root, env=cross_env))
    sums = [{cell["id"]: cell["wheel"]["sha256"] for cell in one["cells"]} for one in (shared, alone)]
    assert sums[0] == sums[1]
    assert [build["crates"]["fresh"] for build in alone["builds"]] == [0, 0]
    assert all(build["crates"]["fresh"] >= 5 for build in shared["builds"]), shared["builds"]


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


@pytest.mark.parametrize("linker", [None, "-Clink-arg=-fuse-ld=bfd"])
def test_a_build_script_compiled_anew_in_one_lane_is_the_old_one_in_the_others(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], linker: str | None
) -> None:
    """Lanes share its program by a link, which cargo cuts before it links a new one, whatever the linker does."""
    root = project("ffi-only")
    helped = helper(root, 'println!("cargo:rustc-env=SAID=first");')
    pythons = [str(find_python(version)) for version in VERSIONS[:2]]
    env = {} if linker is None else {"RUSTFLAGS": linker}
    words = ("build", "--json", "-i")
    report(wheelmatrix(*words, *pythons, cwd=root, env=env))
    lanes = root / "target" / "wheelmatrix" / "lanes"
    before = {path: path.read_bytes() for path in lanes.rglob("build/*/build_script_build-*") if not path.suffix}
    scripts = [path for path in before if path.parent.name.startswith("asks-")]
    assert len(scripts) == 3
    assert len({path.stat().st_ino for path in scripts}) == 1
    helped.write_text(helped.read_text().replace("first", "second"))
    ran = report(wheelmatrix(*words, pythons[0], cwd=root, env=env))
    assert ran["builds"][0]["crates"]["compiled"] > 0
    changed = {path for path in scripts if path.read_bytes() != before[path]}
    assert [path.relative_to(lanes).parts[0][:5] for path in changed] == ["cp310"]
    warm = report(wheelmatrix(*words, *pythons, cwd=root, env=env))
    shutil.move(root / "target", root.parent / "warm-target")
    cold = report(wheelmatrix(*words, *pythons, "--no-seed", cwd=root, env=env))
    sums = [{cell["id"]: cell["wheel"]["sha256"] for cell in one["cells"]} for one in (warm, cold)]
    assert sums[0] == sums[1]


def test_a_build_script_that_asks_python_gets_no_seed(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path]
) -> None:
    """It looks at the interpreter without telling cargo: a seed would hand one answer to every wheel."""
    root = project("ffi-only")
    helper(
        root,
        'let python = std::env::var("PYO3_PYTHON").unwrap_or_default();',
        'println!("cargo:rustc-env=SAID={python}");',
    )
    pythons = [str(find_python(version)) for version in VERSIONS[:2]]
    ran = report(wheelmatrix("build", "--json", "-i", *pythons, cwd=root))
    assert all(build["crates"]["fresh"] == 0 for build in ran["builds"])
    assert any("asks" in note["text"] for note in ran["notes"])
