"""What the finisher makes of an outcome, and when it may say that a wheel is the old one."""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from msgspec.structs import replace
from support.elf import Elf, Symbol

from matrix.archives import Contents, CoreMetadata, Entry, Layout, wheel_problems, write_wheel
from matrix.events import AuditEnded, AuditStarted, Bus, CellEnded, Event, Note
from matrix.model import Artifact, Build, Cell, Compatibility, Interpreter, Outcome, Plan, Target
from matrix.running import packing
from matrix.running.finish import Finisher
from matrix.running.ingredients import Ingredients
from matrix.running.lanes import Workshop
from matrix.running.state import read_state

BuildFactory = Callable[..., Build]
AUTO = Compatibility(family="auto")


def module(glibc: str) -> bytes:
    """An extension module that needs this glibc."""
    symbol = Symbol("memcpy", version=f"libc.so.6:GLIBC_{glibc}")
    symbols = [symbol, Symbol("PyInit_hello", defined=True)]
    return Elf(needed=["libc.so.6"], needs={"libc.so.6": [f"GLIBC_{glibc}"]}, symbols=symbols).data


class Shop:
    """A project, its out directory, and finishers for runs over it."""

    def __init__(self, folder: Path, build: Build, interpreter: Interpreter, target: Target) -> None:
        self.out = folder / "wheels"
        self.out.mkdir()
        self.workshop = Workshop(folder / "target" / "wheelmatrix")
        self.workshop.prepare()
        self.binary = folder / "libhello.so"
        self.binary.write_bytes(module("2.28"))
        self.build = build
        self.interpreter = interpreter
        self.target = target
        self.events: list[Event] = []
        self.ingredients = Ingredients(
            metadata=CoreMetadata(
                name="hello", version="1.0", distribution="hello-1.0", text="Metadata-Version: 2.4\nName: hello\n"
            ),
            layout=Layout(
                root=folder, module="hello", directory="hello", top="hello", crate="hello", python_source=folder
            ),
            contents=Contents((Entry("hello/__init__.py", b"from .hello import *\n"),)),
            out=self.out,
        )

    def cell(self, level: Compatibility = AUTO, **changes: object) -> Cell:
        suffix = "" if level == AUTO else f"-{level}"
        fields: dict[str, object] = {
            "id": f"{self.build.id}{suffix}",
            "interpreter": self.interpreter,
            "target": self.target,
            "compatibility": level,
            "build": self.build.id,
            "python_tag": "cp312",
            "abi_tag": "cp312",
            "file": "hello-1.0-cp312-cp312-*_x86_64.whl",
        }
        return Cell(**{**fields, **changes})  # type: ignore[arg-type]

    async def run(
        self,
        *cells: Cell,
        compiled: int = 0,
        ingredients: Ingredients | None = None,
        build: Build | None = None,
        finisher: Finisher | None = None,
    ) -> list[CellEnded]:
        """Finish one outcome as a run of its own and return how its cells ended."""
        self.events.clear()
        chosen = cells or (self.cell(),)
        made = msgspec.structs.replace(build or self.build, cells=tuple(cell.id for cell in chosen))
        plan = Plan(project="hello", version="1.0", bindings="pyo3", cells=chosen, builds=(made,))
        bus = Bus([self.events.append])
        staged = self.workshop.staging / made.id
        staged.mkdir(parents=True, exist_ok=True)
        copy = Path(shutil.copy(self.binary, staged / "libhello.so"))
        outcome = Outcome(
            build=made.id,
            status="ok",
            compiled=compiled,
            fresh=3,
            artifacts=(Artifact(path=str(copy), kind="cdylib", crate="hello"),),
        )
        worker = finisher or Finisher(ingredients or self.ingredients, plan, self.workshop, bus)
        await worker.finish(made, outcome)
        return [event for event in self.events if isinstance(event, CellEnded)]


@pytest.fixture
def shop(tmp_path: Path, make_build: BuildFactory, cp312: Interpreter, linux: Target) -> Shop:
    return Shop(tmp_path, make_build(), cp312, linux)


