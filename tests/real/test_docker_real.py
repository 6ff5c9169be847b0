"""Builds in containers: real images, a real engine; what comes back, what is left behind, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.foreign import Foreign
from support.projects import copy_project
from support.provision import provide
from support.reports import read_report
from support.tools import TOP, Ran, clean_environment, find_python, need, run

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="containers of Linux"),
]
HIDDEN = "no-log-may-hold-this"
NATIVE, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
Image = Callable[[str], str]
Wheelmatrix = Callable[..., Ran]


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a container behind, whatever happened in it."""
    yield
    assert _containers(tmp_path) == []


def _containers(folder: Path) -> list[str]:
    """Names of our containers that were given something of a folder: other runs have their own."""
    listed = [need("docker"), "ps", "-a", "--no-trunc", "--filter", "label=wheelmatrix"]
    lines = run([*listed, "--format", "{{.Names}} {{.Mounts}}"], cwd=TOP, check=True).stdout.splitlines()
    return [line.split()[0] for line in lines if str(folder) in line]


def _configure(root: Path, image: str, *, target: str = NATIVE, docker: str = "", row: str = "") -> Path:
    path = root / "pyproject.toml"
    table = f"""
[tool.wheelmatrix.docker]
pull = "never"
{docker}

[[tool.wheelmatrix.overrides]]
select = {{ target = "{target}" }}
image = "{image}"
{row}
"""
    path.write_text(path.read_text(encoding="utf-8") + table, encoding="utf-8")
    return root


def _report(root: Path) -> dict[str, Any]:
    return read_report(root / "target" / "wheels" / "report.json")


def _log(root: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in (root / "target" / "wheelmatrix" / "logs").iterdir())


def test_an_older_image_earns_an_older_level_and_one_j_holds(
    wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path
) -> None:
    root = _configure(
        copy_project("hello-pyo3", tmp_path), docker_image("bullseye"), docker='env = ["WHEELMATRIX_TEST_SECRET"]'
    )
    counted: list[int] = []
    words = [need("wheelmatrix"), "build", "-j", "2", "-i", *map(str, (find_python("3.11"), find_python("3.12")))]
    env = clean_environment({"WHEELMATRIX_TEST_SECRET": HIDDEN})
    with subprocess.Popen(words, cwd=root, env=env, stdout=subprocess.PIPE, text=True) as child:
        while child.poll() is None:
            counted.append(_compilers())
            time.sleep(0.02)
        out = child.stdout.read() if child.stdout else ""
    assert child.returncode == 0
    assert 1 <= max(counted) <= 2, "-j 2 is two rustc over all containers"
    wheels = [root / line for line in out.splitlines()]
    assert len(wheels) == 2
    for wheel in wheels:
        shown = json.loads(run([need("auditwheel"), "show", "--json", wheel], cwd=root, check=True).stdout)
        level = re.fullmatch(r"manylinux_2_(\d+)_x86_64", shown["overall_tag"])
        assert level is not None
        assert int(level[1]) <= 31
        assert "manylinux_" in wheel.name, "what is weak in it is flagged so, and a lower level earned"
        assert wheel.stat().st_uid == os.getuid()
    report = _report(root)
    assert {build["driver"] for build in report["builds"]} == {"docker"}
    for build in report["builds"]:
        assert build["crates"]["fresh"] > build["crates"]["compiled"] > 0, "what needs no Python came from the seed"
        assert "--rm" in build["command"]
    owners = {path.stat().st_uid for path in (root / "target").rglob("*")}
    assert owners == {os.getuid()}
    for text in (json.dumps(report), _log(root)):
        assert HIDDEN not in text
    again = wheelmatrix("build", "-i", find_python("3.11"), find_python("3.12"), cwd=root)
    assert again.exit == 0, str(again)
    assert {cell["status"] for cell in _report(root)["cells"]} == {"reused"}


def _compilers() -> int:
    """Count rustc processes that compile for a lane in a container, at one moment."""
    found = 0
    for process in psutil.process_iter(["name", "cmdline"]):
        argv = process.info["cmdline"] or []
        if (
            argv
            and Path(argv[0]).name == "rustc"
            and "--emit" in " ".join(argv)
            and "/wheelmatrix/lane/" in " ".join(argv)
        ):
            found += _parent(process) != "rustc"  # what a rustc starts is a linker that has not begun to be one
    return found


