"""The verdict on Mach-O files: architectures, oldest macOS, and libraries that neither macOS nor the wheel has."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from matrix.auditing.macho import MachO, Slice
from matrix.auditing.natives import init_findings
from matrix.auditing.reach import leaves
from matrix.auditing.verdict import Analysis
from matrix.model import Finding, Verdict

__all__ = ["PYTHON_LIBRARY", "analyse_macos", "external_libraries", "limits"]

Version = tuple[int, int]

_TAG = re.compile(r"macosx_(\d{1,3})_(\d{1,3})_(\w+)", re.ASCII)
_SLICES = {
    # what installers take wheels with a tag for today; older kinds of fat wheel are judged by their libraries alone
    "arm64": ("arm64",),
    "i386": ("i386",),
    "intel": ("x86_64",),
    "universal2": ("x86_64", "arm64"),
    "x86_64": ("x86_64",),
}
_FIRST = {"arm64": (11, 0)}  # no older macOS runs on it
_OLDEST = (10, 4)  # the first with tags for x86_64
_SYSTEM = ("/usr/lib/", "/System/Library/")
_DELOCATED = "/DLC/"  # what delocate puts before the install names it makes up
PYTHON_LIBRARY = re.compile(
    r"(?:.*/)?(?:Python3?\.framework/(?:Versions/[\w.]+/)?Python3?|lib(?:python|pypy)\d[\w.-]*\.dylib)"
)


def limits(platforms: Iterable[str]) -> dict[str, Version]:
    """Return the oldest macOS that a wheel is installed on, by architecture.

    Args:
        platforms: Platform tags, those of other systems are passed over. From macOS 11 on they count majors only.
    """
    found: dict[str, Version] = {}
    for platform in platforms:
        match = _TAG.fullmatch(platform)
        if match is None:
            continue
        for arch in _SLICES.get(match[3], ()):
            version = max((int(match[1]), int(match[2])), _FIRST.get(arch, (0, 0)))
            found[arch] = min(found.get(arch, version), version)
    return found


def analyse_macos(files: Iterable[MachO], platforms: Sequence[str], notes: Sequence[Finding] = ()) -> Analysis:
    """Judge the Mach-O files of one wheel together.

    Args:
        files: Every one of them.
        platforms: Platform tags that the wheel has, or will have.
        notes: Findings made before, to be handed on first.
    """
    loaded = tuple(file for file in files if file.kind != "object")
    claimed = limits(platforms)
    internal = frozenset(
        posixpath.basename(name)
        for file in loaded
        if file.kind == "library"
        for name in (file.file, *(one.install_name for one in file.slices))
        if name
    )
    external = {file.file: external_libraries(file, internal) for file in loaded}
    tag = _tag(loaded)
    verdict = Verdict(
        overall_tag=tag,
        sym_tag=tag,
        libraries=tuple(sorted({name for file in loaded for name in file.libraries})),
        external=tuple(sorted({name for names in external.values() for name in names})),
        links_libpython=any(PYTHON_LIBRARY.fullmatch(name) for file in loaded for name in file.libraries),
        findings=(*notes, *_findings(loaded, claimed, external), *init_findings(loaded)),
    )
    foreign = tuple(file for file in loaded if _absent(file, claimed))
    return Analysis(
        arch=" and ".join(claimed),
        libc="",
        machos=loaded,
        internal=internal,
        foreign=foreign,
        notes=tuple(notes),
        verdict=verdict,
    )


def _floored(version: Version) -> Version:
    """Return a version as tags count it: from macOS 11 on without its minor part."""
    return version if version[0] == 10 else (version[0], 0)


def _needs(one: Slice) -> Version:
    """Return the oldest macOS that runs a slice, as tags count it."""
    return max(_floored(one.minimum or _OLDEST), _FIRST.get(one.arch, _OLDEST))


def _tag(files: Sequence[MachO]) -> str:
    """Return the best platform tag that all files meet; empty when they share no architecture."""
    if not files:
        return ""
    shared = set.intersection(*({one.arch for one in file.slices if one.system == "macos"} for file in files))
    needs = {arch: max(_needs(one) for file in files for one in file.slices if one.arch == arch) for arch in shared}
    if {"x86_64", "arm64"} <= shared:
        # the tag of an Intel Mac may be older than any that Apple silicon runs
        newest = needs["x86_64"] if needs["arm64"] == _FIRST["arm64"] else max(needs["x86_64"], needs["arm64"])
        return _named(newest, "universal2")
    return next((_named(needs[arch], arch) for arch in sorted(shared)), "")


def _named(version: Version, arch: str) -> str:
    return f"macosx_{version[0]}_{version[1]}_{arch}"


def _absent(file: MachO, claimed: Mapping[str, Version]) -> list[str]:
    """Return the architectures claimed that a file has no slice for."""
    there = {one.arch for one in file.slices if one.system == "macos"}
    return [arch for arch in claimed if arch not in there]


def external_libraries(file: MachO, internal: frozenset[str]) -> tuple[str, ...]:
    """Return the libraries a file cannot do without that neither macOS nor the wheel has."""
    needed = {name for one in file.slices for name in one.libraries if name not in one.optional}
    return tuple(
        name
        for name in file.libraries
        if name in needed
        and not name.startswith(_SYSTEM)
        and (name.startswith("/") or posixpath.basename(name) not in internal)
    )


def _findings(
    files: Sequence[MachO], claimed: Mapping[str, Version], external: Mapping[str, Sequence[str]]
) -> Iterator[Finding]:
    for file in files:
        absent = _absent(file, claimed)
        if absent:
            yield Finding(
                code="wrong-architecture",
                severity="error",
                file=file.file,
                message=f"is built for {file.arch}, not for {' and '.join(absent)}",
                hint="every file of a universal2 wheel must have both slices" if len(claimed) > 1 else None,
            )
        for one in file.slices:
            limit, needs = claimed.get(one.arch), _needs(one)
            if limit is not None and one.system == "macos" and needs > limit:
                yield Finding(
                    code="macos-too-new",
                    severity="error",
                    file=file.file,
                    message=f"needs macOS {_dotted(one.minimum or needs)} on {one.arch}, the tag says {_dotted(limit)}",
                    hint="link it for the older one, or set MACOSX_DEPLOYMENT_TARGET so that the tag says the newer",
                )
        yield from _libraries(file, external[file.file])
        yield from _oddities(file)


def _dotted(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def _libraries(file: MachO, external: Iterable[str]) -> Iterator[Finding]:
    for name in external:
        if PYTHON_LIBRARY.fullmatch(name):
            yield Finding(
                code="links-libpython",
                severity="error" if file.modules else "warning",
                file=file.file,
                message=f"links {name}, which an extension module must not",
                hint="link with -undefined dynamic_lookup: Python's symbols come from the interpreter that loads it",
            )
        else:
            yield Finding(
                code="external-library",
                severity="warning",
                file=file.file,
                message=f"needs {name}, which neither macOS nor the wheel has",
                hint="link it statically, or let wheelmatrix repair bring it along",
            )


def _oddities(file: MachO) -> Iterator[Finding]:
    for directory in dict.fromkeys(path for one in file.slices for path in one.rpath):
        if not directory.startswith(("@loader_path", "@executable_path", "/usr/lib", "/System/")):
            yield Finding(
                code="absolute-rpath",
                severity="warning",
                file=file.file,
                message=f"looks for libraries in {directory}, a directory of the machine that built it",
                hint="drop the rpath, or start it with @loader_path",
            )
        elif leaves(file.file, directory):
            yield Finding(
                code="rpath-outside",
                severity="warning",
                file=file.file,
                message=f"looks for libraries in {directory}, outside the directory that the wheel is installed in",
            )
    for name in dict.fromkeys(one.install_name for one in file.slices):
        if name and name.startswith("/") and not name.startswith((*_SYSTEM, _DELOCATED)):
            yield Finding(
                code="absolute-install-name",
                severity="note",
                file=file.file,
                message=f"calls itself {name}, a path of the machine that built it",
                hint="link with -install_name @rpath/NAME",
            )