async def test_a_good_binary_becomes_a_wheel_with_the_best_tag(shop: Shop) -> None:
    (end,) = await shop.run(compiled=3)
    assert end.status == "built"
    assert end.wheel is not None
    assert end.wheel.file == "hello-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert wheel_problems(shop.out / end.wheel.file) == ()
    assert [path.name for path in shop.out.iterdir()] == [end.wheel.file]
    assert [type(event) for event in shop.events] == [AuditStarted, AuditEnded, CellEnded]


async def test_nothing_changed_is_reused_and_neither_audited_nor_written(shop: Shop) -> None:
    (first,) = await shop.run(compiled=3)
    assert first.wheel is not None
    before = (shop.out / first.wheel.file).stat()
    (second,) = await shop.run()
    assert (second.status, second.wheel, second.verdict) == ("reused", first.wheel, first.verdict)
    assert [type(event) for event in shop.events] == [CellEnded]
    after = (shop.out / first.wheel.file).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


async def test_one_compiled_crate_is_no_reuse_even_when_the_bytes_are_the_same(shop: Shop) -> None:
    await shop.run(compiled=3)
    (end,) = await shop.run(compiled=1)
    assert end.status == "built"


@pytest.mark.parametrize("change", ["binary", "python", "metadata", "wheel", "gone", "time", "audit", "asked not to"])
async def test_any_change_is_built_again(shop: Shop, change: str) -> None:
    (first,) = await shop.run(compiled=3)
    assert first.wheel is not None
    path = shop.out / first.wheel.file
    given = shop.ingredients
    match change:
        case "binary":
            shop.binary.write_bytes(module("2.27"))
        case "python":
            given = replace(given, contents=Contents((Entry("hello/__init__.py", b"# new\n"),)))
        case "metadata":
            given = replace(given, metadata=replace(given.metadata, text="Metadata-Version: 2.4\nName: hello\nA: b\n"))
        case "wheel":
            path.write_bytes(path.read_bytes() + b"x")
        case "gone":
            path.unlink()
        case "time":
            given = replace(given, modified=(2020, 1, 1, 0, 0, 0))
        case "audit":
            given = replace(given, audit="skip")
        case _:
            given = replace(given, reuse=False)
    (end,) = await shop.run(ingredients=given)
    assert end.status == "built"
    assert end.wheel is not None
    assert wheel_problems(shop.out / end.wheel.file) == ()
    if change in {"wheel", "gone", "asked not to"}:
        assert end.wheel == first.wheel


