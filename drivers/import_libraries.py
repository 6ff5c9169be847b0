"""Import libraries of Python for Windows, where none is installed: a step before builds, and an argument of theirs.

PyO3 up to 0.28 links ``python312.lib``; its names come from the project's own pyo3-ffi. What is made is named by its
content, so that projects on one machine share it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import PurePath

from matrix.driver import Place, Step, Tool
from matrix.model import Build, Command

__all__ = ["LIBRARY_TOOLS", "library_args", "library_steps"]

LIBRARY_TOOLS = (Tool(name="llvm-dlltool", version=(), install="apt-get install llvm", needed=False),)
"""What makes import libraries; zig does it too, and mingw-w64 for itself."""

_MACHINES = {"aarch64": "arm64", "i586": "i386", "i686": "i386", "x86_64": "i386:x86-64"}  # as dlltools call them
_HINT = (
    "llvm-dlltool or zig makes it: apt-get install llvm, or pip install 'wheelmatrix[zig]'; pyo3 0.29 and newer need"
    " no such library"
)


def library_steps(builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
    """Return the steps that make the libraries which builds link, each once."""
    users: dict[tuple[str, str, str], list[Build]] = {}
    for build in builds:
        for name in build.import_libraries:
            users.setdefault((_folder(build, name, place), _file(build, name), name), []).append(build)
    steps = []
    for (folder, file, name), own in users.items():
        exports, library = str(PurePath(folder, f"{name}.def")), str(PurePath(folder, file))
        arch = own[0].target.arch
        argv = (*_dlltool(place), "-m", _MACHINES.get(arch, arch), "-d", exports, "-l", library)
        steps.append(
            Step(
                what=f"{file} for {own[0].target.triple}",
                command=Command(argv=argv),
                builds=tuple(build.id for build in own),
                files={exports: place.exports.get(name, "")},
                lock="import-libraries",
                key=f"import-library-{PurePath(folder).name}-{file}",
                hint=_HINT,
            )
        )
    return tuple(steps)


def library_args(build: Build, place: Place) -> list[str]:
    """Return rustc's arguments by which the linker finds the libraries."""
    folders = [_folder(build, name, place) for name in build.import_libraries]
    return [word for folder in folders for word in ("-L", f"native={folder}")]


def _folder(build: Build, name: str, place: Place) -> str:
    text = place.exports.get(name, "")
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return str(PurePath(place.cache, "import-libraries", f"{build.target.triple}-{name}-{digest}"))


def _file(build: Build, name: str) -> str:
    """Return what the linker looks for: MSVC's and zig's have one name for it, GNU's another."""
    return f"lib{name}.dll.a" if build.target.libc == "gnu" and build.driver != "zig" else f"{name}.lib"


def _dlltool(place: Place) -> tuple[str, ...]:
    tools = place.host.tools
    if "llvm-dlltool" in tools:
        return (tools["llvm-dlltool"],)
    return (tools["zig"], "dlltool") if "zig" in tools else ("llvm-dlltool",)
