from __future__ import annotations

from pathlib import Path

import msgspec
from support.golden import assert_golden
from support.made_up_runs import ARM, LINUX, interpreter, make_plan, make_wheel, missing_arm, tell

from matrix.events import Event, RunStarted
from matrix.model import Cell, Compatibility, Finding, Interpreter, LeftOut, Plan, StableAbi, Verdict
from matrix.reporting.closing import closing
from matrix.reporting.state import RunState
from matrix.reporting.tables import (
    AuditRow,
    InterpreterRow,
    render_audits,
    render_interpreters,
    render_plan,
)
from matrix.reporting.text import ASCII, UNICODE, paint

GOLDEN = Path(__file__).with_name("golden")


def stable_plan() -> Plan:
    """A plan in which one abi3 binary serves four cells, and a PyPy has its own."""
    plan = make_plan()
    name = "abi3-cp310-x86_64-unknown-linux-gnu"
    file = "rpds_py-0.30.0-cp310-abi3-*_x86_64.whl"
    cells = tuple(
        msgspec.structs.replace(cell, build=name, python_tag="cp310", abi_tag="abi3", file=file) for cell in plan.cells
    )
    pypy = msgspec.structs.replace(
        plan.cells[0],
        id="pp311-x86_64-unknown-linux-gnu",
        build="pp311-x86_64-unknown-linux-gnu",
        compatibility=Compatibility(family="manylinux", version=(2, 28)),
        file="rpds_py-0.30.0-pp311-pypy311_pp73-manylinux_2_28_x86_64.whl",
    )
    build = msgspec.structs.replace(
        plan.builds[0],
        id=name,
        stable_abi=StableAbi(kind="abi3", version=(3, 10)),
        cells=tuple(cell.id for cell in cells),
        expected=130.0,
    )
    other = msgspec.structs.replace(plan.builds[0], id=pypy.build, cells=(pypy.id,))
    return msgspec.structs.replace(plan, cells=(*cells, pypy), builds=(build, other))


def test_a_plan() -> None:
    left_out = [
        LeftOut(id="cp310-aarch64-unknown-linux-gnu", reason="exclude[0] in pyproject.toml"),
        LeftOut(id="cp39-x86_64-unknown-linux-gnu", reason="below requires-python >=3.10"),
        LeftOut(id="cp39-aarch64-unknown-linux-gnu", reason="below requires-python >=3.10"),
    ]
    plan = make_plan(targets=(LINUX, ARM), left_out=left_out, warnings=["careful\nvery"])
    without = tuple(cell for cell in plan.cells if cell.id != left_out[0].id)
    builds = tuple(build for build in plan.builds if build.id != left_out[0].id)
    plan = msgspec.structs.replace(plan, cells=without, builds=builds)
    assert_golden(GOLDEN / "plan.txt", render_plan(plan))
    assert render_plan(plan, symbols=ASCII).isascii()


def test_a_plan_of_which_this_machine_cannot_build_everything() -> None:
    plan = make_plan((11, 12), left_out=missing_arm())
    assert_golden(GOLDEN / "plan_missing.txt", render_plan(plan))
    none = msgspec.structs.replace(plan, cells=(), builds=())
    assert "0 wheels from 0 builds · 2 cannot be built here" in render_plan(none)
    assert render_plan(plan, symbols=ASCII).isascii()


def test_a_plan_where_one_binary_serves_many() -> None:
    assert_golden(GOLDEN / "plan_stable.txt", render_plan(stable_plan(), explain=True))


def test_a_plan_with_two_levels_and_a_variant() -> None:
    plan = make_plan((12,))
    first = plan.cells[0]

    def at(level: Compatibility, suffix: str) -> Cell:
        return msgspec.structs.replace(first, id=f"{first.id}-{suffix}", compatibility=level, file=f"{suffix}.whl")

    levels = [
        at(Compatibility(family="manylinux", version=(2, 17)), "manylinux_2_17"),
        at(Compatibility(family="manylinux", version=(2, 28)), "manylinux_2_28"),
    ]
    text = render_plan(msgspec.structs.replace(plan, cells=(first, *levels)))
    assert_golden(GOLDEN / "plan_levels.txt", text)


