from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.project.cargo_config import configured_offline, configured_target, names_target

ARM = "aarch64-unknown-linux-gnu"
GNU = "x86_64-unknown-linux-gnu"
MUSL = "x86_64-unknown-linux-musl"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "outer" / "project"
    root.mkdir(parents=True)
    return root


@pytest.fixture
def environ(root: Path) -> dict[str, str]:
    return {"CARGO_HOME": str(root.parents[1] / "home")}


def write(path: Path, target: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[build]\ntarget = {target}\n")
    return f"{path.as_posix()}: build.target"


def test_nothing_is_configured(root: Path, environ: dict[str, str]) -> None:
    assert configured_target(root, environ) is None
    assert not names_target(root, environ)


def test_the_nearest_file_wins_and_cargo_s_home_comes_last(root: Path, environ: dict[str, str]) -> None:
    origin = write(root.parents[1] / "home" / "config.toml", f'"{MUSL}"')
    assert configured_target(root, environ) == (MUSL, origin)
    origin = write(root.parent / ".cargo" / "config.toml", f'["{GNU}"]')
    assert configured_target(root, environ) == (GNU, origin)
    write(root / ".cargo" / "config.toml", f'"{ARM}"')
    assert configured_target(root, environ) == (ARM, ".cargo/config.toml: build.target")
    write(root / ".cargo" / "config", f'"{MUSL}"')
    assert configured_target(root, environ) == (MUSL, ".cargo/config: build.target")


def test_the_variable_comes_after_flags_and_before_files(root: Path, environ: dict[str, str]) -> None:
    write(root / ".cargo" / "config.toml", f'"{ARM}"')
    environ["CARGO_BUILD_TARGET"] = GNU
    assert configured_target(root, environ) == (GNU, "CARGO_BUILD_TARGET")
    flags = [f'build.target="{GNU}"', f'build.target = "{MUSL}"', "build.jobs=1"]
    assert configured_target(root, environ, flags) == (MUSL, "--config build.target")
    write(root / "more.toml", f'"{ARM}"')
    assert configured_target(root, environ, [*flags, "more.toml"]) == (ARM, "--config more.toml: build.target")


def test_the_variable_alone_can_be_taken_back(root: Path, environ: dict[str, str]) -> None:
    environ["CARGO_BUILD_TARGET"] = GNU
    assert not names_target(root, environ)
    assert names_target(root, environ, [f'build.target="{GNU}"'])
    write(root / ".cargo" / "config.toml", "[]")
    assert names_target(root, environ)
    assert configured_target(root, {**environ, "CARGO_BUILD_TARGET": " "}) is None


def test_included_files_stand_below_the_one_that_includes_them(root: Path, environ: dict[str, str]) -> None:
    write(root / ".cargo" / "one.toml", f'"{ARM}"')
    write(root / ".cargo" / "two.toml", f'"{MUSL}"')
    config = root / ".cargo" / "config.toml"
    config.write_text('include = ["one.toml", { path = "two.toml" }, { path = "none.toml", optional = true }, 1]\n')
    assert configured_target(root, environ) == (MUSL, ".cargo/config.toml: build.target in two.toml")
    config.write_text(f'include = ["one.toml"]\n[build]\ntarget = "{GNU}"\n')
    assert configured_target(root, environ) == (GNU, ".cargo/config.toml: build.target")
    config.write_text('include = ["config.toml"]\n')
    assert configured_target(root, environ) is None


def test_a_list_is_joined_and_must_name_one(root: Path, environ: dict[str, str]) -> None:
    write(root / ".cargo" / "config.toml", f'["{ARM}"]')
    write(root.parent / ".cargo" / "config.toml", f'["{ARM}"]')
    assert configured_target(root, environ) == (ARM, ".cargo/config.toml: build.target")
    write(root.parent / ".cargo" / "config.toml", f'["{GNU}"]')
    with pytest.raises(UsageError, match=rf"^\.cargo/config\.toml: build\.target names several .*{ARM}, {GNU}") as told:
        configured_target(root, environ)
    assert "[tool.wheelmatrix] targets" in str(told.value.hint)


@pytest.mark.parametrize("target", [f'["{GNU}", "{ARM}"]', "1", '" "', "[1]", '"mine.json"'])
def test_several_and_own_targets_are_refused(root: Path, environ: dict[str, str], target: str) -> None:
    write(root / ".cargo" / "config.toml", target)
    with pytest.raises(UsageError, match=r"\.cargo/config\.toml: build\.target"):
        configured_target(root, environ)
    assert names_target(root, environ)


@pytest.mark.parametrize("text", ["[build", "build = 1\n", "\xff", "[build]\njobs = 2\n"])
def test_what_cargo_would_complain_about_is_left_to_cargo(root: Path, environ: dict[str, str], text: str) -> None:
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text(text, encoding="latin-1")
    flags = ("net.offline=true", "not toml =", "no/such.toml")
    assert configured_target(root, environ, flags) is None
    assert not names_target(root, environ, flags)


def test_the_network_is_forbidden_by_flags_then_variables_then_files(root: Path, environ: dict[str, str]) -> None:
    assert not configured_offline(root, environ)
    (root / ".cargo").mkdir()
    (root / ".cargo" / "config.toml").write_text("net.offline = true\n")
    assert configured_offline(root, environ)
    assert not configured_offline(root, {**environ, "CARGO_NET_OFFLINE": "false"})
    assert configured_offline(root, {**environ, "CARGO_NET_OFFLINE": "false"}, ["net.offline=true"])
    assert not configured_offline(root, environ, ["net.offline=true", "net.offline=false"])
    (root / ".cargo" / "config.toml").write_text("net.offline = 'true'\n")
    assert not configured_offline(root, environ)
    assert configured_offline(root, {**environ, "CARGO_NET_OFFLINE": "true"})