def _parent(process: psutil.Process) -> str:
    try:
        parent = process.parent()
        return parent.name() if parent is not None else ""
    except psutil.Error:
        return ""


def test_a_cross_image_compiles_for_another_processor(
    wheelmatrix: Wheelmatrix,
    docker_image: Image,
    cross_env: dict[str, str],
    foreign_python: Callable[[str], Foreign],
    tmp_path: Path,
) -> None:
    root = _configure(copy_project("ffi-only", tmp_path), docker_image("cross-aarch64"), target=ARM)
    ran = wheelmatrix("build", "-i", find_python("3.11"), "--target", ARM, cwd=root, env=cross_env)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert "aarch64" in wheel.name
    folder = tmp_path / "unpacked"
    shutil.unpack_archive(wheel, folder, "zip")
    assert foreign_python("arm64").ask("import ffi_only; print(ffi_only.__name__)", folder) == "ffi_only"


def test_interpreters_of_the_image_are_used_and_before_all_runs_once(
    wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path
) -> None:
    root = _configure(
        copy_project("ffi-only", tmp_path),
        docker_image("manylinux"),
        docker='before-all = "echo made-before-all > /etc/wheelmatrix-test"',
    )
    script = (
        'fn main() {\n    println!("cargo:warning=python {}", std::env::var("PYO3_PYTHON").unwrap_or_default());\n'
        '    println!("cargo:warning=file {}", std::fs::read_to_string("/etc/wheelmatrix-test").unwrap().trim());\n}\n'
    )
    (root / "build.rs").write_text(script, encoding="utf-8")
    ran = wheelmatrix("build", "-i", "3.12", "--no-seed", cwd=root)
    assert ran.exit == 0, str(ran)
    log = _log(root)
    assert "python /opt/python/cp312-cp312/bin/python" in log
    assert "file made-before-all" in log
    assert "before-all in" in ran.stderr


def test_what_is_stopped_leaves_no_container(wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path) -> None:
    root = _configure(copy_project("hello-pyo3", tmp_path), docker_image("bullseye"))
    ran = wheelmatrix("build", "-i", "3.12", "--timeout", "3s", cwd=root)
    assert ran.exit == 1
    (cell,) = _report(root)["cells"]
    assert cell["status"] == "failed"
    assert "timed out after 3 s" in cell["reason"]
    assert _containers(tmp_path) == []

    shutil.rmtree(root / "target")
    words = [need("wheelmatrix"), "build", "-i", "3.12"]
    with subprocess.Popen(words, cwd=root, env=clean_environment(), stdout=subprocess.DEVNULL) as child:
        _wait_for(lambda: bool(_containers(tmp_path)))
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 130
    assert _containers(tmp_path) == []
    assert _report(root)["interrupted"] is True

    shutil.rmtree(root / "target")
    with subprocess.Popen(words, cwd=root, env=clean_environment(), stdout=subprocess.DEVNULL) as child:
        _wait_for(lambda: any(name.startswith("wheelmatrix-run") for name in _containers(tmp_path)))
        run([need("docker"), "kill", *_containers(tmp_path)], cwd=root)
        assert child.wait(timeout=60) == 1
    (cell,) = _report(root)["cells"]
    assert cell["status"] == "failed"
    assert cell["hint"]


