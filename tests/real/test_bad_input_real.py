"""Mistakes of the user through the real command: one clear error each, exit 2, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import Ran, need, run

pytestmark = pytest.mark.real

Wheelmatrix = Callable[..., Ran]
Copy = Callable[..., Path]


def snapshot(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def assert_refused(ran: Ran, *words: str, hint: str | None = None) -> None:
    assert ran.exit == 2, ran
    assert ran.stdout == "", ran
    assert "Traceback" not in ran.stderr, ran
    errors = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ran
    for word in words:
        assert word in ran.stderr, ran
    if hint is not None:
        assert any(line.startswith("hint: ") and hint in line for line in ran.stderr.splitlines()), ran


@pytest.mark.parametrize(
    ("flags", "words", "hint"),
    [
        (["--relase"], ["unknown option '--relase'"], "did you mean '--release'?"),
        (["--target", "aarch64-unknown-linux-gun"], ["unknown target 'aarch64-unknown-linux-gun' (--target)"],
         "did you mean 'aarch64-unknown-linux-gnu'?"),
        (["--compatibility", "manylinux_2_99x"], ["unknown compatibility level 'manylinux_2_99x'"], None),
        (["--compatibility", "manylinux2010"], ["needs glibc 2.17"], "manylinux_2_17"),
        (["--manylinux", "1"], ["needs glibc 2.17"], None),
        (["-i", "python9.9"], ["interpreter 'python9.9' not found (-i)"], None),
        (["-i", "9.9"], ["-i: no released Python is '9.9', and none was found here"], "; found here: 3."),
        (["-i", "/no/such/python"], ["interpreter '/no/such/python' not found (-i)"], None),
        (["-i", "3.l3"], ["'3.l3' is neither a version, a specifier nor an interpreter"], '"3.13"'),
        (["-F", "nope"], ["nope"], None),
        (["-m", "nowhere/Cargo.toml"], ["nowhere/Cargo.toml"], None),
        (["--only", "cp299-*"], ["cp299-*"], None),
        (["--timeout", "soon"], ["--timeout", "soon"], "20m"),
        (["-i", "pypy3.6"], ["pypy3.6"], None),
        (["--release", "--profile", "dev"], ["--release and --profile dev"], None),
        (["--profile", "relase"], ["--profile: cargo knows no profile 'relase'"],
         "did you mean 'release'? known profiles: dev, release, test, bench"),
        (["--profile", "debug"], ["--profile: cargo knows no profile 'debug'"], "did you mean 'dev'?"),
        (["--report", "."], ["--report . is a directory"], None),
        (["--report", "-"], ["--report - is no file"], "--json"),
        (["-i"], ["-i needs a value"], "-f"),
    ],
)  # fmt: skip
def test_a_wrong_flag(
    wheelmatrix: Wheelmatrix, project: Copy, flags: list[str], words: list[str], hint: str | None
) -> None:
    root = project("ffi-only")
    before = snapshot(root)
    assert_refused(wheelmatrix("build", *flags, cwd=root), *words, hint=hint)
    assert snapshot(root) == before


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("[tool.wheelmatrix\n", ["pyproject.toml", "pyproject.toml:10:18: the header"], None),
        ('[tool.wheelmatrix]\ninterpreter = ["3.12"]\n', ["[tool.wheelmatrix]", "interpreter"],
         "did you mean 'interpreters'"),
        ('[tool.wheelmatrix]\ninterpreters = ["3.12", "3.l3"]\n',
         ["[tool.wheelmatrix] interpreters[1]", "'3.l3' is neither a version, a specifier nor an interpreter"],
         '"3.13"'),
        ('[tool.wheelmatrix]\ntargets = ["x86_64-linux"]\n', ["unknown target 'x86_64-linux'", "targets[0]"], None),
        ('[tool.wheelmatrix]\ncompatibility = ["manylinux"]\n', ["'manylinux'", "compatibility"], None),
        ("[tool.wheelmatrix]\njobs = 0\n", ["jobs"], None),
        ('[tool.maturin]\nprofile = "nosuch"\n', ["[tool.maturin] profile: cargo knows no profile 'nosuch'"],
         "known profiles: dev, release"),
        ('[[tool.wheelmatrix.overrides]]\nselect = { target = "*" }\nprofile = "nosuch"\n',
         ["[tool.wheelmatrix] overrides[0].profile: cargo knows no profile 'nosuch'"], "known profiles: dev, release"),
        ("[tool.wheelmatrix.drivers.cargoo]\njobs = 1\n", ["drivers.cargoo", "no such driver"], "did you mean 'cargo'"),
        ('[[tool.wheelmatrix.overrides]]\nselect = { target = "*" }\ndriver = "make"\n', ["driver", "'make'"], None),
        ('[[tool.wheelmatrix.overrides]]\nselect = { target = "*" }\ntimeout = "soon"\n', ["timeout", "soon"], None),
    ],
)  # fmt: skip
def test_a_wrong_key(wheelmatrix: Wheelmatrix, project: Copy, text: str, words: list[str], hint: str | None) -> None:
    root = project("ffi-only")
    with (root / "pyproject.toml").open("a") as file:
        file.write(f"\n{text}")
    before = snapshot(root)
    for command in ("build", "plan"):
        assert_refused(wheelmatrix(command, cwd=root), *words, hint=hint)
    assert snapshot(root) == before


def test_profiles_that_only_cargo_s_configuration_defines(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text('[profile.quick]\ninherits = "dev"\n')
    assert_refused(wheelmatrix("build", "--profile", "quik", cwd=root), "--profile", hint="test, bench, quick")
    for flags, variables in (
        (["--profile", "quick"], {}),
        (["--profile", "told", "--config", "profile.told.inherits='dev'"], {}),
        (["--profile", "by-env"], {"CARGO_PROFILE_BY_ENV_INHERITS": "dev"}),
    ):
        ran = wheelmatrix("build", *flags, cwd=root, env=variables)
        assert ran.exit == 0, ran


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_no_library(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    replace(root / "Cargo.toml", 'crate-type = ["cdylib"]', "proc-macro = true")
    assert_refused(wheelmatrix("build", cwd=root), "cdylib", hint='crate-type = ["cdylib"]')


def test_malformed_cargo_toml_is_told_in_cargo_s_words(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    with (root / "Cargo.toml").open("a") as file:
        file.write("\n[package\n")
    assert_refused(wheelmatrix("build", cwd=root), "Cargo.toml")


def test_a_missing_readme_is_found_before_compiling(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    replace(root / "pyproject.toml", "[project]\n", '[project]\nreadme = "GONE.md"\n')
    assert_refused(wheelmatrix("build", cwd=root), "readme", "GONE.md")


def test_no_project_here(wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    assert_refused(wheelmatrix("build", cwd=tmp_path), "neither pyproject.toml nor Cargo.toml is here", hint="-m")


def test_an_out_directory_that_is_a_file(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    (root / "out").write_text("a file")
    assert_refused(wheelmatrix("build", "-o", "out", cwd=root), "out", "--out")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a directory that nobody can write")
def test_an_out_directory_that_cannot_be_written(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    assert_refused(wheelmatrix("build", "-o", "/proc/wheels", cwd=project("ffi-only")), "/proc/wheels", hint="--out")


def test_missing_cargo(wheelmatrix: Wheelmatrix, project: Copy, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    env = {"PATH": str(empty), "HOME": str(empty), "CARGO_HOME": str(empty), "CARGO": ""}
    root = project("ffi-only")
    assert_refused(wheelmatrix("build", cwd=root, env=env), "cargo was not found", hint="install Rust")
    assert not (root / "target").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_missing_rustc(
    wheelmatrix: Wheelmatrix, project: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sysroot = run([need("rustc"), "--print", "sysroot"], cwd=tmp_path, check=True).stdout.strip()
    cargo = Path(sysroot, "bin", "cargo")  # rustup's own stand-in would find rustc by itself
    bins = tmp_path / "bin"
    bins.mkdir()
    (bins / "cargo").symlink_to(cargo if cargo.exists() else need("cargo"))
    root = project("ffi-only")
    monkeypatch.delenv("RUSTC", raising=False)  # an empty one would be obeyed by cargo
    env = {"PATH": str(bins), "CARGO": ""}
    for rustc in ({}, {"RUSTC": "/no/such/rustc"}, {"RUSTC": need("false")}):
        ran = wheelmatrix("build", cwd=root, env={**env, **rustc})
        assert_refused(
            ran, "rustc is missing or does not work", f"{rustc.get('RUSTC', 'rustc')} -vV", hint="install Rust"
        )
    assert not (root / "target").exists()


def test_an_out_directory_that_a_build_script_watches(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    warned = "warning: the out directory dist lies inside the package: a build script without rerun-if-changed"
    assert warned not in wheelmatrix("build", "-o", "dist", cwd=root).stderr, "there is no build script"
    (root / "build.rs").write_text("fn main() {}\n")
    ran = wheelmatrix("build", "-o", "dist", cwd=root)
    assert ran.exit == 0, ran
    assert ran.stderr.count(warned) == 1, ran
    assert warned not in wheelmatrix("build", cwd=root).stderr


def test_found_is_the_flag_that_finds(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    root = project("ffi-only")
    one, other = (wheelmatrix("plan", "--json", *flags, cwd=root) for flags in (["-f"], ["-i", "found"]))
    assert one.exit == other.exit == 0, other
    assert one.stdout == other.stdout


def test_a_level_that_no_target_means_is_said(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    ran = wheelmatrix("plan", "--compatibility", "musllinux_1_2", cwd=project("ffi-only"))
    assert "no level asked for (musllinux_1_2) is one of" in ran.stdout + ran.stderr, ran


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_stdout_is_told_as_such(project: Copy, unbuffered: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [need("wheelmatrix"), "plan"],
            cwd=project("ffi-only"),
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: stdout: No space left on device\n"


def test_an_ascii_stdout_is_no_traceback(wheelmatrix: Wheelmatrix, project: Copy) -> None:
    ran = wheelmatrix("plan", cwd=project("ffi-only"), env={"PYTHONIOENCODING": "ascii"})
    assert ran.exit == 0, ran
    assert "ffi-only" in ran.stdout
    assert "Traceback" not in ran.stderr
