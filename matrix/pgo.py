"""What a profile-guided run needs before anything is compiled: a command, and the tool that reads rustc's profiles."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec

from matrix.archives import Contents, write_wheel
from matrix.archives.gather import wheel_contents
from matrix.driver import Host
from matrix.errors import ToolError, UsageError
from matrix.model import Build, Command, Compatibility, Outcome, Plan
from matrix.platforms import platform_tags
from matrix.platforms.wheel_names import wheel_file_name, wheel_tags
from matrix.process import capture
from matrix.project import Project
from matrix.requirements import requirements
from matrix.running.bench import Training
from matrix.running.ingredients import Ingredients, entries_of

__all__ = ["find_profdata", "training_of"]

KEY = "pyproject.toml: [tool.maturin] pgo-command"
USUAL_GROUP = "dev"  # what maturin installs where no group is named


async def training_of(project: Project, plan: Plan, host: Host, ingredients: Ingredients) -> Training | None:
    """Return what builds are trained with, or ``None`` when none is made with a profile.

    Raises:
        UsageError: There is no command, or no such dependency group.
        ToolError: No tool here reads the profiles of this rustc.
    """
    if not any(build.settings.pgo for build in plan.builds):
        return None
    command = (project.maturin.pgo_command or "").strip()
    if not command:
        raise UsageError("--pgo needs a command that uses the module", hint=f'write {KEY} = "python bench.py"')
    named = project.maturin.pgo_dependency_group
    usual = USUAL_GROUP if USUAL_GROUP in project.table.get("dependency-groups", {}) else None
    groups = [group for group in (named or usual,) if group]
    needed = requirements(project.table, (), groups, "[tool.maturin] pgo-dependency-group")
    plain = msgspec.structs.replace(ingredients, tree=None, contents=_plain(project, ingredients), boms={})

    def pack(build: Build, outcome: Outcome, folder: Path) -> Path:
        return _packed(plain, build, outcome, folder)

    return Training(
        command=command, needed=needed, profdata=await find_profdata(host, project.root, os.environ), pack=pack
    )


def _plain(project: Project, ingredients: Ingredients) -> Contents:
    """Return what a wheel holds that is installed as it is, even when the run's own are editable."""
    return wheel_contents(project, ingredients.metadata, products=ingredients.layout.products)


async def find_profdata(host: Host, root: Path, environ: Mapping[str, str]) -> str:
    """Return an ``llvm-profdata`` of the LLVM that rustc is made with: no other one reads its raw profiles.

    Args:
        host: The machine; knows where the toolchain lies.
        root: Where rustc is asked.
        environ: The environment.

    Raises:
        ToolError: There is none; says which were found.
    """
    said = await capture(Command(argv=(environ.get("RUSTC") or "rustc", "-vV")), root=root)
    wanted = re.search(r"^LLVM version: (\d+)", said.stdout, re.MULTILINE)
    major = wanted[1] if wanted is not None else ""
    own = Path(host.sysroot) / "lib" / "rustlib" / host.target.triple / "bin"
    on_path = map(shutil.which, (f"llvm-profdata-{major}", "llvm-profdata"))
    others = []
    for program in filter(None, (shutil.which("llvm-profdata", path=str(own)), *on_path)):
        said = await capture(Command(argv=(program, "--version")), root=root)
        version = re.search(r"LLVM version (\d+)", said.stdout)
        if version is not None and version[1] == major:
            return program
        others.append(f"{program} is of {f'LLVM {version[1]}' if version is not None else 'another one'}")
    found = f": {', '.join(others)}" if others else ""
    hint = f"rustup component add llvm-tools, or LLVM's own on PATH: apt-get install llvm-{major}"
    raise ToolError(f"--pgo needs llvm-profdata of LLVM {major}, rustc's own{found}", hint=hint)


def _packed(given: Ingredients, build: Build, outcome: Outcome, folder: Path) -> Path:
    """Write the wheel of an instrumented build, for this machine alone."""
    platforms = platform_tags(build.target, Compatibility(family="linux"), given.environ)
    python = build.interpreter
    tags = ("py3", "none") if python is None else (python.python_tag, python.abi_tag)
    if build.stable_abi is not None:
        tags = (build.stable_abi.python_tag, build.stable_abi.abi_tag)
    file = wheel_file_name(given.metadata.name, given.metadata.version, *tags, platforms)
    entries = entries_of(given, build, outcome)
    write_wheel(folder / file, entries, given.metadata, wheel_tags(*tags, platforms))
    return folder / file