async def test_a_file_that_changes_while_it_is_packed_is_never_taken_for_packed(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "data.py"
    source.write_text("OLD = 1\n")
    given = replace(shop.ingredients, contents=Contents((Entry("hello/data.py", source),)))
    real = write_wheel

    def edited_meanwhile(*args: Any, **named: Any) -> Any:
        wheel = real(*args, **named)
        source.write_text("NEW = 1\n")
        return wheel

    monkeypatch.setattr(packing, "write_wheel", edited_meanwhile)
    (first,) = await shop.run(compiled=1, ingredients=given)
    monkeypatch.setattr(packing, "write_wheel", real)
    (second,) = await shop.run(ingredients=given)
    assert (first.status, second.status) == ("built", "built")
    assert second.wheel is not None
    with zipfile.ZipFile(shop.out / second.wheel.file) as archive:
        assert archive.read("hello/data.py") == b"NEW = 1\n"


async def test_a_state_that_cannot_be_written_costs_only_the_next_reuse(shop: Shop) -> None:
    shop.workshop.state(shop.build.id).mkdir(parents=True)
    (end,) = await shop.run(compiled=1)
    assert end.status == "built"
    (note,) = [event for event in shop.events if isinstance(event, Note)]
    assert "cannot be written" in note.text
    (again,) = await shop.run()
    assert again.status == "built"


async def test_a_library_that_lies_beside_the_module_counts_too(shop: Shop, tmp_path: Path) -> None:
    library = tmp_path / "libhelper.so"
    library.write_bytes(module("2.34"))
    shop.binary.write_bytes(module("2.17"))
    given = replace(shop.ingredients, contents=Contents((Entry("hello/libhelper.so", library),)))
    (end,) = await shop.run(compiled=1, ingredients=given)
    assert end.wheel is not None
    assert "manylinux_2_34" in end.wheel.file
    low = Compatibility(family="manylinux", version=(2, 17))
    (asked,) = await shop.run(shop.cell(low), compiled=1, ingredients=given)
    assert asked.status == "failed"


async def test_a_level_that_is_not_met_fails_that_cell_alone(shop: Shop) -> None:
    low = Compatibility(family="manylinux", version=(2, 17))
    high = Compatibility(family="manylinux", version=(2, 31))
    ends = {end.cell: end for end in await shop.run(shop.cell(low), shop.cell(high), compiled=1)}
    failed, good = ends.values()
    assert failed.status == "failed"
    assert failed.reason == "asked for manylinux_2_17, needs glibc 2.28"
    assert "memcpy@GLIBC_2.28" in failed.details
    assert failed.hint is not None
    assert good.status == "built"
    assert good.wheel is not None
    assert good.wheel.file == "hello-1.0-cp312-cp312-manylinux_2_31_x86_64.whl"
    assert len([event for event in shop.events if isinstance(event, AuditEnded)]) == 1


async def test_warn_gives_the_level_that_is_met(shop: Shop) -> None:
    low = Compatibility(family="manylinux", version=(2, 17))
    (end,) = await shop.run(shop.cell(low), compiled=1, ingredients=replace(shop.ingredients, audit="warn"))
    assert end.status == "built"
    assert end.wheel is not None
    assert "manylinux_2_28" in end.wheel.file
    (note,) = [event for event in shop.events if isinstance(event, Note)]
    assert note.text == "asked for manylinux_2_17, needs glibc 2.28"


async def test_skip_trusts_the_level_asked_for_and_claims_nothing_by_itself(shop: Shop) -> None:
    skip = replace(shop.ingredients, audit="skip")
    low = Compatibility(family="manylinux", version=(2, 17))
    (asked,) = await shop.run(shop.cell(low), compiled=1, ingredients=skip)
    assert asked.wheel is not None
    assert asked.wheel.file == "hello-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
    (auto,) = await shop.run(compiled=1, ingredients=skip)
    assert auto.wheel is not None
    assert auto.wheel.file == "hello-1.0-cp312-cp312-linux_x86_64.whl"


async def test_a_weak_version_above_the_level_is_flagged_in_a_copy_and_reused_later(shop: Shop) -> None:
    symbols = [
        Symbol("memcpy", version="libc.so.6:GLIBC_2.17"),
        Symbol("pidfd_spawn", weak=True, version="libc.so.6:GLIBC_2.39"),
        Symbol("PyInit_hello", defined=True),
    ]
    needs = {"libc.so.6": ["GLIBC_2.17", "GLIBC_2.39"]}
    shop.binary.write_bytes(Elf(needed=["libc.so.6"], needs=needs, symbols=symbols).data)
    (end,) = await shop.run(compiled=1)
    assert end.wheel is not None
    assert "manylinux_2_17" in end.wheel.file
    assert end.verdict is not None
    assert [finding.code for finding in end.verdict.findings if finding.severity != "note"] == []
    with zipfile.ZipFile(shop.out / end.wheel.file) as archive:
        packed = archive.read("hello/hello.cpython-312-x86_64-linux-gnu.so")
    before = shop.binary.read_bytes()
    assert len(packed) == len(before)
    assert 0 < sum(one != other for one, other in zip(packed, before, strict=True)) <= 2
    (again,) = await shop.run()
    assert (again.status, again.wheel) == ("reused", end.wheel)


async def test_what_pypi_refuses_fails_when_pypi_was_asked_for(shop: Shop) -> None:
    linux = Compatibility(family="linux")
    (end,) = await shop.run(shop.cell(linux, pypi=True), compiled=1)
    assert end.status == "failed"
    assert end.reason.startswith("PyPI would not take it: ")
    assert list(shop.out.iterdir()) == []


async def test_cells_of_one_stable_abi_share_one_wheel(shop: Shop) -> None:
    cells = [shop.cell(id=name, python_tag="cp310", abi_tag="abi3") for name in "ab"]
    ends = await shop.run(*cells, compiled=1)
    assert [end.cell for end in ends] == ["a", "b"]
    assert ends[0].wheel == ends[1].wheel
    assert len(list(shop.out.iterdir())) == 1


async def test_a_broken_binary_fails_its_cells_and_nothing_else(shop: Shop) -> None:
    shop.binary.write_bytes(module("2.28")[:200])
    (end,) = await shop.run(compiled=1)
    assert end.status == "failed"
    assert end.wheel is None
    assert list(shop.out.iterdir()) == []


async def test_a_full_or_missing_out_directory_is_a_reason(shop: Shop) -> None:
    shop.out.rmdir()
    (end,) = await shop.run(compiled=1)
    assert end.status == "failed"
    assert str(shop.out) in end.reason


async def test_a_fault_of_ours_costs_these_cells_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError("oops")

    monkeypatch.setattr("matrix.running.packing.write_wheel", broken)
    (end,) = await shop.run(compiled=1)
    assert end.status == "failed"
    assert end.reason == "internal error: LookupError('oops')"
    assert "Traceback" in end.details


async def test_the_state_remembers_how_long_it_took_to_compile(shop: Shop) -> None:
    await shop.run(compiled=3)
    state = read_state(shop.workshop.state(shop.build.id))
    assert state.crates == 6
    await shop.run()
    assert read_state(shop.workshop.state(shop.build.id)).wheels == state.wheels


def test_a_state_of_another_form_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for text in ("", "{", "[]", '{"version": 99, "wheels": {}}', '{"version": "one"}'):
        path.write_text(text)
        assert read_state(path).wheels == {}


async def test_wheels_are_packed_beside_each_other(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=10)

    def meeting(*args: Any, **kwargs: Any) -> Any:
        both.wait()  # breaks when the second comes only after the first
        return write_wheel(*args, **kwargs)

    monkeypatch.setattr(packing, "write_wheel", meeting)
    builds = [msgspec.structs.replace(shop.build, id=name, cells=(name,)) for name in ("one", "two")]
    cells = [
        shop.cell(id=build.id, build=build.id, python_tag=tag, abi_tag=tag)
        for build, tag in zip(builds, ("cp311", "cp312"), strict=True)
    ]
    plan = Plan(project="hello", version="1.0", bindings="pyo3", cells=tuple(cells), builds=tuple(builds))
    finisher = Finisher(shop.ingredients, plan, shop.workshop, Bus([shop.events.append]))
    async with anyio.create_task_group() as group:
        for build, cell in zip(builds, cells, strict=True):
            group.start_soon(partial(shop.run, cell, build=build, finisher=finisher, compiled=1))
    assert len(finisher.wheels) == 2


async def test_while_something_compiles_another_process_makes_the_same_wheel(shop: Shop) -> None:
    (alone,) = await shop.run(compiled=3)
    assert alone.wheel is not None
    path = shop.out / alone.wheel.file
    wheel = path.read_bytes()
    path.unlink()
    cell = shop.cell()
    plan = Plan(project="hello", version="1.0", bindings="pyo3", cells=(cell,), builds=(shop.build,))
    finisher = Finisher(shop.ingredients, plan, shop.workshop, Bus([shop.events.append]), busy=lambda: True)
    try:
        (beside,) = await shop.run(cell, compiled=3, finisher=finisher)
        assert [type(event) for event in shop.events] == [AuditStarted, AuditEnded, CellEnded]
        assert (beside.wheel, beside.verdict) == (alone.wheel, alone.verdict)
        assert path.read_bytes() == wheel
        assert finisher.wheels == [beside.wheel]
    finally:
        await finisher.close()


async def test_what_fails_in_another_process_fails_its_cells_alone(shop: Shop) -> None:
    shop.binary.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(30))
    plan = Plan(project="hello", version="1.0", bindings="pyo3", cells=(shop.cell(),), builds=(shop.build,))
    finisher = Finisher(shop.ingredients, plan, shop.workshop, Bus([shop.events.append]), busy=lambda: True)
    try:
        (end,) = await shop.run(compiled=3, finisher=finisher)
    finally:
        await finisher.close()
    (here,) = await shop.run(compiled=3)
    assert (end.status, end.reason, end.hint) == ("failed", here.reason, here.hint)
