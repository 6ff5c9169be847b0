"""Whether a matrix can be built on a machine, and what it lacks; pure.

The matrix is planned twice: for the machine as it is, and as if every tool were there. A driver is needed when the
first plan chose it, or when only the second one builds a cell and does so with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from matrix.checkup import CheckedDriver, CheckedImage, CheckedProject, CheckedTool, Checkup, Pythons, Remark, Standards
from matrix.driver import DockerOptions, Driver, Host, Place, Tool, Wish, XwinOptions
from matrix.model import Build, Cell, Compatibility, Interpreter, LeftOut, Plan
from matrix.planning.plan import make_plan
from matrix.planning.request import Facts, Request
from matrix.project.read import Project

__all__ = ["examine", "examine_host"]

_RUST = ("cargo", "rustc")
_PULL = 'pull it, or drop pull = "never" (--offline)'
_NO_RUSTUP = "standard libraries are missing, and no rustup is here to add them: {}"


class _Needs(msgspec.Struct):
    """What the matrix needs of the drivers: names of missing tools by driver, other hindrances, and builds."""

    tools: dict[str, set[str]] = msgspec.field(default_factory=dict)
    remarks: dict[str, dict[Remark, None]] = msgspec.field(default_factory=dict)
    builds: dict[str, Build] = msgspec.field(default_factory=dict)
    cells: list[Cell] = msgspec.field(default_factory=list)
    problems: list[LeftOut] = msgspec.field(default_factory=list)

    def add(self, driver: Driver, host: Host, lacks: Sequence[str] = ()) -> None:
        """Note that a driver is needed, and that its tools are."""
        missing = {tool.name for tool in driver.tools if tool.needed and tool.name not in host.tools}
        self.tools.setdefault(driver.name, set()).update(missing, lacks)


def examine(
    project: Project,
    request: Request,
    facts: Facts,
    versions: Mapping[str, str],
    images: Mapping[str, bool] | None = None,
) -> Checkup:
    """Return what the matrix of a project needs, and what of it is missing.

    Args:
        project: The project.
        request: What the flags said.
        facts: What was found on this machine.
        versions: Versions of the tools found, by name.
        images: Whether container images that it builds in are here, by name.

    Raises:
        UsageError: A word means nothing.
        ConfigError: The matrix names a driver that does not exist.
    """
    request = msgspec.structs.replace(request, surveys=True)
    plan = make_plan(project, request, facts)
    needs = _needs(project, request, facts, plan)
    stds, problems = _standards(needs, facts)
    missing = [one for one in plan.left_out if one.missing]
    return _checkup(
        facts.host,
        tuple(_driver(driver, facts.host, needs, versions, images or {}) for driver in facts.drivers),
        stds=stds,
        pythons=_pythons([cell.interpreter for cell in (*plan.cells, *needs.cells) if cell.interpreter is not None]),
        problems=(*_unbuildable(needs.problems), *problems),
        project=CheckedProject(
            name=project.name,
            version=project.version,
            bindings=project.bindings.label,
            cells=len(plan.cells) + len(missing),
            buildable=len(plan.cells),
        ),
    )


def examine_host(
    host: Host,
    drivers: Sequence[Driver],
    versions: Mapping[str, str],
    *,
    pythons: Sequence[Interpreter] = (),
    problems: Sequence[Remark] = (),
) -> Checkup:
    """Return what a build for the machine itself needs, where no project can be read.

    Args:
        host: The machine.
        drivers: The drivers.
        versions: Versions of the tools found, by name.
        pythons: Interpreters found.
        problems: What else is to be told.
    """
    needs = _Needs()
    wish = Wish(target=host.target, level=Compatibility(family="auto"))
    for driver in drivers:
        support = driver.supports(wish, host)
        if support.able and not needs.tools:
            needs.add(driver, host, support.lacks)
    checked = tuple(_driver(driver, host, needs, versions, {}) for driver in drivers)
    return _checkup(host, checked, pythons=_pythons(pythons), problems=tuple(problems))


def _checkup(
    host: Host,
    drivers: tuple[CheckedDriver, ...],
    *,
    stds: Standards = Standards(),  # noqa: B008 - frozen
    pythons: Pythons,
    problems: tuple[Remark, ...],
    project: CheckedProject | None = None,
) -> Checkup:
    commands = [tool.install for driver in drivers for tool in driver.tools if tool.needed and tool.path is None]
    commands += [stds.install] if stds.install else []
    return Checkup(
        host=host.target.triple,
        project=project,
        ready=all(driver.ready for driver in drivers) and not stds.missing and not problems,
        drivers=drivers,
        stds=stds,
        pythons=pythons,
        problems=problems,
        commands=tuple(dict.fromkeys(commands)),
    )


def _needs(project: Project, request: Request, facts: Facts, plan: Plan) -> _Needs:
    needs = _Needs()
    drivers = {driver.name: driver for driver in facts.drivers}
    missing = {one.id: one for one in plan.left_out if one.missing}
    for cell, build in _chosen(plan):
        needs.builds[build.id] = build
        needs.add(
            drivers[build.driver], facts.host, drivers[build.driver].supports(_wish(cell, build), facts.host).lacks
        )
    for host, whole in ((_equipped(facts), False), (_equipped(facts, whole=True), True)):
        found = set()
        for cell, build in (
            _chosen(make_plan(project, request, msgspec.structs.replace(facts, host=host))) if missing else ()
        ):
            refused = missing.get(cell.id)
            if refused is None:
                continue
            needs.builds[build.id] = build
            if cell.id not in found:
                found.add(cell.id)
                needs.cells.append(cell)
                _lacking(needs, drivers[build.driver], _wish(cell, build), refused, facts, whole=whole)
        missing = {name: one for name, one in missing.items() if name not in found}
    needs.problems = list(missing.values())
    return needs


def _lacking(needs: _Needs, driver: Driver, wish: Wish, refused: LeftOut, facts: Facts, *, whole: bool) -> None:
    """Note what keeps a driver from building a cell here: its tools, or something else."""
    remarks = needs.remarks.setdefault(driver.name, {})
    found = [tool.name for tool in driver.tools if tool.name in facts.host.tools]
    needs.add(driver, facts.host, [driver.tools[0].name] if whole and not found else [])
    tools_here = msgspec.structs.replace(_equipped(facts, whole=whole), options=facts.host.options)
    support = driver.supports(wish, tools_here)
    if not support.able:
        remarks[Remark(text=support.reason, hint=support.hint)] = None
    elif not needs.tools[driver.name]:
        remarks[Remark(text=refused.reason, hint=refused.hint)] = None


def _chosen(plan: Plan) -> Iterator[tuple[Cell, Build]]:
    builds = {build.id: build for build in plan.builds}
    return ((cell, builds[name]) for cell in plan.cells for name in (cell.build, *cell.joined))


def _wish(cell: Cell, build: Build) -> Wish:
    settings = build.settings
    return Wish(target=build.target, level=cell.compatibility, image=settings.image, asked=settings.driver != "auto")


def _equipped(facts: Facts, *, whole: bool = False) -> Host:
    """Return the machine as if every tool that a driver needs were there, or every one that it can use."""
    tools = {tool.name: tool.name for driver in facts.drivers for tool in driver.tools if tool.needed or whole}
    return msgspec.structs.replace(
        facts.host,
        tools={**tools, **facts.host.tools},
        options={**facts.host.options, "xwin": XwinOptions(accept_license=True)},
    )


def _standards(needs: _Needs, facts: Facts) -> tuple[Standards, tuple[Remark, ...]]:
    """Return the standard libraries that the drivers would add, and what keeps them from it."""
    host = _equipped(facts)
    host = msgspec.structs.replace(host, tools={**host.tools, "rustup": "rustup"}, offline=False)
    missing: dict[str, None] = {}
    for driver in facts.drivers:
        own = [build for build in needs.builds.values() if build.driver == driver.name]
        if own:
            place = Place(host=host, root=".", manifest=own[0].manifest, lane="lane", cache="cache")
            missing |= dict.fromkeys(step.std for step in driver.prepare(own, place) if step.std)
    found = {build.target.triple: None for build in needs.builds.values() if build.target.triple not in missing}
    known = found if facts.host.stds is not None else {}
    command = " ".join(["rustup target add", *missing]) if missing and "rustup" in facts.host.tools else ""
    problems = (Remark(text=_NO_RUSTUP.format(", ".join(missing))),) if missing and not command else ()
    return Standards(found=tuple(known), missing=tuple(missing), install=command), problems


def _driver(
    driver: Driver, host: Host, needs: _Needs, versions: Mapping[str, str], here: Mapping[str, bool]
) -> CheckedDriver:
    needed = driver.name in needs.tools
    lacking = needs.tools.get(driver.name, set())
    own = [build.settings.image or "" for build in needs.builds.values() if build.driver == driver.name]
    images = [CheckedImage(name=name, here=here[name]) for name in dict.fromkeys(own) if name in here]
    never = host.offline or host.options_of("docker", DockerOptions).pull == "never"
    absent = [one.name for one in images if never and not one.here]
    gone = [Remark(text=f"image {name} is not here, and none is pulled", hint=_PULL) for name in absent]
    remarks = (*needs.remarks.get(driver.name, ()), *gone)
    return CheckedDriver(
        name=driver.name,
        needed=needed,
        ready=not lacking and not remarks,
        tools=tuple(_tool(tool, host, versions, needed=needed, lacking=lacking) for tool in driver.tools),
        images=tuple(images),
        remarks=remarks,
    )


def _tool(tool: Tool, host: Host, versions: Mapping[str, str], *, needed: bool, lacking: set[str]) -> CheckedTool:
    rust = tool.name in _RUST and "rustup" in host.tools
    return CheckedTool(
        name=tool.name,
        path=host.tools.get(tool.name),
        version=versions.get(tool.name),
        needed=needed and (tool.needed or tool.name in lacking),
        install="rustup toolchain install stable" if rust else tool.install,
    )


def _unbuildable(problems: Sequence[LeftOut]) -> tuple[Remark, ...]:
    """Return a remark for each reason why cells cannot be built here, whatever is installed."""
    grouped: dict[tuple[str, str | None], list[LeftOut]] = {}
    for one in problems:
        grouped.setdefault((one.reason, one.hint), []).append(one)
    return tuple(
        Remark(text=f"{same[0].id}{f' and {len(same) - 1} more' * (len(same) > 1)}: {reason}", hint=hint)
        for (reason, hint), same in grouped.items()
    )


def _pythons(interpreters: Sequence[Interpreter]) -> Pythons:
    order = sorted(interpreters, key=lambda one: (one.implementation, one.version, one.abi_flags))
    found = dict.fromkeys(_label(one) for one in order if one.runnable)
    tables = dict.fromkeys(_label(one) for one in order if not one.runnable)
    return Pythons(found=tuple(found), tables=tuple(name for name in tables if name not in found))


def _label(python: Interpreter) -> str:
    """Return a Python as people write it: ``3.12``, ``3.14t``, ``pypy3.11``."""
    family = "" if python.implementation == "cpython" else python.implementation
    return f"{family}{python.version[0]}.{python.version[1]}{python.abi_flags.replace('m', '')}"
