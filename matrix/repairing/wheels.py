"""Repairs finished wheels, made by anyone: a new wheel with a new tag beside the old one, which is never touched."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from matrix.archives.entries import Entry
from matrix.archives.rewrite import copy_wheel, rewrite_wheel
from matrix.auditing.claims import Claims, read_claims
from matrix.auditing.elf import Binary
from matrix.auditing.levels import Door, Judgement, meets_level
from matrix.auditing.macho import MachO
from matrix.auditing.macos import analyse_macos
from matrix.auditing.members import Members, read_members
from matrix.auditing.natives import FORMATS
from matrix.auditing.pe import Pe
from matrix.auditing.policies import policies, policy_for
from matrix.auditing.verdict import Analysis, analyse, family_of
from matrix.auditing.wheel_audit import system_of
from matrix.auditing.windows import analyse_windows
from matrix.errors import WheelmatrixError
from matrix.model import Bundled, Compatibility, Wheel
from matrix.platforms.platform_tags import level_tags
from matrix.repairing.doing import Strip, carry_out
from matrix.repairing.macos import DylibSearch, plan_macos
from matrix.repairing.nouns import Repair, Wanted
from matrix.repairing.patchelf import Patchelf
from matrix.repairing.places import Places
from matrix.repairing.plan import plan_repair
from matrix.repairing.refusals import unmet
from matrix.repairing.sbom import sbom_entry
from matrix.repairing.search import Search
from matrix.repairing.windows import DllSearch, plan_windows

__all__ = ["Repaired", "Repairs", "Workbench", "repair_wheel"]

_ANY_FLOOR = (0, 0)  # a wheel that Rust has no part in may meet levels below Rust's floor
_DOOR = Door(level="--plat", search="with --ldpaths", elsewhere="leave it to others with --exclude")
_AUTO = Compatibility(family="auto")


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one wheel.

    Attributes:
        file: Its name.
        status: ``repaired``, ``unchanged`` (a copy: nothing was lacking) or ``failed``.
        wheel: The new wheel, or ``None``.
        bundled: Libraries that were brought along.
        reason: Why there is none; empty when there is one.
        details: The libraries, symbols and directories at fault.
        hint: What to do about it, or ``None``.
    """

    file: str
    status: str
    wheel: Wheel | None = None
    bundled: tuple[Bundled, ...] = ()
    reason: str = ""
    details: str = ""
    hint: str | None = None


class Repairs(msgspec.Struct, frozen=True, kw_only=True):
    """What ``wheelmatrix repair --json`` prints.

    Attributes:
        version: Of this format.
        wheels: In the order they were named.
    """

    version: int = 1
    wheels: tuple[Repaired, ...]

    @property
    def exit_code(self) -> int:
        """0 when every wheel was made whole, else 1."""
        return int(any(wheel.wheel is None for wheel in self.wheels))


class Workbench(msgspec.Struct, frozen=True, kw_only=True):
    """What repairs of finished wheels need.

    Attributes:
        out: Directory of the new wheels.
        level: The level to reach; ``None`` for the best.
        exclude: Patterns of libraries that somebody else brings.
        places: Returns where libraries of a platform are looked for, by its analysis.
        patchelf: Rewrites binaries.
        strip: Strips files before, or ``None``.
    """

    out: Path
    level: Compatibility | None
    exclude: tuple[str, ...]
    places: Callable[[Analysis], Places]
    patchelf: Patchelf
    strip: Strip | None = None


def repair_wheel(path: Path, bench: Workbench) -> Repaired:
    """Repair one wheel. Blocking; must run in a worker thread of the event loop.

    Raises:
        WheelmatrixError: It is no wheel, it cannot be repaired at all, or a tool is missing or failed.
        OSError: A file cannot be read or written.
    """
    claims = read_claims(path.name)
    system = system_of(claims)
    members = read_members(path, FORMATS[system])
    if system != "linux":
        return _elsewhere(path, bench, members, claims.platforms, claims.tags)
    binaries = [one for one in members.binaries if isinstance(one, Binary)]
    analysis = analyse(binaries, arch=claims.arch, libc=claims.libc, notes=members.notes, weak=True)
    if not analysis.binaries and not analysis.foreign:
        return _written(path, bench, claims.tags)
    plan = _planned(path, analysis, bench)
    if isinstance(plan, Judgement):
        return _failed(path, plan)
    level = plan.level if isinstance(plan, Repair) else plan
    name, tags = _renamed(path.name, claims, level, analysis.arch)
    if not isinstance(plan, Repair) or not plan.changes:
        kept = not isinstance(plan, Repair) and bench.level is None and _true(claims, analysis)
        return _written(path, bench, claims.tags) if kept else _written(path, bench, tags, name)
    return _repaired(path, bench, plan, name, tags)


def _elsewhere(
    path: Path, bench: Workbench, members: Members, platforms: Sequence[str], tags: Sequence[str]
) -> Repaired:
    """Repair a wheel for Windows or macOS, whose tag says nothing of libraries."""
    machos = [one for one in members.binaries if isinstance(one, MachO)]
    if machos:
        analysis = analyse_macos(machos, platforms, members.notes)
        search = DylibSearch(bench.places(analysis))
        plan = plan_macos(analysis, platforms, path.name.partition("-")[0], search, bench.exclude, door=_DOOR)
    else:
        analysis = analyse_windows([one for one in members.binaries if isinstance(one, Pe)], platforms, members.notes)
        plan = plan_windows(analysis, platforms, DllSearch(bench.places(analysis)), bench.exclude, door=_DOOR)
    if isinstance(plan, Judgement):
        return _failed(path, plan)
    return _written(path, bench, tags) if plan is None else _repaired(path, bench, plan, path.name, tags)


