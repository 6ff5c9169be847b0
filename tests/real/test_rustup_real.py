"""cargo without rustup's program in between is told what it would be told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.reports import read_report
from support.tools import Ran, find_python, need, run

pytestmark = pytest.mark.real

DUMPS = """
fn main() {
    let said: Vec<String> = ["CARGO", "CARGO_HOME", "RUSTC", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"]
        .iter()
        .map(|name| format!("{name}={}", std::env::var(name).unwrap_or_default()))
        .collect();
    std::fs::write(std::env::var("SAYS").unwrap(), said.join("\\n")).unwrap();
}
"""


def test_a_build_script_sees_what_it_sees_under_rustup(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUSTUP_TOOLCHAIN", raising=False)
    root = project("programs")
    (root / "build.rs").write_text(DUMPS)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ran = wheelmatrix("build", "-v", "-i", find_python("3.12"), cwd=root, env={"SAYS": str(ours)})
    assert ran.exit == 0, str(ran)
    run([need("cargo"), "build", "--target-dir", tmp_path / "target"], cwd=root, env={"SAYS": str(theirs)}, check=True)
    assert ours.read_text() == theirs.read_text()
    assert "RUSTUP_TOOLCHAIN=stable" in theirs.read_text()
    (build,) = read_report(root / "target" / "wheels" / "report.json")["builds"]
    assert "/toolchains/" in build["command"][0], "rustup is called after all"
