"""The machine's own target, linked by zig while what runs on the machine is compiled as for every other target.

For that target cargo-zigbuild turns on cargo's unstable ``target-applies-to-host``, so that the linker is the target's
alone. cargo hashes that, and the linker, into all that it compiles for this machine, so no other target could share it.
Hence cargo-zigbuild gets a small program of ours for cargo, which takes these settings back and names the linker to the
last rustc.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from drivers.hostcc import host_compiler, host_linker, named_program
from matrix.driver import Host, Place, Step
from matrix.model import Build, Command

__all__ = ["cargo_environment", "own_target_steps", "takes_linker"]

_CARGO = "WHEELMATRIX_CARGO"

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


def cargo_environment(build: Build, place: Place) -> dict[str, str | None]:
    """Return the variables that tell cargo-zigbuild what to call as cargo, and that what links what runs here."""
    if not takes_linker(build, place.host):
        return {"CARGO": place.cargo, **host_compiler(place, build.target)}
    return {"CARGO": _program(place)[0], _CARGO: place.cargo}


def own_target_steps(builds: Sequence[Build], place: Place) -> tuple[Step, ...]:
    """Write the program where a build needs it."""
    needing = tuple(build.id for build in builds if takes_linker(build, place.host))
    if not needing:
        return ()
    path, text = _program(place)
    return (
        Step(
            what="cargo for this machine's own target",
            command=Command(argv=(path, "--version"), env={_CARGO: place.cargo}),
            builds=needing,
            programs={path: text},
            leaves=path,
        ),
    )


def _program(place: Place) -> tuple[str, str]:
    """Return path and text of the program."""
    variable, linker = host_linker(place)
    here = f"export {variable}={shlex.quote(linker)}\n" if linker is not None else ""
    text = f"""\
#!/bin/sh
export CARGO="${_CARGO}"
linker=${variable}
unset {variable} {_CARGO} {" ".join(_TURNED_ON)}
{here}[ -n "$linker" ] || exec "$CARGO" "$@"
for word; do
    [ "$word" != -- ] || exec "$CARGO" "$@" -C "linker=$linker"
done
exec "$CARGO" "$@" -- -C "linker=$linker"
"""
    return named_program(place, "cargo", text), text
