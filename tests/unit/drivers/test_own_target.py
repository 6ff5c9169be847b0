"""The program that stands for cargo where zig links for the machine's own target."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec
import pytest
from support.driving import HOST, PLACE, build_for

from drivers.own_target import cargo_environment, own_target_steps, takes_linker
from drivers.zig import ZigDriver
from matrix.driver import Place

LINKER = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER"
OWN = build_for(HOST.target.triple, "zig", libc=(2, 17))
SHOWS = """#!/bin/sh
printf '%s\\n' "$@"
env | grep -E '^(CARGO|__CARGO)' | sort
"""


def written(place: Place) -> Path:
    (step,) = own_target_steps([OWN], place)
    ((name, text),) = step.programs.items()
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def says(place: Place, *words: str, env: dict[str, str]) -> list[str]:
    program = written(place)
    told = cargo_environment(OWN, place)
    assert told["CARGO"] == str(program)
    whole = {"PATH": "/usr/bin:/bin", **{name: value for name, value in told.items() if value is not None}, **env}
    return subprocess.run([program, *words], env=whole, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    cargo = tmp_path / "my cargo"
    cargo.write_text(SHOWS)
    cargo.chmod(0o755)
    return msgspec.structs.replace(PLACE, cache=str(tmp_path / "cache"), cargo=str(cargo))


TURNED_ON = {
    "CARGO_UNSTABLE_TARGET_APPLIES_TO_HOST": "true",
    "CARGO_TARGET_APPLIES_TO_HOST": "false",
    "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS": "nightly",
}


@pytest.mark.parametrize("words", [("rustc", "--lib"), ("rustc", "--lib", "--", "-C", "strip=symbols")])
def test_the_linker_goes_to_the_last_rustc_alone(place: Place, words: tuple[str, ...]) -> None:
    said = says(place, *words, env={LINKER: "/a b/zigcc", **TURNED_ON})
    separator = () if "--" in words else ("--",)
    assert said == [*words, *separator, "-C", "linker=/a b/zigcc", f"CARGO={place.cargo}"]


def test_other_calls_pass_as_they_are(place: Place) -> None:
    assert says(place, "metadata", "a b", env={}) == ["metadata", "a b", f"CARGO={place.cargo}"]


def test_without_a_c_compiler_zig_links_what_runs_here(place: Place) -> None:
    tools = {name: path for name, path in HOST.tools.items() if name != "cc"}
    bare = msgspec.structs.replace(place, host=msgspec.structs.replace(HOST, tools=tools))
    said = says(bare, "rustc", env={LINKER: "/zigcc"})
    (path,) = [line.removeprefix(f"{LINKER}=") for line in said if line.startswith(LINKER)]
    assert path in {program for step in ZigDriver().prepare([OWN], bare) for program in step.programs}
    assert said[:4] == ["rustc", "--", "-C", "linker=/zigcc"]
    assert path != cargo_environment(OWN, bare)["CARGO"]


def test_it_is_written_once_and_only_where_it_is_needed() -> None:
    (step,) = own_target_steps([OWN, build_for("aarch64-unknown-linux-gnu", "zig")], PLACE)
    assert (step.builds, step.leaves) == ((OWN.id,), cargo_environment(OWN, PLACE)["CARGO"])
    assert ZigDriver().command(OWN, PLACE).env["CARGO"] == step.leaves
    other = build_for("x86_64-unknown-linux-musl", "zig")
    assert not takes_linker(other, HOST)
    assert cargo_environment(other, PLACE) == {"CARGO": PLACE.cargo}
    assert own_target_steps([other], PLACE) == ()
