"""The build command from its options to its report: gather, check, run, tell."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from matrix import __version__
from matrix.archives import dos_time, remove_leftovers, source_date_epoch
from matrix.archives.editable import editable_contents, tree_of
from matrix.archives.gather import check_python_side, layout_of
from matrix.archives.products import Products
from matrix.archives.remembered import Memory
from matrix.bills import bills_of
from matrix.driver import Driver
from matrix.errors import UsageError, WheelmatrixError
from matrix.events import Bus, Note, RunEnded, RunStarted
from matrix.files import PAGE, shown
from matrix.gathering import Gathered, gather, tag_environment, tool_versions
from matrix.model import Plan
from matrix.out_places import OTHER_TARGET, make_writable, report_path, stripped, watched
from matrix.pgo import training_of
from matrix.project.rustup import real_cargo
from matrix.repairs import demand_patchelf, repairs_here
from matrix.reporting.collector import ReportCollector
from matrix.reporting.document import Report, read_report, write_report
from matrix.reporting.terminal import make_listener
from matrix.running.bench import Bench, Training
from matrix.running.cgroups import available_memory
from matrix.running.cpus import available_cpus
from matrix.running.finish import Finisher
from matrix.running.ingredients import Ingredients
from matrix.running.jobserver import open_pool
from matrix.running.pool import Pool
from matrix.running.run import Ending, carry_out
from matrix.telling import INTERRUPTED, tell
from matrix.wishes import audit_mode, companions, compression, named_boms, run_flags, stubs

if TYPE_CHECKING:
    from matrix.sourcing import Made

__all__ = ["Done", "build_wheels"]


class Done(msgspec.Struct, frozen=True):
    """A finished run.

    Attributes:
        report: What happened.
        wheels: Every wheel made or kept, in plan order.
        exit_code: 0 all built, 1 some cell failed, 130 interrupted.
    """

    report: Report
    wheels: list[Path] = msgspec.field(default_factory=list)
    exit_code: int = 0


class _Where(NamedTuple):
    out: Path
    report: Path
    page: bool


async def build_wheels(
    options: argparse.Namespace, drivers: Sequence[Driver], private: bool = False, made: Made | None = None
) -> Done:
    """Build every wheel that the options and the project ask for, and write the report.

    Args:
        options: The parsed command line.
        drivers: All of them, the best first.
        made: The source distribution whose unpacked tree is built from.
        private: Whether the report stays beside the lanes and the out directory is the caller's own, so not told
            (for Python front ends and develop).

    Raises:
        WheelmatrixError: Something is wrong before anything is compiled.
    """
    gathered = await gather(options, drivers)
    if options.auditwheel == "repair":
        await demand_patchelf(gathered.plan, os.environ, gathered.project.root)
    out = gathered.cwd / options.out if options.out is not None else gathered.project.target_dir / "wheels"
    described = stubs(options, gathered.project)  # before anything is written
    memory = Memory(gathered.workshop.base / "metadata.json")
    ingredients = await _ingredients(gathered, options, out, drivers, memory)
    training = await training_of(gathered.project, gathered.plan, gathered.host, ingredients)
    lacking = await gathered.missing_generator()
    if lacking is not None:
        raise lacking
    make_writable(out, "--out" if options.out is not None else "in the target directory")
    report_file = report_path(gathered, options, out, private=private)
    previous = read_report(report_file)
    collector = ReportCollector(
        wheelmatrix=__version__,
        tools=await tool_versions(gathered, drivers),
        argv=["wheelmatrix", *sys.argv[1:]],
        previous=previous,
        sdist=made.sdist if made is not None else None,
    )
    reporter = make_listener(
        sys.stderr,
        quiet=options.quiet,
        verbose=max(options.verbose, int(options.talks)),
        color=options.color,
        log_format=options.log_format,
        report=shown(report_file, gathered.cwd) + (f" and {PAGE}" if options.timings else ""),
    )
    bus = Bus([collector, reporter.listener])
    with ExitStack() as stack:
        stack.enter_context(_opened(gathered, out))
        memory.write()
        pool = stack.enter_context(open_pool(options.jobs or gathered.project.options.jobs or available_cpus()))
        stack.enter_context(reporter)
        bench = _bench(gathered, options, drivers, pool, bus, ingredients, training, described, color=reporter.color)
        finisher = Finisher(ingredients, gathered.plan, gathered.workshop, bus, busy=lambda: pool.held > 0)
        ending: Ending = "interrupted"
        try:
            place = "" if private else shown(out, gathered.cwd)
            said = made.warnings if made is not None else ()
            ending = await _run(gathered, options, bench, finisher, ingredients, place, said)
        finally:
            report, written = _close(
                bench, gathered.plan, collector, finisher, ending, _Where(out, report_file, options.timings)
            )
            await finisher.close()
    files = dict.fromkeys(cell.wheel.file for cell in report.cells if cell.wheel is not None)
    failed = not written or any(cell.status not in {"built", "reused", "skipped"} for cell in report.cells)
    code = INTERRUPTED if ending == "interrupted" else int(failed)
    return Done(report, [out / name for name in files], code)


@contextmanager
def _opened(gathered: Gathered, out: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(gathered.workshop.opened())
            remove_leftovers(out)
        except OSError as error:
            raise UsageError(
                f"{gathered.workshop.base} cannot be written: {error.strerror or error}",
                hint=OTHER_TARGET,
            ) from None
        yield


def _close(
    bench: Bench, plan: Plan, collector: ReportCollector, finisher: Finisher, ending: Ending, where: _Where
) -> tuple[Report, bool]:
    """End the run for everyone who listens and write the report; return it, and whether it could be written."""
    names = {wheel.file for wheel in finisher.wheels}
    foreign = tuple(sorted(path.name for path in where.out.glob("*.whl") if path.name not in names))
    bench.bus.emit(
        RunEnded(
            interrupted=ending != "done",
            stopped=ending == "stopped",
            foreign=foreign,
            cpu_seconds=None if bench.elsewhere(plan.builds) else _children_seconds(),
        )
    )
    report = collector.report()
    try:
        write_report(where.report, report)
        if where.page:
            from matrix.reporting.page import write_page  # noqa: PLC0415 - only --timings needs it

            write_page(where.report, report)
    except WheelmatrixError as error:  # wheels may have been made: say it, and hand on what there is
        tell(error)
        return report, False
    return report, True


async def _run(
    gathered: Gathered,
    options: argparse.Namespace,
    bench: Bench,
    finisher: Finisher,
    ingredients: Ingredients,
    place: str,
    said: Sequence[str],
) -> Ending:
    bus, project = bench.bus, gathered.project
    bus.emit(
        RunStarted(
            plan=gathered.plan,
            jobs=bench.pool.total,
            out=place,
            crates=project.crate.units(gathered.host.target),
        )
    )
    warnings = (*said, *ingredients.metadata.warnings, *ingredients.contents.warnings)
    for text in (*warnings, *watched(gathered, ingredients.out), *stripped(gathered, options)):
        bus.emit(Note(level="warning", text=text))
    for text in gathered.notes:
        bus.emit(Note(level="note", text=text))
    caps = {name: driver.jobs for name, driver in project.options.drivers.items() if driver.jobs is not None}
    return await carry_out(
        gathered.plan,
        bench,
        finisher.finish,
        caps=caps,
        fail_fast=options.fail_fast or project.options.fail_fast,
        seeding=not options.no_seed,
        budget=options.max_memory or available_memory(),
        peaks=gathered.peaks,
        limit=options.max_memory,
    )


def _bench(
    gathered: Gathered,
    options: argparse.Namespace,
    drivers: Sequence[Driver],
    pool: Pool,
    bus: Bus,
    ingredients: Ingredients,
    training: Training | None,
    described: str,
    *,
    color: bool,
) -> Bench:
    return Bench(
        root=gathered.project.root,
        workshop=gathered.workshop,
        target_dir=gathered.project.target_dir,
        drivers={driver.name: driver for driver in drivers},
        pool=pool,
        bus=bus,
        host=gathered.host,
        cache=gathered.cache,
        pythons=gathered.pythons,
        cargo=gathered.cargo,
        real_cargo=real_cargo(gathered.cargo, gathered.host.sysroot, os.environ),
        exports=gathered.exports,
        generators=gathered.generators,
        cargo_flags=run_flags(gathered.project, options),
        color=color,
        out_dir_crates=ingredients.out_dir_crates,
        brings=ingredients.repairs is not None,
        sources=tuple(map(str, gathered.project.sources)),
        companions=companions(options, gathered.project),
        training=training,
        stubs=described,
    )


async def _ingredients(
    gathered: Gathered, options: argparse.Namespace, out: Path, drivers: Sequence[Driver], memory: Memory
) -> Ingredients:
    """Collect metadata and Python files, so that their faults are told before anything compiles."""
    project = gathered.project
    products = Products.of(project.name, out, gathered.cwd / options.report if options.report else None)
    layout = layout_of(project, products)
    metadata, contents = check_python_side(project, named_boms(options, gathered.cwd), products, memory)
    if options.editable:
        contents = editable_contents(layout, contents, metadata.distribution)
    audit = audit_mode(options, project)
    return Ingredients(
        metadata=metadata,
        layout=layout,
        contents=contents,
        tree=tree_of(layout) if options.editable else None,
        out=out,
        audit=audit,
        repairs=repairs_here(project, gathered.plan, gathered.host, drivers, os.environ, gathered.workshop.base)
        if audit == "repair"
        else None,
        environ=tag_environment(os.environ),
        compression=compression(options),
        modified=dos_time(source_date_epoch(os.environ)),
        reuse=not options.no_reuse,
        boms={} if options.editable else await bills_of(project, gathered.plan),
    )


def _children_seconds() -> float | None:
    """Return the CPU seconds of all children that ended."""
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return None
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(usage.ru_utime + usage.ru_stime, 3)
