"""The program that reads the C interface of a crate: the user's own, else one that cargo installs for us, once.

maturin has cbindgen built in. So a project that changes its back end and nothing else must find one: where there is
none, the version that maturin is locked to is compiled into our cache directory.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from matrix.driver import Host, Step, build_dir_args
from matrix.model import Command
from matrix.platforms.answers import home_directory

__all__ = ["INSTALL", "INSTEAD", "find_cbindgen", "install_step", "may_install"]

VERSION = "0.29.2"  # of maturin 1.16's Cargo.lock
INSTALL = f"cargo install --locked cbindgen@{VERSION}"
INSTEAD = "cargo install cbindgen, or lay a header of your own at target/header.h, or have build.rs write it"
_NAME = "cbindgen"

# What is meant for the project's own crates, and would choose another target, place, or code for this one.
_FOR_THE_PROJECT = re.compile(
    r"RUSTFLAGS|CARGO_ENCODED_RUSTFLAGS|CARGO_TARGET_.+_RUSTFLAGS|CARGO_BUILD_(RUSTFLAGS|TARGET)|CARGO_TARGET_DIR"
    r"|CARGO_BUILD_(TARGET|BUILD)_DIR|(CARGO_BUILD_)?RUSTC_WORKSPACE_WRAPPER|CARGO_PROFILE_.+|CARGO_(BUILD_)?INCREMENTAL"
    r"|CARGO_UNSTABLE_.+"
)
# A third of the time that optimising takes; thirty thousand lines are read in less than a second all the same.
_PROFILE = {"OPT_LEVEL": "0", "LTO": "off", "CODEGEN_UNITS": "16", "DEBUG": "0"}


def find_cbindgen(cache: Path, host: Host, environ: Mapping[str, str]) -> str | None:
    """Return the cbindgen to call: the one on PATH, one that cargo installed, or ours; ``None`` where there is none.

    Args:
        cache: Directory for what is prepared once a machine.
        host: The machine.
        environ: The environment: ``PATH``, ``CARGO_HOME``.
    """
    home = home_directory(environ)
    cargo_home = environ.get("CARGO_HOME") or (str(home / ".cargo") if home is not None else "")
    places = [environ.get("PATH"), str(Path(cargo_home, "bin")) if cargo_home else "", str(_root(cache, host) / "bin")]
    return next((found for place in places if place and (found := shutil.which(_NAME, path=place))), None)


def may_install(host: Host) -> bool:
    """Whether cargo may fetch one."""
    return not (host.offline or host.cargo_offline)


def install_step(
    builds: Sequence[str], *, cache: Path, host: Host, cargo: str, jobs: int, environ: Mapping[str, str]
) -> Step:
    """Return what installs our own into the cache directory; cargo puts the finished program there in one go.

    cargo reads its configuration of the user here and none of the project (cargo reference, ``cargo install``), and
    the project's directory says which toolchain compiles.

    Args:
        builds: Ids of the builds that need it.
        cache: Directory for what is prepared once a machine.
        host: The machine.
        cargo: The cargo to call.
        jobs: The number of slots of the whole run.
        environ: The environment; what is in it for the project's own crates does not count here.
    """
    root = _root(cache, host)
    work = root.with_name(f"{root.name}.work")
    argv = [cargo, "install", _NAME, "--version", f"={VERSION}", "--locked", "--root", str(root)]
    argv += ["--target", host.target.triple, "--target-dir", str(work), "--force"]
    argv += build_dir_args(str(work))
    env: dict[str, str | None] = {name: None for name in environ if _FOR_THE_PROJECT.fullmatch(name)}
    env |= {f"CARGO_PROFILE_RELEASE_{name}": value for name, value in _PROFILE.items()}
    env["CARGO_BUILD_JOBS"] = str(jobs)
    return Step(
        what=f"{_NAME} {VERSION} for cffi bindings",
        command=Command(argv=tuple(argv), env=env),
        builds=tuple(builds),
        lock=root.name,
        leaves=str(root / "bin" / f"{_NAME}{'.exe' if sys.platform == 'win32' else ''}"),
        scratch=str(work),
        compiles=True,
        hint=INSTEAD,
    )


def _root(cache: Path, host: Host) -> Path:
    """Return where ours is; a home that machines share has one for each C library."""
    libc = "".join(f".{part}" for part in host.glibc or ())
    return cache / "tools" / f"{_NAME}-{VERSION}-{host.target.triple}{libc}"
