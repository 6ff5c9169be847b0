from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.driving import HOST, PLACE, TARGETS, build_for, wish

from drivers.docker import DockerDriver
from drivers.images import image_for, slug
from matrix.driver import OUT_OF_REACH, DockerOptions, Place
from matrix.model import Build, Settings

DOCKER = DockerDriver()
NATIVE, ARM, MUSL = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-unknown-linux-musl"


def _build(triple: str = NATIVE, image: str = "some/image:1", **env: str | None) -> Build:
    return build_for(triple, "docker", settings=Settings(image=image, env=dict(env)))


def _place(**options: Any) -> Place:
    return msgspec.structs.replace(
        PLACE, host=msgspec.structs.replace(HOST, options={"docker": DockerOptions(**options)})
    )


def test_cargo_sees_the_same_paths_in_every_container() -> None:
    command = DOCKER.command(_build(), PLACE)
    words = list(command.argv)
    cargo = words[words.index("cargo") :]
    assert cargo == [
        "cargo", "rustc", "--message-format", "json", "--manifest-path", "/io/Cargo.toml",
        "--target-dir", "/wheelmatrix/lane", "--lib", "--crate-type", "cdylib", "--profile", "dev",
        "--target", NATIVE, "--locked", "--offline", "--config", 'build.build-dir="/wheelmatrix/lane"',
    ]  # fmt: skip
    assert words[:5] == ["/usr/bin/docker", "run", "--rm", "--init", "--name"]
    assert words[words.index("--user") + 1] == "1000:1000"
    mounts = [words[index + 1] for index, word in enumerate(words) if word == "--mount"]
    assert "type=bind,source=/p,target=/io,readonly" in mounts
    assert "type=bind,source=/p/target/wheelmatrix/lanes/b,target=/wheelmatrix/lane" in mounts
    assert "type=bind,source=/home/me/.cargo/registry,target=/wheelmatrix/cargo/registry,readonly" in mounts
    assert "type=bind,source=/toolchain,target=/toolchain,readonly" in mounts
    assert "type=bind,source=/run/fifo,target=/wheelmatrix/jobserver" in mounts
    assert not any("credentials" in mount or mount.endswith("source=/home/me/.cargo") for mount in mounts)
    assert command.env["CARGO_MAKEFLAGS"] == "-j --jobserver-fds=8,8 --jobserver-auth=8,8"
    assert command.env["PYO3_CONFIG_FILE"] == "/wheelmatrix/pyo3-config"


def test_libraries_of_the_image_are_copied_into_the_lane() -> None:
    lane = "/p/target/wheelmatrix/lanes/b"
    command = DOCKER.bring(_build(), PLACE, "/p/staged/b", [f"{lane}/debug/build/x/out", "/usr/lib64"])
    words = list(command.argv)
    assert words[-2:] == ["/wheelmatrix/lane/libraries", "/wheelmatrix/lane/debug/build/x/out:/usr/lib64"]
    mounts = [words[index + 1] for index, word in enumerate(words) if word == "--mount"]
    assert "type=bind,source=/p/staged/b,target=/wheelmatrix/made,readonly" in mounts
    assert f"type=bind,source={lane},target=/wheelmatrix/lane" in mounts
    assert "some/image:1" in words


def test_what_cargo_reports_is_found_outside() -> None:
    command = DOCKER.command(_build(), PLACE)
    lane = "/p/target/wheelmatrix/lanes/b"
    assert command.outside("/wheelmatrix/lane/debug/libx.so") == f"{lane}/debug/libx.so"
    assert command.outside("native=/wheelmatrix/lane/out") == f"native={lane}/out"
    assert command.outside("/wheelmatrix/lane/a=b") == f"{lane}/a=b"
    assert command.outside("/io/src/lib.rs") == "/p/src/lib.rs"
    assert command.outside("/wheelmatrix/cargo/registry/src/x/build.rs") == "/home/me/.cargo/registry/src/x/build.rs"
    assert command.outside("/usr/lib/libz.so") == "/usr/lib/libz.so"


@given(st.text(min_size=8).filter(lambda text: "\0" not in text))
def test_values_never_stand_in_the_command(value: str) -> None:
    secret = f"secret-{value}"
    command = DOCKER.command(_build(NAME=secret), _place(env=("HANDED_ON", "MAKEFLAGS")))
    assert secret not in command.argv
    assert not any(secret in word for word in command.argv)
    assert command.env["NAME"] == secret
    names = {command.argv[index + 1] for index, word in enumerate(command.argv) if word == "--env"}
    assert {"NAME", "HANDED_ON"} <= names
    assert "MAKEFLAGS" not in names


def test_a_seed_gets_no_configuration_and_no_python() -> None:
    place = msgspec.structs.replace(PLACE, pyo3_config=OUT_OF_REACH, python=OUT_OF_REACH)
    command = DOCKER.command(_build(), place)
    assert command.env["PYO3_CONFIG_FILE"] == command.env["PYO3_PYTHON"] == OUT_OF_REACH
    assert not any("pyo3-config" in word for word in command.argv)


def test_this_machine_s_python_stays_outside() -> None:
    command = DOCKER.command(_build(), msgspec.structs.replace(PLACE, python="/usr/bin/python3.12"))
    assert "PYO3_PYTHON" not in command.env
    assert "cp312-cp312" in command.argv, "the image's own is looked for by name"


