"""Profile-guided builds: who can be trained, and whose flags they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.driving import HOST

from drivers import ALL
from matrix.errors import ToolError
from matrix.events import Bus
from matrix.model import Build, Settings
from matrix.platforms import parse_target
from matrix.running.bench import Bench, Training
from matrix.running.jobserver import open_pool
from matrix.running.lanes import Workshop
from matrix.running.seeding import find_seeds
from matrix.running.training import _with_flag, check_training, instrumented, optimised

BuildFactory = Callable[..., Build]


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    def pack(*_: object) -> Path:
        return tmp_path

    with open_pool(1) as pool:
        yield Bench(
            root=tmp_path,
            workshop=Workshop(tmp_path),
            drivers={driver.name: driver for driver in ALL},
            pool=pool,
            bus=Bus(),
            host=HOST,
            cache=tmp_path,
            pythons={"cp312": "/usr/bin/python3.12"},
            generators=("/usr/bin/python3",),
            training=Training(command="true", needed=(), profdata="llvm-profdata", pack=pack),
        )


def test_only_what_runs_here_is_trained(bench: Bench, make_build: BuildFactory) -> None:
    assert check_training(make_build(), bench) == "/usr/bin/python3.12"
    assert check_training(make_build(interpreter=None, bindings="bin"), bench) == "/usr/bin/python3"
    foreign = make_build(target=parse_target("aarch64-unknown-linux-gnu"))
    unknown = msgspec.structs.replace(make_build().interpreter, python_tag="cp314")  # type: ignore[type-var]
    for build, message in (
        (foreign, "not for this very machine"),
        (make_build(driver="docker", settings=Settings(image="bookworm")), "not for this very machine"),
        (make_build(interpreter=unknown), "no cp314 is on this machine"),
    ):
        with pytest.raises(ToolError, match=message):
            check_training(build, bench)


def test_the_flags_are_the_targets_and_the_lanes_are_apart(bench: Bench, make_build: BuildFactory) -> None:
    build = make_build(settings=Settings(cargo_args=("-Zx",), pgo=True))
    counting = instrumented(build, bench)
    assert counting.id == f"{build.id}-instrumented"
    flags = f'target.x86_64-unknown-linux-gnu.rustflags=["-Cprofile-generate={bench.workshop.profile(build.id)}/raw"]'
    assert counting.settings.cargo_args == ("-Zx", "--config", flags)
    made = optimised(build, Path("/p/0f.profdata"))
    assert made.id == build.id
    assert made.settings.cargo_args[-1] == 'target.x86_64-unknown-linux-gnu.rustflags=["-Cprofile-use=/p/0f.profdata"]'


@pytest.mark.parametrize(
    ("environ", "env", "joined"),
    [
        ({"RUSTFLAGS": "-Ca  -Cb"}, {}, "-Ca\x1f-Cb\x1f-Cx"),
        ({"CARGO_ENCODED_RUSTFLAGS": "-Ca b", "RUSTFLAGS": "-Cz"}, {}, "-Ca b\x1f-Cx"),
        ({"RUSTFLAGS": "-Ca"}, {"RUSTFLAGS": "-Cown"}, "-Cown\x1f-Cx"),
    ],
)
def test_flags_of_the_environment_are_kept(
    make_build: BuildFactory, environ: dict[str, str], env: dict[str, str | None], joined: str
) -> None:
    build = _with_flag(make_build(settings=Settings(env=env)), "-Cx", environ)
    assert build.settings.env["CARGO_ENCODED_RUSTFLAGS"] == joined
    assert build.settings.cargo_args == ()


def test_they_share_no_seed(bench: Bench, make_build: BuildFactory) -> None:
    builds = [make_build(name, pyo3_config="x", settings=Settings(pgo=True)) for name in ("a", "b")]
    lanes = {build.id: bench.workshop.lane(build.id) for build in builds}
    assert find_seeds(builds, lanes) == ()
    assert find_seeds([msgspec.structs.replace(one, settings=Settings()) for one in builds], lanes) != ()
