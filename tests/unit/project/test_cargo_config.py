from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.project.cargo_config import configured_target, names_target

LINUX, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"


def write(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[build]\ntarget = {target}\n")


def test_nothing_is_configured(tmp_path: Path) -> None:
    assert configured_target(tmp_path, {"CARGO_HOME": str(tmp_path / "home")}) is None


def test_the_nearest_file_wins_and_cargo_s_home_comes_last(tmp_path: Path) -> None:
    root, home = tmp_path / "a" / "b", tmp_path / "home"
    root.mkdir(parents=True)
    environ = {"CARGO_HOME": str(home)}
    write(home / "config.toml", f'"{LINUX}"')
    assert configured_target(root, environ) == (LINUX, f"{home / 'config.toml'}: build.target")
    write(tmp_path / "a" / ".cargo" / "config.toml", f'["{ARM}"]')
    assert configured_target(root, environ) == (ARM, f"{tmp_path / 'a' / '.cargo' / 'config.toml'}: build.target")
    write(root / ".cargo" / "config.toml", f'"{LINUX}"')
    assert configured_target(root, environ) == (LINUX, ".cargo/config.toml: build.target")
    write(root / ".cargo" / "config", f'"{ARM}"')
    assert configured_target(root, environ) == (ARM, ".cargo/config: build.target")
    assert configured_target(root, environ, (f'build.target="{LINUX}"',)) == (LINUX, "--config build.target")


def test_what_cargo_would_complain_about_is_left_to_cargo(tmp_path: Path) -> None:
    environ = {"CARGO_HOME": str(tmp_path / "home")}
    for text in ("[build", "build = 1\n", "\xff", "[build]\njobs = 2\n"):
        (tmp_path / ".cargo").mkdir(exist_ok=True)
        (tmp_path / ".cargo" / "config.toml").write_text(text, encoding="latin-1")
        assert configured_target(tmp_path, environ, ("net.offline=true", "not toml =")) is None


@pytest.mark.parametrize("target", [f'["{LINUX}", "{ARM}"]', "1", '"mine.json"'])
def test_several_and_own_targets_are_refused(tmp_path: Path, target: str) -> None:
    write(tmp_path / ".cargo" / "config.toml", target)
    with pytest.raises(UsageError, match=r"\.cargo/config\.toml: build\.target"):
        configured_target(tmp_path, {"CARGO_HOME": str(tmp_path / "home")})


def test_the_variable_comes_after_flags_and_before_files(tmp_path: Path) -> None:
    environ = {"CARGO_HOME": str(tmp_path / "home"), "CARGO_BUILD_TARGET": ARM}
    write(tmp_path / ".cargo" / "config.toml", f'"{LINUX}"')
    assert configured_target(tmp_path, environ) == (ARM, "CARGO_BUILD_TARGET")
    assert configured_target(tmp_path, environ, (f'build.target="{LINUX}"',)) == (LINUX, "--config build.target")
    assert names_target(tmp_path, environ)
