"""Profile-guided builds: trained for real, kept while nothing changes, and refused before anything is compiled."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.provision import provide
from support.tools import Ran, run

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="llvm-profdata comes from Debian"),
]

FILES = {
    "Cargo.toml": '[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n',
    "pyproject.toml": """\
[build-system]
requires = ["maturin>=1,<2"]
build-backend = "maturin"
[project]
name = "tiny"
version = "0.1.0"
[tool.maturin]
bindings = "bin"
pgo-command = "tiny 3 > counted.txt"
""",
    "src/main.rs": """\
fn main() {
    let until: u64 = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    println!("{}", (0..until).filter(|number| number % 2 == 0).count());
}
""",
}
BUILD = "py3-x86_64-unknown-linux-gnu-pgo"


@pytest.fixture(scope="module")
def tools() -> str:
    return f"{provide('profdata')[-1]}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_program_is_trained_once_and_made_with_its_profile(
    tiny: Path, wheelmatrix: Callable[..., Ran], tools: str
) -> None:
    plain = wheelmatrix("build", "-r", "-o", tiny / "plain", cwd=tiny)
    ran = wheelmatrix("build", "--pgo", "-v", cwd=tiny, env={"PATH": tools})
    assert (plain.exit, ran.exit) == (0, 0), str(ran)
    assert (tiny / "counted.txt").read_text() == "2\n"
    base = tiny / "target" / "wheelmatrix"
    (profile,) = (base / "profiles" / BUILD).glob("*.profdata")
    shown = run(["llvm-profdata", "show", "--function=main", profile], cwd=tiny, env={"PATH": tools}, check=True).stdout
    assert "Functions shown:" in shown
    assert "Functions shown: 0" not in shown
    assert f"-Cprofile-use={profile}" in (base / "logs" / f"{BUILD}.log").read_text()
    assert program(tiny / "plain") != program(tiny / "target" / "wheels")
    assert b"__llvm_profile" not in program(tiny / "target" / "wheels")
    (tiny / "counted.txt").unlink()
    again = wheelmatrix("build", "--pgo", cwd=tiny, env={"PATH": tools})
    assert "unchanged" in again.stderr, str(again)
    assert not (tiny / "counted.txt").exists()


def program(folder: Path) -> bytes:
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("tiny-0.1.0.data/scripts/tiny")


def test_what_cannot_be_trained_is_told(tiny: Path, wheelmatrix: Callable[..., Ran], tools: str) -> None:
    text = FILES["pyproject.toml"]
    (tiny / "pyproject.toml").write_text(text.replace("pgo-command", "# pgo-command"))
    ran = wheelmatrix("build", cwd=tiny, env={"PATH": tools, "MATURIN_PGO": "1"})
    assert (ran.exit, ran.stderr.partition("\n")[0]) == (2, "error: --pgo needs a command that uses the module")
    (tiny / "pyproject.toml").write_text(text.replace("> counted.txt", "; echo no such luck >&2; exit 3"))
    (tiny / "bin").mkdir()
    (tiny / "bin" / "llvm-profdata").write_text("#!/bin/sh\necho LLVM version 1.0\n")
    (tiny / "bin" / "llvm-profdata").chmod(0o755)
    other = f"{tiny / 'bin'}{os.pathsep}{os.environ['PATH']}"
    ran = wheelmatrix("build", "--pgo", cwd=tiny, env={"PATH": other})
    assert ran.exit == 2
    assert "llvm-profdata of LLVM " in ran.stderr
    assert not (tiny / "target").exists()
    ran = wheelmatrix("build", "--pgo", cwd=tiny, env={"PATH": tools})
    assert ran.exit == 1
    assert "the pgo-command ended with 3: no such luck" in ran.stderr
