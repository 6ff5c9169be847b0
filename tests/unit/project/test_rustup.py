"""The cargo that rustup's program would run."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from matrix.project.rustup import RealCargo, real_cargo

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there rustup's program is always called")


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def rustup(tmp_path: Path) -> dict[str, str]:
    """An environment with rustup's programs, and one toolchain."""
    home = tmp_path / "cargo"
    program(home / "bin" / "rustup")
    (home / "bin" / "cargo").symlink_to("rustup")
    os.link(home / "bin" / "rustup", home / "bin" / "rustc")
    program(tmp_path / "rustup" / "toolchains" / "stable-x" / "bin" / "cargo")
    return {"PATH": str(home / "bin"), "RUSTUP_HOME": str(tmp_path / "rustup"), "CARGO_HOME": str(home)}


def asked(env: dict[str, str], cargo: str = "cargo", toolchain: str = "stable-x") -> RealCargo | None:
    return real_cargo(cargo, str(Path(env["RUSTUP_HOME"], "toolchains", toolchain)), env)


def test_it_is_the_toolchains_own_and_told_what_rustup_tells_it(rustup: dict[str, str]) -> None:
    expected = RealCargo(
        program=str(Path(rustup["RUSTUP_HOME"], "toolchains", "stable-x", "bin", "cargo")),
        env={
            "RUSTUP_TOOLCHAIN": "stable-x",
            "RUSTUP_HOME": rustup["RUSTUP_HOME"],
            "CARGO_HOME": rustup["CARGO_HOME"],
        },
    )
    assert asked(rustup) == expected
    assert asked(rustup, cargo=str(Path(rustup["CARGO_HOME"], "bin", "cargo"))) == expected


def test_builds_that_choose_for_themselves_go_through_rustup(rustup: dict[str, str]) -> None:
    real = asked(rustup)
    assert real is not None
    assert real.serves({"CFLAGS": "-O2"})
    assert not any(real.serves({name: None}) for name in ("RUSTUP_TOOLCHAIN", "PATH", "RUSTC", "CARGO_HOME"))


def test_nothing_is_guessed(rustup: dict[str, str], tmp_path: Path) -> None:
    other = program(tmp_path / "usr" / "bin" / "cargo")
    assert asked(rustup, cargo=str(other)) is None, "a cargo that is not rustup's"
    assert asked({**rustup, "RUSTC": "/usr/bin/rustc"}) is None, "another rustc"
    assert asked(rustup, toolchain="without-cargo") is None
    assert real_cargo("cargo", str(tmp_path / "linked"), rustup) is None, "a toolchain that was linked"
    assert real_cargo("cargo", "", rustup) is None, "rustc did not say"
    program(other.parent / "rustc")
    assert asked({**rustup, "PATH": os.pathsep.join((str(other.parent), rustup["PATH"]))}) is None
    (Path(rustup["CARGO_HOME"]) / "bin" / "rustc").unlink()
    assert asked(rustup) is None, "no rustc"
