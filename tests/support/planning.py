"""Made-up projects and machines to plan for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from drivers.cargo import CargoDriver
from matrix.driver import Driver, DriverSupport, Host, Place, Step, Tool, Wish
from matrix.model import Build, Command, Interpreter, Target
from matrix.planning import Facts
from matrix.platforms import known_interpreter, parse_target
from matrix.project.bindings import Bindings, BindingsKind
from matrix.project.cargo import CargoFlags, Dependency, PackageTarget
from matrix.project.crate import Crate
from matrix.project.features import Features, activated
from matrix.project.maturin_options import read_maturin_options
from matrix.project.module import Module
from matrix.project.options import read_options
from matrix.project.ranges import free_threaded_range, python_ranges
from matrix.project.read import Project, effective_features

HOST = parse_target("x86_64-unknown-linux-gnu")
ROOT = Path("/project")
_PYO3_TABLE: dict[str, tuple[str, ...]] = {
    "default": ("macros",),
    "macros": (),
    "abi3": (),
    **{f"abi3-py3{minor}": ("abi3",) for minor in range(7, 16)},
    "abi3t": (),
    "abi3t-py315": ("abi3t",),
}


class EveryDriver:
    """A driver that builds for everything."""

    name = "every"
    tools: tuple[Tool, ...] = ()

    def supports(self, wish: Wish, host: Host) -> DriverSupport:
        return DriverSupport(able=True, reason=f"builds {wish.target.triple} on {host.target.triple}")

    def prepare(self, builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
        del builds, place
        return ()

    def command(self, build: Build, place: Place) -> Command:
        return Command(argv=("every", build.id, place.lane))

    def host_of(self, build: Build) -> str:
        del build
        return ""

    def shares_host(self, build: Build, host: Host) -> bool:
        del build, host
        return True

    def bring(self, build: Build, place: Place, folder: str, linked: Sequence[str]) -> Command | None:
        del build, place, folder, linked
        return None

    def stop(self, build: Build, place: Place) -> tuple[Command, ...]:
        del build, place
        return ()


def made_up_project(
    *,
    matrix: dict[str, Any] | None = None,
    maturin: dict[str, Any] | None = None,
    requires_python: str | None = None,
    pyo3: str = "0.30.1",
    pyo3_features: Iterable[str] = (),
    kind: BindingsKind = "pyo3",
    programs: Mapping[str, tuple[str, ...]] | None = None,
    flags: CargoFlags | None = None,
) -> Project:
    """Return a project as if it had been read; ``programs`` maps each to its ``required-features``."""
    programs = programs or {}
    maturin_options, warnings = read_maturin_options(maturin or {})
    features = activated(_PYO3_TABLE, pyo3_features, default=True)
    ranges = python_ranges(pyo3)
    bindings = Bindings(
        kind=kind,
        version=pyo3,
        ranges=ranges,
        free_threaded=free_threaded_range(pyo3, ranges),
        features=features,
        table=_PYO3_TABLE,
    )
    crate = Crate(
        name="demo",
        version="1.4.0",
        id="demo 1.4.0",
        directory=ROOT,
        targets=tuple(
            PackageTarget(name, ("bin",), ("bin",), f"src/bin/{name}.rs", needed) for name, needed in programs.items()
        ),
        features={"simd": (), "fast": ("pyo3/abi3-py310",)},
        dependencies=(msgspec.convert({"name": "pyo3", "req": "*", "features": list(pyo3_features)}, Dependency),),
    )
    flags = flags or CargoFlags()
    project = Project(
        root=ROOT,
        pyproject=ROOT / "pyproject.toml",
        manifest=ROOT / "rust" / "Cargo.toml",
        workspace_root=ROOT,
        target_dir=ROOT / "target",
        crate=crate,
        name="Demo.Lib",
        version="1.4.0",
        requires_python=requires_python,
        module=Module(
            name="demo",
            package="",
            lib_name="demo",
            python_source=ROOT,
            mixed=False,
            directory="demo",
            bins=tuple(programs),
        ),
        bindings=bindings,
        features=Features(),
        flags=flags,
        maturin=maturin_options,
        options=read_options({key: value for key, value in (matrix or {}).items() if value != []}),
        warnings=warnings,
    )
    asked = effective_features(flags, maturin_options)
    return replace(project, features=asked, bindings=replace(bindings, stable=project.stable_for(asked.names)))


def installed(*versions: str, target: Target = HOST) -> tuple[Interpreter, ...]:
    """Return Pythons as if they had been found here: ``3.12``, ``3.14t``, ``pypy3.11``."""
    found = []
    for version in versions:
        number = version.removeprefix("pypy")
        threaded = number.endswith("t")
        major, minor = number.rstrip("t").split(".")
        known = known_interpreter(
            "pypy" if version.startswith("pypy") else "cpython", (int(major), int(minor)), target, threaded=threaded
        )
        found.append(
            msgspec.structs.replace(known, runnable=True, full_version=f"{major}.{minor}.1", platform="linux-x86_64")
        )
    return tuple(found)


def made_up_facts(*versions: str, drivers: Sequence[Driver] | None = None, **more: Any) -> Facts:
    """Return a Linux machine with these Pythons; the first is ``python3``."""
    pythons = installed(*versions)
    return Facts(
        host=Host(target=HOST),
        drivers=drivers if drivers is not None else [CargoDriver()],
        installations=pythons,
        default=pythons[0] if pythons else None,
        **more,
    )
