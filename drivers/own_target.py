"""The machine's own target, linked by zig while what runs on the machine is compiled as for every other target.

For that target cargo-zigbuild turns on cargo's unstable ``target-applies-to-host``, so that the linker is the target's
alone. cargo hashes that, and the linker, into all that it compiles for this machine, so no other target could share it.
Hence cargo-zigbuild gets a small program of ours for cargo, which takes these settings back and names the linker to the
last rustc.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Sequence
from pathlib import PurePath

from drivers.hostcc import host_linker
from matrix.driver import Host, Place, Step
from matrix.model import Build, Command

__all__ = ["own_target_cargo", "own_target_steps", "takes_linker"]

_TURNED_ON = (
    "CARGO_UNSTABLE_TARGET_APPLIES_TO_HOST",
    "CARGO_TARGET_APPLIES_TO_HOST",
    "__CARGO_TEST_CHANNEL_OVERRIDE_DO_NOT_USE_THIS",
)


def takes_linker(build: Build, host: Host) -> bool:
    """Whether the last rustc of a build for the machine's own target can be told its linker.

    Arguments of one rustc are for one product, and cargo writes a linker of its configuration behind them.
    """
    own = host.target.triple
    return build.target.triple == own and host.target.os == "linux" and len(build.bins) < 2 and own not in host.linkers


def own_target_cargo(build: Build, place: Place) -> str:
    """Return what cargo-zigbuild is to call as cargo."""
    return _program(place)[0] if takes_linker(build, place.host) else place.cargo


def own_target_steps(builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
    """Write the program where a build needs it."""
    needing = tuple(build.id for build in builds if takes_linker(build, place.host))
    if not needing:
        return ()
    path, text = _program(place)
    command = Command(argv=(path, "--version"))
    return (
        Step(
            what="cargo for this machine's own target",
            command=command,
            builds=needing,
            programs={path: text},
            leaves=path,
        ),
    )


def _program(place: Place) -> tuple[str, str]:
    """Return path and text of the program; its path names its text, so that two versions do not clash."""
    variable, linker = host_linker(place)
    cargo = shlex.quote(place.cargo)
    text = f"""\
#!/bin/sh
linker=${variable}
unset {variable} {" ".join(_TURNED_ON)}
export CARGO={cargo}
"""
    if linker is not None:
        text += f"export {variable}={shlex.quote(linker)}\n"
    text += f"""\
[ -n "$linker" ] || exec {cargo} "$@"
for word; do
    [ "$word" != -- ] || exec {cargo} "$@" -C "linker=$linker"
done
exec {cargo} "$@" -- -C "linker=$linker"
"""
    name = f"cargo-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return str(PurePath(place.cache, "host", name)), text
