"""What becomes of cells that two builds make together."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.driving import HOST
from support.natives import Dylib

from matrix.archives import Contents, CoreMetadata, Entry, Layout, wheel_problems
from matrix.auditing.macho import read_macho
from matrix.events import Bus, CellEnded, Event
from matrix.model import Artifact, Build, Cell, Compatibility, Interpreter, Outcome, Plan, Settings
from matrix.platforms import parse_target
from matrix.running.bench import Bench
from matrix.running.finish import Finisher
from matrix.running.ingredients import Ingredients
from matrix.running.jobserver import open_pool
from matrix.running.lanes import Workshop
from matrix.running.run import _fail_cells

BuildFactory = Callable[..., Build]
INTEL, ARM, BOTH = "cp312-x86_64-apple-darwin", "cp312-aarch64-apple-darwin", "cp312-universal2-apple-darwin"
UNIVERSAL = "hello-1.0-cp312-cp312-macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64.whl"
SINGLE = "hello-1.0-cp312-cp312-macosx_11_0_arm64.whl"
EXPORTS = ["_PyInit_hello"]


class Shop:
    """A project for both kinds of Mac, with a wheel for arm64 alone beside."""

    def __init__(self, folder: Path, make_build: BuildFactory, python: Interpreter) -> None:
        self.out = folder / "wheels"
        self.out.mkdir()
        self.folder = folder
        self.workshop = Workshop(folder / "target" / "wheelmatrix")
        self.workshop.prepare()
        interpreter = msgspec.structs.replace(python, ext_suffix=".cpython-312-darwin.so")
        self.binaries = {
            INTEL: Dylib(arch="x86_64", minimum=(10, 12), exports=EXPORTS).data,
            ARM: Dylib(exports=EXPORTS).data,
        }
        self.builds = {
            name: make_build(name, target=parse_target(name.partition("-")[2]), interpreter=interpreter, cells=cells)
            for name, cells in ((INTEL, (BOTH,)), (ARM, (BOTH, ARM)))
        }
        common: dict[str, Any] = {
            "interpreter": interpreter,
            "compatibility": Compatibility(family="auto"),
            "python_tag": "cp312",
            "abi_tag": "cp312",
        }
        both = Cell(
            id=BOTH, target=parse_target(BOTH.partition("-")[2]), build=INTEL, joined=(ARM,), file=UNIVERSAL, **common
        )
        arm = Cell(id=ARM, target=self.builds[ARM].target, build=ARM, file=SINGLE, **common)
        self.plan = Plan(
            project="hello", version="1.0", bindings="pyo3", cells=(both, arm), builds=tuple(self.builds.values())
        )
        self.ingredients = Ingredients(
            metadata=CoreMetadata(name="hello", version="1.0", distribution="hello-1.0", text="Name: hello\n"),
            layout=Layout(
                root=folder, module="hello", directory="hello", top="hello", crate="hello", python_source=folder
            ),
            contents=Contents((Entry("hello/__init__.py", b""),)),
            out=self.out,
        )
        self.events: list[Event] = []

    def run(self) -> Finisher:
        """Return the finisher of a new run."""
        self.events.clear()
        return Finisher(self.ingredients, self.plan, self.workshop, Bus([self.events.append]))

    async def end(self, finisher: Finisher, name: str, *, compiled: int = 0) -> list[CellEnded]:
        """End one build well and return which cells that ended."""
        before = len(self.events)
        staged = self.workshop.staging / name
        staged.mkdir(parents=True, exist_ok=True)
        module = staged / "libhello.dylib"
        module.write_bytes(self.binaries[name])
        artifact = Artifact(path=str(module), kind="cdylib", crate="hello")
        outcome = Outcome(build=name, status="ok", compiled=compiled, artifacts=(artifact,))
        await finisher.finish(self.builds[name], outcome)
        return [event for event in self.events[before:] if isinstance(event, CellEnded)]


@pytest.fixture
def shop(tmp_path: Path, make_build: BuildFactory, cp312: Interpreter) -> Shop:
    return Shop(tmp_path, make_build, cp312)


@pytest.mark.parametrize("order", [(INTEL, ARM), (ARM, INTEL)])
async def test_a_cell_ends_when_the_last_of_its_builds_does(shop: Shop, order: tuple[str, str]) -> None:
    finisher = shop.run()
    ends = [await shop.end(finisher, name, compiled=1) for name in order]
    first = {ARM} if order[0] == ARM else set()
    assert [{end.cell for end in some} for some in ends] == [first, {BOTH, ARM} - first]
    by_cell = {end.cell: end for some in ends for end in some}
    assert {name: end.status for name, end in by_cell.items()} == {BOTH: "built", ARM: "built"}
    assert sorted(path.name for path in shop.out.iterdir()) == sorted([UNIVERSAL, SINGLE])
    assert wheel_problems(shop.out / UNIVERSAL) == ()
    verdict = by_cell[BOTH].verdict
    assert verdict is not None
    assert (verdict.overall_tag, verdict.findings) == ("macosx_10_12_universal2", ())
    with zipfile.ZipFile(shop.out / UNIVERSAL) as archive:
        module = read_macho("hello", archive.read("hello/hello.cpython-312-darwin.so"))
    assert [one.arch for one in module.slices] == ["x86_64", "arm64"]
    assert {wheel.file for wheel in finisher.wheels} == {UNIVERSAL, SINGLE}


async def test_one_build_alone_leaves_the_other_s_cells_be(shop: Shop) -> None:
    finisher = shop.run()
    (end,) = await shop.end(finisher, ARM, compiled=1)
    assert (end.cell, end.status) == (ARM, "built")
    assert [path.name for path in shop.out.iterdir()] == [SINGLE]


async def test_nothing_changed_is_reused_and_one_compiled_slice_is_not(shop: Shop) -> None:
    statuses = []
    for compiled in ((1, 1), (0, 0), (0, 1), (0, 0)):
        finisher = shop.run()
        ends = [
            end
            for name, count in zip((INTEL, ARM), compiled, strict=True)
            for end in await shop.end(finisher, name, compiled=count)
        ]
        statuses.append({end.cell: end.status for end in ends}[BOTH])
    assert statuses == ["built", "reused", "built", "reused"]
    shop.binaries[INTEL] = Dylib(arch="x86_64", minimum=(10, 12), exports=[*EXPORTS, "_more"]).data
    finisher = shop.run()
    await shop.end(finisher, ARM)
    (end,) = await shop.end(finisher, INTEL)
    assert end.status == "built", "cargo may say fresh, the bytes decide"


async def test_a_slice_that_does_not_fit_fails_the_joint_cell_alone(shop: Shop) -> None:
    shop.binaries[INTEL] = Dylib(exports=EXPORTS).data
    finisher = shop.run()
    (arm,) = await shop.end(finisher, ARM, compiled=1)
    (both,) = await shop.end(finisher, INTEL, compiled=1)
    assert (arm.status, both.status) == ("built", "failed")
    assert "are for one architecture" in both.reason
    shop.binaries[INTEL] = Dylib(arch="x86_64", minimum=(10, 15), exports=EXPORTS).data
    finisher = shop.run()
    await shop.end(finisher, ARM, compiled=1)
    (both,) = await shop.end(finisher, INTEL, compiled=1)
    assert (both.status, both.reason) == ("failed", "needs macOS 10.15 on x86_64, the tag says 10.12")


async def test_each_slice_may_have_a_deployment_target_of_its_own(shop: Shop) -> None:
    for name, version in ((INTEL, "10.15"), (ARM, "12.0")):
        settings = Settings(env={"MACOSX_DEPLOYMENT_TARGET": version, "OTHER": "x"})
        shop.builds[name] = msgspec.structs.replace(shop.builds[name], settings=settings)
    shop.binaries[INTEL] = Dylib(arch="x86_64", minimum=(10, 15), exports=EXPORTS).data
    finisher = shop.run()
    await shop.end(finisher, ARM, compiled=1)
    (both,) = await shop.end(finisher, INTEL, compiled=1)
    assert both.wheel is not None
    assert both.wheel.file == UNIVERSAL.replace("10_12", "10_15").replace("11_0", "12_0")


def test_a_cell_is_failed_once_by_the_builds_that_it_needs(shop: Shop) -> None:
    ends: list[Event] = []
    with open_pool(2) as pool:
        bench = Bench(
            root=shop.folder,
            workshop=shop.workshop,
            drivers={},
            pool=pool,
            bus=Bus([ends.append]),
            host=HOST,
            cache=shop.folder,
        )
        for name in (ARM, INTEL):
            _fail_cells(shop.builds[name], Outcome(build=name, status="failed", reason=f"{name} broke"), bench)
    told = [(end.cell, end.build, end.reason) for end in ends if isinstance(end, CellEnded)]
    assert told == [(BOTH, ARM, f"{ARM} broke"), (ARM, ARM, f"{ARM} broke")]
