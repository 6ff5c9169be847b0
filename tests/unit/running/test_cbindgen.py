"""A cbindgen of our own: where one is looked for, how it is installed, and that it is installed once."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
import pytest

from matrix.driver import Host
from matrix.events import Bus, PrepareStarted
from matrix.model import Build, Target
from matrix.running import preparing
from matrix.running.bench import Bench
from matrix.running.cbindgen import find_cbindgen, install_step
from matrix.running.jobserver import open_pool
from matrix.running.lanes import Workshop

posix = pytest.mark.skipif(sys.platform == "win32", reason="a cargo that is a script")

FAKE_CARGO = f"""#!{sys.executable}
import json, os, pathlib, sys
said = dict(zip(sys.argv[1:], sys.argv[2:]))
work = pathlib.Path(said["--target-dir"])
work.mkdir(parents=True)  # fails where another is at it
(work / "half").touch()
seen = {{"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd()}}
with open(os.environ["SEEN"], "a") as file:
    file.write(json.dumps(seen) + "\\n")
if os.environ.get("BREAKS"):
    sys.exit("error: no network")
program = pathlib.Path(said["--root"], "bin", "cbindgen")
program.parent.mkdir(parents=True)
program.write_text("#!/bin/sh\\n")
program.chmod(0o755)
"""


class Call(msgspec.Struct):
    """How cargo was called."""

    argv: list[str]
    env: dict[str, str]
    cwd: str


@pytest.fixture
def host(linux: Target) -> Host:
    return Host(target=linux, glibc=(2, 36))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without cbindgen, whose cargo writes down how it is called."""
    for name in ("bin", "root", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "root" / "Cargo.toml").write_text("[package]")
    put(tmp_path / "bin" / "cargo", FAKE_CARGO)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    return tmp_path


def put(path: Path, text: str = "") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def prepare(machine: Path, host: Host, builds: list[Build], bus: Bus | None = None) -> dict[str, str | None]:
    """Prepare builds and return why each cannot be made."""
    workshop = Workshop(machine / "target" / "wheelmatrix")
    workshop.prepare()
    with open_pool(2) as pool:
        bench = Bench(
            root=machine / "root",
            workshop=workshop,
            target_dir=machine / "target",
            drivers={},
            pool=pool,
            bus=bus or Bus(),
            host=host,
            cache=machine / "cache",
            cargo=str(machine / "bin" / "cargo"),
        )
        failed = await preparing.prepare(builds, bench)
        assert pool.held == 0
    return {name: outcome.reason for name, outcome in failed.items()}


def seen(machine: Path) -> list[Call]:
    return [msgspec.json.decode(line, type=Call) for line in (machine / "seen").read_text().splitlines()]


@posix
def test_the_users_own_is_called_before_one_that_was_installed_for_him(tmp_path: Path, host: Host) -> None:
    environ = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path / "home")}
    step = install_step((), cache=tmp_path / "cache", host=host, cargo="cargo", jobs=2, environ={})
    assert find_cbindgen(tmp_path / "cache", host, environ) is None
    for path in (Path(step.leaves), tmp_path / "home" / ".cargo" / "bin" / "cbindgen", tmp_path / "bin" / "cbindgen"):
        assert find_cbindgen(tmp_path / "cache", host, environ) != str(path)
        assert find_cbindgen(tmp_path / "cache", host, {**environ, "WHERE": put(path)}) == str(path)


def test_another_c_library_has_another_one(tmp_path: Path, host: Host) -> None:
    hosts = (host, Host(target=host.target, glibc=(2, 28)), Host(target=host.target))
    steps = [install_step((), cache=tmp_path, host=one, cargo="cargo", jobs=2, environ={}) for one in hosts]
    assert len({step.leaves for step in steps}) == 3


@posix
async def test_it_is_installed_once_however_many_begin_together(
    machine: Path, host: Host, make_build: Callable[..., Build]
) -> None:
    started: list[str] = []
    bus = Bus([lambda event: started.append(event.what) if isinstance(event, PrepareStarted) else None])
    builds = [make_build(bindings="cffi", interpreter=None)]
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(prepare, machine, host, builds, bus)
    assert started == ["cbindgen 0.29.2 for cffi bindings"] * 3, "each of them may have to wait for it"
    assert await prepare(machine, host, builds, bus) == {}
    assert len(started) == 3
    (call,) = seen(machine)
    assert call.argv[:5] == ["install", "cbindgen", "--version", "=0.29.2", "--locked"]
    assert call.cwd == str(machine / "root"), "whose toolchain compiles it"
    assert call.env["CARGO_MAKEFLAGS"].startswith("-j --jobserver-fds=")
    assert [path.name for path in (machine / "cache" / "tools").iterdir()] == [
        "cbindgen-0.29.2-x86_64-unknown-linux-gnu.2.36"
    ], "nothing half-made is left"


@posix
async def test_what_the_environment_says_of_the_project_does_not_count(
    machine: Path, host: Host, make_build: Callable[..., Build], monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = {"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL"}
    dropped |= {"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_PROFILE_DEV_LTO"}
    kept = {"RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER", "CARGO_HTTP_PROXY"}
    for name in dropped | kept:
        monkeypatch.setenv(name, "word")
    monkeypatch.setenv("CARGO_PROFILE_RELEASE_LTO", "fat")
    await prepare(machine, host, [make_build(bindings="cffi")])
    (call,) = seen(machine)
    assert (dropped | kept) & call.env.keys() == kept
    assert call.env["CARGO_PROFILE_RELEASE_LTO"] == "off"
    assert call.argv[7:11] == [
        "--target",
        "x86_64-unknown-linux-gnu",
        "--target-dir",
        str(machine / "cache" / "tools" / "cbindgen-0.29.2-x86_64-unknown-linux-gnu.2.36.work"),
    ]


@posix
async def test_one_that_cannot_be_installed_costs_the_builds_that_need_it(
    machine: Path, host: Host, make_build: Callable[..., Build], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BREAKS", "1")
    failed = await prepare(machine, host, [make_build("a", bindings="cffi"), make_build("b")])
    assert failed == {"a": "cbindgen 0.29.2 for cffi bindings: no network"}
    log = machine / "target" / "wheelmatrix" / "logs" / preparing.LOG
    assert log.read_text() == "$ cbindgen 0.29.2 for cffi bindings\nerror: no network\n"
    assert not list((machine / "cache").rglob("half"))


@posix
@pytest.mark.parametrize("why", ["here", "offline", "header", "build script", "another kind"])
async def test_nothing_is_installed_where_nothing_is_known_to_need_it(
    machine: Path, host: Host, make_build: Callable[..., Build], why: str
) -> None:
    if why == "here":
        put(machine / "bin" / "cbindgen")
    elif why == "offline":
        host = Host(target=host.target, cargo_offline=True)
    elif why == "header":
        (machine / "target" / "header.h").touch()
    elif why == "build script":
        (machine / "root" / "build.rs").touch()
    bindings = "uniffi" if why == "another kind" else "cffi"
    assert await prepare(machine, host, [make_build(bindings=bindings)]) == {}
    assert not (machine / "seen").exists()