def test_a_large_plan_keeps_its_files_to_itself() -> None:
    plan = make_plan(range(60))
    assert ".whl" not in render_plan(plan)
    assert render_plan(plan, files=True).count(".whl") == 60


def test_one_wheel_for_many_cells_counts_once() -> None:
    plan = stable_plan()
    events = [
        msgspec.structs.replace(event, wheel=make_wheel(plan.cells[0])) if hasattr(event, "wheel") else event
        for event in tell(plan)
    ]
    state = RunState()
    for event in events:
        state.apply(event)
    text = "\n".join(paint(one, color=False) for one in closing(state, UNICODE, color=False))
    assert_golden(GOLDEN / "closing_stable.txt", text + "\n")


def test_interpreters() -> None:
    free = Interpreter(
        implementation="cpython",
        version=(3, 14),
        abi_flags="t",
        python_tag="cp314",
        abi_tag="cp314t",
        ext_suffix=".cpython-314t-x86_64-linux-gnu.so",
        full_version="3.14.2",
        platform="linux-x86_64",
    )
    rows = [
        InterpreterRow(
            interpreter=msgspec.structs.replace(interpreter(10), full_version="3.10.13", platform="linux-x86_64"),
            executable="/opt/pythons/3.10/bin/python3.10",
            source="pyenv",
        ),
        InterpreterRow(interpreter=free, executable="/usr/bin/python3.14t\x1b[2J", source="PATH"),
    ]
    notes = ["/usr/bin/python3.5: too old"]
    assert_golden(GOLDEN / "interpreters.txt", render_interpreters(rows, notes=notes))
    assert render_interpreters([]) == "0 Pythons known from tables\n"
    assert "known from tables" in render_interpreters([InterpreterRow(interpreter=free)])


def test_audits() -> None:
    good = Verdict(
        overall_tag="manylinux_2_17_x86_64",
        sym_tag="manylinux_2_17_x86_64",
        libraries=("libc.so.6", "libgcc_s.so.1"),
        symbols={"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.9"), "libgcc_s.so.1": ("GCC_3.0", "GCC_4.2.0")},
    )
    bad = Verdict(
        overall_tag="linux_x86_64",
        sym_tag="manylinux_2_34_x86_64",
        libraries=("libc.so.6", "libssl.so.3"),
        external=("libssl.so.3",),
        isa="x86-64-v3",
        findings=(
            Finding(
                code="external-library",
                severity="error",
                file="rpds/rpds.so",
                message="needs libssl.so.3, which no policy allows",
                hint="bundle it\nor link it statically",
            ),
            Finding(code="isa", severity="note", file="", message="asks for x86-64-v3"),
        ),
    )
    rows = [
        AuditRow(
            file="good-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", claims=("manylinux_2_17_x86_64",), verdict=good
        ),
        AuditRow(file="bad-1.0-cp312-cp312-linux_x86_64.whl", verdict=bad),
    ]
    assert_golden(GOLDEN / "audits.txt", render_audits(rows))
    assert render_audits(rows, symbols=ASCII).isascii()
    assert "\x1b[1;31m✗ error:\x1b[0m" in render_audits(rows, color=True)


def test_an_empty_plan_is_shown_too() -> None:
    empty = Plan(project="x", version="1", bindings="", cells=(), builds=())
    assert render_plan(empty).startswith("x 1 · 0 wheels from 0 builds\n")
    events: list[Event] = [RunStarted(plan=empty, jobs=1, out="o")]
    state = RunState()
    for event in events:
        state.apply(event)
    assert closing(state, UNICODE, color=False)