def _wait_for(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


def test_podman_does_as_well(wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    podman = need("podman")
    (image,) = provide("image", "bullseye", "podman")
    # runc and these limits work in virtual machines too, where podman's defaults may not
    settings = tmp_path / "containers.conf"
    settings.write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\n',
        encoding="utf-8",
    )
    env = {"CONTAINERS_CONF": str(settings)}
    root = _configure(copy_project("ffi-only", tmp_path), f"localhost/{image}", docker='engine = "podman"')
    ran = wheelmatrix("build", "-i", "3.9", "3.12", cwd=root, env=env)
    assert ran.exit == 0, str(ran)
    assert len(ran.wheels) == 2
    assert {Path(build["command"][0]).name for build in _report(root)["builds"]} == {"podman"}

    def running() -> list[str]:
        listed = [podman, "ps", "-a", "--filter", "label=wheelmatrix", "--format", "{{.Names}}"]
        return run(listed, cwd=TOP, env=env, check=True).stdout.split()

    assert running() == []
    shutil.rmtree(root / "target")
    words = [need("wheelmatrix"), "build", "-i", "3.12"]
    with subprocess.Popen(words, cwd=root, env=clean_environment(env), stdout=subprocess.DEVNULL) as child:
        _wait_for(lambda: any(name.startswith("wheelmatrix-run") for name in running()))
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 130
    assert running() == []


def test_a_container_out_of_memory_says_so(wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path) -> None:
    root = _configure(
        copy_project("hello-pyo3", tmp_path),
        docker_image("bullseye"),
        docker='run-args = ["--memory=40m", "--memory-swap=40m"]',
    )
    ran = wheelmatrix("build", "-i", "3.12", cwd=root)
    assert ran.exit == 1
    (cell,) = _report(root)["cells"]
    assert "memory" in f"{cell['reason']} {cell['hint']}", cell


def test_a_missing_image_costs_its_own_cells(
    wheelmatrix: Wheelmatrix, cross_env: dict[str, str], tmp_path: Path
) -> None:
    root = _configure(copy_project("ffi-only", tmp_path), "wheelmatrix-test/there-is-none:1", target=ARM)
    ran = wheelmatrix("build", "-i", find_python("3.12"), "--target", NATIVE, "--target", ARM, cwd=root, env=cross_env)
    assert ran.exit == 1
    cells = {cell["target"]: cell for cell in _report(root)["cells"]}
    assert cells[NATIVE]["status"] == "built"
    assert cells[ARM]["status"] == "failed"
    assert "there-is-none" in cells[ARM]["reason"]
    assert "pull" in cells[ARM]["hint"]


def test_an_engine_that_does_not_answer_is_named(wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path) -> None:
    root = _configure(copy_project("ffi-only", tmp_path), docker_image("bullseye"))
    env = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    ran = wheelmatrix("build", "-i", "3.12", cwd=root, env=env)
    assert ran.exit != 0
    assert "docker does not answer" in ran.stderr
    assert "systemctl start docker" in ran.stderr


def test_our_image_builds_a_project_with_one_command(docker_image: Image, tmp_path: Path) -> None:
    docker, context = need("docker"), tmp_path / "context"
    shutil.copytree(TOP / "drivers" / "container", context)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "wheel", "-q", "--no-deps", "-w", context / "wheels", TOP], cwd=tmp_path, check=True)
    (own,) = (context / "wheels").glob("wheelmatrix-*.whl")
    wanted = ["--python-version", "3.11", "--only-binary=:all:", "--platform", "manylinux_2_17_x86_64"]
    wanted += ["--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64"]
    run([*pip, "download", "-q", "-d", context / "wheels", *wanted, own], cwd=tmp_path, check=True)
    tag = "wheelmatrix-test/ours:1"
    arguments = [f"BASE={docker_image('bookworm')}", "PYTHON=/usr/bin/python3", "RUST=", "PIP_ARGS=--no-index"]
    flags = [word for one in arguments for word in ("--build-arg", one)]
    run([docker, "build", "-t", tag, *flags, context], cwd=tmp_path, env={"DOCKER_BUILDKIT": "0"}, check=True)
    shown = [docker, "image", "inspect", "--format", "{{.Config.WorkingDir}} {{.Config.Entrypoint}}", tag]
    assert run(shown, cwd=tmp_path, check=True).stdout.split() == ["/io", "[/opt/wheelmatrix/bin/wheelmatrix]"]

    root = copy_project("ffi-only", tmp_path)
    run([need("cargo"), "fetch"], cwd=root, check=True)
    rust = run([need("rustc"), "--print", "sysroot"], cwd=root, check=True).stdout.strip()
    crates = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "registry"
    mounts = ["-v", f"{root}:/io", "-v", f"{rust}:/root/.cargo:ro", "-v", f"{crates}:/crates/registry"]
    given = ["-e", "CARGO_HOME=/crates", "--network", "none", "--label", "wheelmatrix"]
    ran = run([docker, "run", "--rm", *mounts, *given, tag, "build", "--release", "--offline"], cwd=root, check=True)
    (wheel,) = ran.wheels
    assert "-cp311-cp311-manylinux" in wheel.name
    assert wheel.is_file()