def _failed(path: Path, why: Judgement) -> Repaired:
    return Repaired(file=path.name, status="failed", reason=why.reason, details=why.details, hint=why.hint)


def _planned(path: Path, analysis: Analysis, bench: Workbench) -> Repair | Judgement | Compatibility:
    """Return the repair, why there is none, or the level that the wheel meets as it is."""
    wish = bench.level or _AUTO
    search = Search(analysis.arch, analysis.libc, bench.places(analysis))
    wanted = Wanted(level=wish, name=path.name.partition("-")[0], floor=_ANY_FLOOR, exclude=bench.exclude, door=_DOOR)
    plan = plan_repair(analysis, wanted, search.find)
    if plan is not None:
        return plan
    family = family_of(analysis.libc)
    policy = analysis.policy
    if wish.family != "auto" and wish.version is not None and family is not None:
        policy = policy_for(family, wish.version, analysis.arch)
        judged = unmet(analysis, wish, policy, {}, _DOOR) if policy is not None else None
        return wish if judged is None or judged.ok else judged
    if policy is not None:
        return Compatibility(family=policy.family, version=policy.version)
    known = policies(family, analysis.arch) if family is not None else ()
    if not known or analysis.foreign:
        findings = [one for one in analysis.verdict.findings if one.severity != "note"] or analysis.verdict.findings
        return Judgement(ok=False, reason="; ".join(f"{one.file} {one.message}".strip() for one in findings[:3]))
    return unmet(analysis, wish, known[-1], {}, _DOOR)


def _true(claims: Claims, analysis: Analysis) -> bool:
    """Whether a wheel claims levels, and meets every one."""
    levels = [level for level, arch in claims.levels if arch == analysis.arch]
    return bool(levels) and all(meets_level(analysis, level, analysis.arch).ok for level in levels)


def _renamed(file: str, claims: Claims, level: Compatibility, arch: str) -> tuple[str, tuple[str, ...]]:
    """Return the name with the level's platforms in place of Linux ones, and its expanded tags."""
    others = [one for one in claims.platforms if "linux" not in one and one != "any"]
    platforms = sorted({*others, *level_tags(level, arch)})
    if platforms == sorted(claims.platforms):
        return file, claims.tags  # whatever the order in which it names them
    parts = file.removesuffix(".whl").split("-")
    tags = (f"{python}-{abi}-{platform}" for python, abi in claims.interpreters for platform in platforms)
    return "-".join([*parts[:-1], ".".join(platforms)]) + ".whl", tuple(sorted(tags))


def _written(path: Path, bench: Workbench, tags: Sequence[str], name: str | None = None) -> Repaired:
    """Copy a wheel that lacks nothing; with another tag when it earns one."""
    new = _new(path, bench, name or path.name)
    if new.name != path.name:
        wheel = rewrite_wheel(path, new, changed={}, added=(), tags=tags)
        return Repaired(file=path.name, status="repaired", wheel=wheel)
    return Repaired(file=path.name, status="unchanged", wheel=copy_wheel(path, new, tags))


def _new(path: Path, bench: Workbench, name: str) -> Path:
    new = bench.out / name
    if new.exists() and new.samefile(path):
        raise WheelmatrixError(
            f"{path.name}: the new wheel would have its name in the same directory",
            hint="choose another directory with --out",
        )
    return new


def _repaired(path: Path, bench: Workbench, plan: Repair, name: str, tags: Sequence[str]) -> Repaired:
    new = _new(path, bench, name)
    with tempfile.TemporaryDirectory(prefix="wheelmatrix-") as folder:
        sources = _unpacked(path, [change.before.file for change in plan.changes], Path(folder) / "old")
        entries = carry_out(plan, sources, Path(folder) / "new", bench.patchelf, bench.strip)
        changed = {member: entry for member, entry in entries.items() if member in sources}
        added = [entry for member, entry in entries.items() if member not in sources]
        if plan.grafts:
            added.append(sbom_entry(_dist_info(path), name, plan.grafts))
        wheel = rewrite_wheel(path, new, changed=changed, added=sorted(added, key=_path_of), tags=tags)
    return Repaired(file=path.name, status="repaired", wheel=wheel, bundled=plan.bundled)


def _path_of(entry: Entry) -> str:
    return entry.path


def _unpacked(path: Path, members: Sequence[str], into: Path) -> dict[str, Path]:
    """Write those of the names that are members of the wheel to files; return them by member."""
    into.mkdir()
    files = {}
    with zipfile.ZipFile(path) as archive:
        there = set(archive.namelist())
        for number, member in enumerate(one for one in members if one in there):
            files[member] = into / f"{number}-{posixpath.basename(member)}"
            with archive.open(member) as source, files[member].open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return files


def _dist_info(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return next(name.partition("/")[0] for name in archive.namelist() if name.endswith(".dist-info/WHEEL"))