def test_crates_beside_the_project_lie_to_it_as_they_do_here() -> None:
    place = msgspec.structs.replace(PLACE, root="/w/py", manifest="/w/py/Cargo.toml", sources=("/w/py", "/w/core"))
    words = DOCKER.command(_build(), place).argv
    assert "type=bind,source=/w/core,target=/io/core,readonly" in words
    assert words[words.index("--manifest-path") + 1] == "/io/py/Cargo.toml"


def test_only_named_images_or_an_asked_driver_make_it_able() -> None:
    assert not DOCKER.supports(wish(NATIVE), HOST).able
    named = DOCKER.supports(wish(NATIVE, image="a/b:1"), HOST)
    assert named.able
    assert named.claimed
    assert named.explicit
    assert named.image == "a/b:1"
    other = DOCKER.supports(wish(NATIVE, image="c/b:1"), HOST)
    assert named.mark != other.mark
    assert not DOCKER.supports(wish("x86_64-pc-windows-msvc", image="a/b:1"), HOST).able


def test_an_engine_that_does_not_answer_is_a_refusal_with_a_way_out() -> None:
    assert HOST.containers is not None
    down = msgspec.structs.replace(HOST.containers, fault="Cannot connect to the Docker daemon")
    support = DOCKER.supports(wish(NATIVE, image="a/b"), msgspec.structs.replace(HOST, containers=down))
    assert not support.able
    assert support.claimed, "no other driver may stand in"
    assert not support.forbidden, "other cells go on"
    assert "Cannot connect" in support.reason
    assert "systemctl start docker" in (support.hint or "")


@pytest.mark.parametrize(
    ("triple", "level", "image"),
    [
        (NATIVE, "auto", "quay.io/pypa/manylinux_2_28_x86_64"),
        (NATIVE, "manylinux_2_17", "quay.io/pypa/manylinux2014_x86_64"),
        (NATIVE, "manylinux_2_27", "quay.io/pypa/manylinux2014_x86_64"),
        (ARM, "manylinux_2_36", "quay.io/pypa/manylinux_2_34_aarch64"),
        ("armv7-unknown-linux-gnueabihf", "auto", "quay.io/pypa/manylinux_2_31_armv7l"),
        ("riscv64gc-unknown-linux-gnu", "auto", "quay.io/pypa/manylinux_2_39_riscv64"),
        ("riscv64gc-unknown-linux-gnu", "manylinux_2_31", None),
        (MUSL, "auto", "quay.io/pypa/musllinux_1_2_x86_64"),
    ],
)
def test_well_known_images_go_by_level(triple: str, level: str, image: str | None) -> None:
    assert image_for(wish(triple, level, asked=True), {}) == image


def test_the_project_s_images_come_first() -> None:
    images = {"*-musl": "my/alpine", "manylinux_2_28": "my/alma"}
    assert image_for(wish(MUSL), images) == "my/alpine"
    assert image_for(wish(ARM, "manylinux_2_28"), images) == "my/alma"
    assert image_for(wish(ARM, "manylinux_2_28", image="named"), images) == "named"


@given(st.text(), st.text())
def test_names_of_images_are_fit_for_files_and_tags(image: str, text: str) -> None:
    name = slug(image, text)
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert slug(image, text) == name != slug(f"{image}x", text)


@pytest.mark.parametrize(
    ("pull", "words"),
    [("never", "image inspect"), ("missing", "pull"), ("always", "/usr/bin/docker pull some/image:1")],
)
def test_images_are_pulled_by_policy(pull: str, words: str) -> None:
    steps = DOCKER.prepare([_build()], _place(pull=pull))
    (step,) = [one for one in steps if one.what.startswith("image ")]
    assert words in " ".join(step.command.argv)
    assert step.hint


@pytest.mark.parametrize(("toolchain", "first"), [("auto", "sh"), ("host", "/usr/bin/rustup"), ("image", None)])
def test_this_machines_rust_gets_a_std_only_where_it_compiles(toolchain: str, first: str | None) -> None:
    place = _place(toolchain=toolchain)
    host = msgspec.structs.replace(
        place.host, stds=frozenset(), tools={**place.host.tools, "rustup": "/usr/bin/rustup"}
    )
    steps = DOCKER.prepare([_build(ARM)], msgspec.structs.replace(place, host=host))
    found = [step for step in steps if step.std]
    assert [step.command.argv[0] for step in found] == ([] if first is None else [first])
    for step in found:
        assert step.command.argv[-3:] == ("target", "add", ARM)
        names = [one.what.split()[0] for one in steps]
        assert steps.index(step) > names.index("image"), "the image is asked for its own Rust first"


def test_before_all_is_made_once_for_each_image_and_text() -> None:
    steps = DOCKER.prepare([_build(), _build(ARM)], _place(before_all="dnf install -y x"))
    (step,) = [one for one in steps if one.what.startswith("before-all")]
    assert step.command.argv[1] == "build"
    assert "dnf install -y x\n" in step.files.values()
    tag = step.command.argv[step.command.argv.index("--tag") + 1]
    assert tag in DOCKER.command(_build(), _place(before_all="dnf install -y x")).argv
    assert tag not in DOCKER.command(_build(), _place(before_all="other")).argv


@pytest.mark.parametrize("triple", TARGETS)
def test_stopping_removes_the_very_container(triple: str) -> None:
    build = _build(triple)
    words = DOCKER.command(build, PLACE).argv
    (stop,) = DOCKER.stop(build, PLACE)
    assert stop.argv[-1] == words[words.index("--name") + 1]
    assert "rm -f" in " ".join(stop.argv)
