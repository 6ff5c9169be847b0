"""universal2 from one Linux machine: two builds, one fat module, read by LLVM, file and delocate."""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.formats import delocate_platforms, file_says
from support.projects import copy_project
from support.reports import read_report
from support.tools import Ran, need, need_llvm, run
from support.wheels import look_inside

from matrix.auditing import audit_wheel
from matrix.auditing.macho import read_macho

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="cross builds start on Linux"),
]
BOTH = "hello_pyo3-0.1.0-cp312-cp312-macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64.whl"
ARM = "hello_pyo3-0.1.0-cp312-cp312-macosx_11_0_arm64.whl"
ASKED = ("-i", "3.12", "--target", "universal2-apple-darwin", "--target", "aarch64-apple-darwin", "-j2")
Wheelmatrix = Callable[..., Ran]


@pytest.fixture(scope="module")
def mac(wheelmatrix: Wheelmatrix, cross_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project after a build for both kinds of Mac in one wheel, and for one kind beside."""
    root = copy_project("hello-pyo3", tmp_path_factory.mktemp("mac"))
    ran = wheelmatrix("build", *ASKED, cwd=root, env=cross_env, timeout=900)
    assert ran.exit == 0, ran
    assert "xcrun" not in ran.stderr, ran
    assert sorted(path.name for path in ran.wheels) == sorted([BOTH, ARM])
    return root


def cells(root: Path) -> dict[str, str]:
    return {cell["id"]: cell["status"] for cell in read_report(root / "target" / "wheels" / "report.json")["cells"]}


def module(wheel: Path, into: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract("hello_pyo3/hello_pyo3.cpython-312-darwin.so", into))


def test_independent_tools_read_both_architectures(mac: Path, tmp_path: Path) -> None:
    wheels = mac / "target" / "wheels"
    fat = module(wheels / BOTH, tmp_path / "both")
    lipo = need_llvm("llvm-lipo")
    said = run([lipo, "-info", fat], cwd=tmp_path, check=True).stdout
    assert said.strip().endswith("are: x86_64 arm64")
    assert file_says(fat).startswith("Mach-O universal binary with 2 architectures")
    assert run([lipo, fat, "-verify_arch", "x86_64", "arm64"], cwd=tmp_path).exit == 0
    for arch in ("x86_64", "arm64"):
        run([lipo, "-thin", arch, fat, "-output", tmp_path / arch], cwd=tmp_path, check=True)
    run([lipo, "-create", tmp_path / "x86_64", tmp_path / "arm64", "-output", tmp_path / "again"], cwd=tmp_path)
    assert (tmp_path / "again").read_bytes() == fat.read_bytes(), "lipo would have joined them otherwise"
    assert (tmp_path / "arm64").read_bytes() == module(wheels / ARM, tmp_path / "arm").read_bytes()
    assert delocate_platforms(wheels / BOTH, tmp_path) == ["macosx_10_12_universal2"]


def test_the_audit_finds_nothing_in_it(mac: Path) -> None:
    audit = audit_wheel(mac / "target" / "wheels" / BOTH)
    assert (audit.overall_tag, audit.findings) == ("macosx_10_12_universal2", ())
    with zipfile.ZipFile(mac / "target" / "wheels" / BOTH) as archive:
        name = "hello_pyo3/hello_pyo3.cpython-312-darwin.so"
        slices = read_macho(name, archive.read(name)).slices
    assert {one.install_name for one in slices} == {"@rpath/hello_pyo3.cpython-312-darwin.so"}


def test_maturin_gives_it_the_same_name_and_files(mac: Path, cross_env: dict[str, str], tmp_path: Path) -> None:
    flags = ("--target", "universal2-apple-darwin", "--zig", "-i", "python3.12", "--out", tmp_path)
    ran = run(
        [need("maturin"), "build", *flags, "--target-dir", tmp_path / "target"], cwd=mac, env=cross_env, timeout=900
    )
    assert ran.exit == 0, ran
    theirs = look_inside(tmp_path / BOTH)
    ours = look_inside(mac / "target" / "wheels" / BOTH)
    assert ours.tags == theirs.tags
    assert set(ours.files) == set(theirs.files)


def test_two_builds_made_both_wheels_and_nothing_is_made_twice(
    mac: Path, wheelmatrix: Wheelmatrix, cross_env: dict[str, str]
) -> None:
    report = read_report(mac / "target" / "wheels" / "report.json")
    both, arm = report["cells"]
    assert [build["target"] for build in report["builds"]] == ["x86_64-apple-darwin", "aarch64-apple-darwin"]
    assert (both["build"], both["joined"]) == ("cp312-x86_64-apple-darwin", ["cp312-aarch64-apple-darwin"])
    assert arm["build"] == "cp312-aarch64-apple-darwin"
    ran = wheelmatrix("build", *ASKED, cwd=mac, env=cross_env)
    assert ran.exit == 0, ran
    assert set(cells(mac).values()) == {"reused"}


def test_one_flag_stands_for_the_target_and_is_refused_beside_others(
    mac: Path, wheelmatrix: Wheelmatrix, cross_env: dict[str, str]
) -> None:
    flags = ("plan", "--json", "-i", "3.12", "--universal2")
    refused = wheelmatrix(*flags, "--target", "aarch64-unknown-linux-gnu", cwd=mac, env=cross_env)
    assert (refused.exit, refused.stdout) == (2, "")
    assert "--universal2 and --target contradict each other" in refused.stderr
    ran = wheelmatrix(*flags, cwd=mac, env=cross_env)
    (cell,) = json.loads(ran.stdout)["cells"]
    assert (cell["id"], cell["file"]) == ("cp312-universal2-apple-darwin", BOTH)


def test_a_slice_that_fails_costs_the_joint_wheel_alone(
    mac: Path, wheelmatrix: Wheelmatrix, cross_env: dict[str, str], tmp_path: Path
) -> None:
    root = copy_project("hello-pyo3", tmp_path)
    source = root / "src" / "lib.rs"
    broken = '#[cfg(all(target_os = "macos", target_arch = "x86_64"))]\ncompile_error!("no Intel Mac");\n'
    source.write_text(source.read_text(encoding="utf-8") + broken, encoding="utf-8")
    shared = ("--target-dir", mac / "target", "--out", tmp_path / "out")
    ran = wheelmatrix("build", *ASKED, *shared, cwd=root, env=cross_env, timeout=900)
    assert ran.exit == 1
    assert [path.name for path in ran.wheels] == [ARM]
    assert ran.stderr.count("universal2-apple-darwin   failed after") == 2, "once as it happens, once in the table"
    both, arm = read_report(tmp_path / "out" / "report.json")["cells"]
    assert (both["status"], arm["status"]) == ("failed", "built")
    assert "no Intel Mac" in both["reason"]
    assert both["log"] == "logs/cp312-x86_64-apple-darwin.log"
