"""zig as the C compiler of a machine that has none: build scripts and proc macros run here, whatever is built.

cargo-zigbuild sets the linker of the target alone, and for the machine's own target it tells cargo to keep that from
what runs here. So what runs here gets a small program of ours, which hands everything to zig.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import PurePath

from drivers.floors import zig_floor
from matrix.driver import Host, Place, Step
from matrix.model import Build, Command, Target

__all__ = ["host_compiler", "host_compiler_steps", "host_linker", "named_program", "zig_environment"]

_ARCHITECTURES = {"armv7": "arm", "i686": "x86", "riscv64gc": "riscv64"}  # as zig calls them


def host_compiler(place: Place, target: Target) -> dict[str, str | None]:
    """Return the variables that make cargo and build scripts use zig for what runs here; none where it is not needed.

    Args:
        place: Where the build happens.
        target: What is built for.
    """
    variable, linker = host_linker(place)
    if linker is None:
        return {}
    if target.triple == place.host.target.triple:
        # cargo-zigbuild turns unstable features on for this case, so that the target's linker stays the target's
        return {"CARGO_UNSTABLE_HOST_CONFIG": "true", "CARGO_HOST_LINKER": linker}
    return {variable: linker, "HOST_CC": linker}


def host_linker(place: Place) -> tuple[str, str | None]:
    """Return the variable that tells cargo the linker of the machine's own target, and zig's program where needed."""
    program = _program(place)
    variable = f"CARGO_TARGET_{place.host.target.triple.upper().replace('-', '_')}_LINKER"
    return variable, None if program is None else program[0]


def host_compiler_steps(builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
    """Write the program, and link something tiny with it, which fills zig's cache; nothing where it is not needed."""
    program = _program(place)
    if program is None:
        return ()
    path, text = program
    source, tiny = (str(PurePath(place.cache, "host", name)) for name in ("tiny.c", "tiny"))
    return (
        Step(
            what="zig as the C compiler of this machine",
            command=Command(argv=(path, source, "-o", tiny)),
            builds=tuple(build.id for build in builds),
            files={source: "int main(void) { return 0; }\n"},
            programs={path: text},
            lock="zig",
            hint="install a C compiler, e.g. the package gcc",
        ),
    )


def zig_environment(place: Place) -> dict[str, str | None]:
    """Return the variables that tell cargo-zigbuild which zig it runs and where its wrappers lie."""
    return {
        "CARGO_ZIGBUILD_CACHE_DIR": str(PurePath(place.cache, "zigbuild")),
        "CARGO_ZIGBUILD_ZIG_PATH": place.host.tools.get("zig", "zig"),
        # asked first, at every start, for a zig of its own
        "CARGO_ZIGBUILD_PYTHON_PATH": "none",
    }


def _program(place: Place) -> tuple[str, str] | None:
    """Return path and text of the program, or ``None`` where it is not needed."""
    host, tools = place.host, place.host.tools
    lacking = host.target.os == "linux" and "cc" not in tools and host.target.triple not in host.linkers
    if not lacking or "zig" not in tools or "cargo-zigbuild" not in tools:
        return None
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in zig_environment(place).items() if value)
    call = f"{shlex.quote(tools['cargo-zigbuild'])} zig cc -- -target {_zig_target(host)}"
    text = f'#!/bin/sh\n{variables} exec {call} "$@"\n'
    return named_program(place, "cc", text), text


def named_program(place: Place, name: str, text: str) -> str:
    """Return the path of a program of ours; it names the text, so that two versions do not clash."""
    return str(PurePath(place.cache, "host", f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"))


def _zig_target(host: Host) -> str:
    """Return the machine as zig names it; against an old glibc, as what is linked runs on every newer one."""
    arch = _ARCHITECTURES.get(host.target.arch, host.target.arch)
    libc = host.target.triple.rpartition("-")[2]
    if host.target.libc != "gnu":
        return f"{arch}-linux-{libc}"
    major, minor = zig_floor(host.target)
    return f"{arch}-linux-{libc}.{major}.{minor}"
