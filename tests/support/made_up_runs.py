"""Made-up plans and the events of made-up runs, for tests of reporting and for ``board_demo``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matrix.events import (
    AuditEnded,
    AuditStarted,
    BuildEnded,
    BuildStarted,
    CellEnded,
    CrateDone,
    Diagnostic,
    Event,
    Line,
    RunEnded,
    RunStarted,
    SlotFreed,
    SlotsChanged,
    SlotTaken,
)
from matrix.model import (
    Build,
    Cell,
    CellStatus,
    Compatibility,
    Interpreter,
    LeftOut,
    Outcome,
    Plan,
    Settings,
    Target,
    Verdict,
    Wheel,
)

LINUX = Target(
    triple="x86_64-unknown-linux-gnu", arch="x86_64", os="linux", libc="gnu", machine="x86_64", pointer_width=64
)
ARM = Target(
    triple="aarch64-unknown-linux-gnu", arch="aarch64", os="linux", libc="gnu", machine="aarch64", pointer_width=64
)
CRATES = ["libc", "autocfg", "memchr", "once_cell", "serde", "pyo3-build-config", "pyo3-ffi", "pyo3", "archery", "rpds"]
OPENSSL = """\x1b[1m\x1b[31merror\x1b[0m: failed to run custom build command for `openssl-sys v0.9.104`
  Could not find directory of OpenSSL installation for aarch64-unknown-linux-gnu"""
WARNING = (
    "\x1b[1m\x1b[33mwarning\x1b[0m: unused variable: `x`\n --> src/lib.rs:3:9\n  |\n3 |     let x = 1;\n  |         ^"
)


def interpreter(minor: int) -> Interpreter:
    tag = f"cp3{minor}"
    suffix = f".cpython-3{minor}-x86_64-linux-gnu.so"
    return Interpreter(
        implementation="cpython", version=(3, minor), python_tag=tag, abi_tag=tag, ext_suffix=suffix, runnable=True
    )


def make_plan(
    minors: Sequence[int] = (10, 11, 12, 13),
    targets: Sequence[Target] = (LINUX,),
    left_out: Sequence[LeftOut] = (),
    warnings: Sequence[str] = (),
) -> Plan:
    pairs = [(interpreter(minor), target) for target in targets for minor in minors]
    cells = tuple(
        Cell(
            id=f"{python.id}-{target.triple}",
            interpreter=python,
            target=target,
            compatibility=Compatibility(family="auto"),
            build=f"{python.id}-{target.triple}",
            python_tag=python.python_tag,
            abi_tag=python.abi_tag,
            file=f"rpds_py-0.30.0-{python.id}-{python.id}-*_{target.machine}.whl",
        )
        for python, target in pairs
    )
    builds = tuple(
        Build(
            id=cell.id,
            target=cell.target,
            interpreter=cell.interpreter,
            bindings="pyo3",
            driver="cargo" if cell.target is LINUX else "zig",
            settings=Settings(profile="release"),
            cells=(cell.id,),
            manifest="Cargo.toml",
            crate="rpds",
            lib_name="rpds",
        )
        for cell in cells
    )
    return Plan(
        project="rpds-py",
        version="0.30.0",
        bindings="pyo3 0.30.1",
        cells=cells,
        builds=builds,
        left_out=tuple(left_out),
        warnings=tuple(warnings),
    )


def missing_arm(*minors: int) -> list[LeftOut]:
    """Cells for ARM that this machine lacks zig for."""
    return [
        LeftOut(
            id=f"cp3{minor}-{ARM.triple}",
            interpreter=f"cp3{minor}",
            target=ARM.triple,
            reason=f"no driver here builds for {ARM.triple}: zig could, but zig is missing",
            hint="pip install 'wheelmatrix[zig]'",
            missing=True,
        )
        for minor in minors or (11, 12)
    ]


def make_wheel(cell: Cell) -> Wheel:
    platform = f"manylinux_2_17_{cell.target.machine}"
    names = f"{platform}.manylinux2014_{cell.target.machine}"
    tag = f"{cell.python_tag}-{cell.abi_tag}"
    return Wheel(
        file=f"rpds_py-0.30.0-{tag}-{names}.whl",
        tags=(f"{tag}-manylinux2014_{cell.target.machine}", f"{tag}-{platform}"),
        size=325_120,
        sha256="ab" * 32,
    )


def tell(
    plan: Plan, *, jobs: int = 2, failing: Sequence[str] = (), reused: bool = False, warn: bool = False
) -> list[Event]:
    """Make the events of a run in which ``jobs`` builds go side by side and each takes ten seconds (0.1 when fresh)."""
    events: list[Event] = [RunStarted(plan=plan, jobs=jobs, out="target/wheels", crates=len(CRATES))]
    step = 0.01 if reused else 1.0
    now = 0.0
    waves = [plan.builds[first : first + jobs] for first in range(0, len(plan.builds), jobs)]
    for wave in waves:
        events.append(SlotsChanged(at=now, held=len(wave), total=jobs))
        events += [SlotTaken(at=now, build=build.id, slot=slot) for slot, build in enumerate(wave)]
        events += [
            BuildStarted(at=now, build=build.id, argv=("cargo", "rustc"), log=f"logs/{build.id}.log") for build in wave
        ]
        begun = now
        for crate in CRATES:
            now += step
            for build in wave:
                events.append(Line(at=now, build=build.id, text=f"\x1b[32m   Compiling\x1b[0m {crate} v1.2.3"))
                events.append(CrateDone(at=now, build=build.id, crate=crate, fresh=reused))
        for build in wave:
            events += _ending(plan, build, begun, now, failing=build.id in failing, reused=reused, warn=warn)
        events += [SlotFreed(at=now, build=build.id, slot=slot) for slot, build in enumerate(wave)]
        events.append(SlotsChanged(at=now, held=0, total=jobs))
    return [*events, RunEnded(at=now, interrupted=False)]


def _ending(
    plan: Plan, build: Build, begun: float, now: float, *, failing: bool, reused: bool, warn: bool
) -> Iterator[Event]:
    if warn:
        yield Diagnostic(at=now, build=build.id, level="warning", rendered=WARNING)
    outcome = Outcome(
        build=build.id,
        status="failed" if failing else "ok",
        compiled=0 if reused else len(CRATES),
        fresh=len(CRATES) if reused else 0,
        exit=101 if failing else 0,
        argv=("cargo", "rustc"),
        lane=build.id,
        log=f"logs/{build.id}.log",
        started=begun,
        ended=now,
        reason="openssl-sys build script" if failing else "",
        details=OPENSSL if failing else "",
        hint="vendor OpenSSL\nor give this target a container" if failing else None,
    )
    if failing:
        yield Diagnostic(at=now, build=build.id, level="error", rendered=OPENSSL)
    yield BuildEnded(at=now, outcome=outcome)
    for cell in (cell for cell in plan.cells if cell.build == build.id):
        if failing:
            yield CellEnded(
                at=now,
                cell=cell.id,
                build=build.id,
                status="failed",
                reason=outcome.reason,
                details=outcome.details,
                hint=outcome.hint,
            )
            continue
        tag = f"manylinux_2_17_{cell.target.machine}"
        verdict = Verdict(overall_tag=tag, sym_tag=tag, libraries=("libc.so.6",))
        yield AuditStarted(at=now, build=build.id, cells=(cell.id,))
        yield AuditEnded(at=now, build=build.id, cells=(cell.id,), verdict=verdict)
        status: CellStatus = "reused" if reused else "built"
        wheel = make_wheel(cell)
        yield CellEnded(at=now, cell=cell.id, build=build.id, status=status, wheel=wheel, verdict=verdict)
