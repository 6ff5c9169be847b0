"""Profile-guided builds: what an instrumented module counts while a command uses it, and the flags for rustc.

rustc book, "Profile-guided Optimization". Both builds have lanes of their own: the flags change every crate.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread
import msgspec

from matrix.errors import ToolError, WheelmatrixError
from matrix.events import PrepareEnded, PrepareStarted
from matrix.files import write_if_changed
from matrix.model import Build, Command, Outcome
from matrix.process import run
from matrix.running.bench import Bench, Training

__all__ = ["check_training", "instrumented", "optimised", "train"]

_BIN = "Scripts" if sys.platform == "win32" else "bin"


def check_training(build: Build, bench: Bench) -> str:
    """Return the Python that a build is trained with.

    Raises:
        ToolError: What it makes does not run on this machine.
    """
    hint = "leave --pgo out for it, or build it on a machine of its own kind"
    if build.target.triple != bench.host.target.triple or bench.drivers[build.driver].host_of(build):
        raise ToolError("--pgo must run what is built, and that is not for this very machine", hint=hint)
    if build.interpreter is None:
        return bench.generators[0] if bench.generators else sys.executable
    if build.interpreter.id not in bench.pythons:
        raise ToolError(f"--pgo must run what is built, and no {build.interpreter.id} is on this machine", hint=hint)
    return bench.pythons[build.interpreter.id]


def instrumented(build: Build, bench: Bench) -> Build:
    """Return the build that counts what it does."""
    raw = bench.workshop.profile(build.id) / "raw"
    name = f"{build.id}-instrumented"
    return msgspec.structs.replace(_with_flag(build, f"-Cprofile-generate={raw}"), id=name)


def optimised(build: Build, profile: Path) -> Build:
    """Return the build that is made with a profile; its name has the profile's digest, so that cargo sees a new one."""
    return _with_flag(build, f"-Cprofile-use={profile}")


def _with_flag(build: Build, flag: str, environ: Mapping[str, str] = os.environ) -> Build:
    """Give every crate for the target, and no build script, one more flag for rustc.

    Variables with flags win over cargo's configuration, so that the flag joins them where there are any.
    """
    settings = build.settings
    env = {**environ, **settings.env}
    if env.get("CARGO_ENCODED_RUSTFLAGS"):
        words = [str(env["CARGO_ENCODED_RUSTFLAGS"])]
    elif env.get("RUSTFLAGS"):
        words = str(env["RUSTFLAGS"]).split()
    else:
        quoted = flag.replace("\\", "\\\\").replace('"', '\\"')
        arguments = (*settings.cargo_args, "--config", f'target.{build.target.triple}.rustflags=["{quoted}"]')
        return msgspec.structs.replace(build, settings=msgspec.structs.replace(settings, cargo_args=arguments))
    joined = {**settings.env, "CARGO_ENCODED_RUSTFLAGS": "\x1f".join([*words, flag])}
    return msgspec.structs.replace(build, settings=msgspec.structs.replace(settings, env=joined))


class _Session(msgspec.Struct, frozen=True):
    """One training."""

    build: Build
    bench: Bench
    training: Training
    python: str
    folder: Path

    @property
    def environment(self) -> Path:
        return self.folder / "venv"


async def train(build: Build, bench: Bench, outcome: Outcome, python: str) -> Path:
    """Return the profile of a build: that of the last run when nothing changed, else one that is made now.

    Args:
        build: The build, not yet made.
        bench: What every build needs.
        outcome: What the instrumented build made.
        python: The interpreter.

    Raises:
        WheelmatrixError: The command fails, or counts nothing.
        OSError: A file cannot be written.
    """
    if bench.training is None:
        raise TypeError("a build with a profile needs a training")
    place = bench.workshop.profile(build.id)
    said = (bench.training.command, bench.training.needed, python, bench.training.profdata)
    key = hashlib.sha256(msgspec.json.encode(said)).hexdigest()
    kept = sorted(place.glob("*.profdata"))
    if not outcome.compiled and len(kept) == 1 and _text(place / "key") == key:
        return kept[0]
    what = f"training for {build.id}"
    bench.bus.emit(PrepareStarted(what=what))
    session = _Session(build, bench, bench.training, python, bench.workshop.staging / f"{build.id}-training")
    try:
        return await _trained(session, outcome, place, key)
    finally:
        bench.bus.emit(PrepareEnded(what=what))
        await anyio.to_thread.run_sync(lambda: shutil.rmtree(session.folder, ignore_errors=True))


async def _trained(session: _Session, outcome: Outcome, place: Path, key: str) -> Path:
    raw = place / "raw"
    shutil.rmtree(place, ignore_errors=True)
    for folder in (raw, session.folder):
        folder.mkdir(parents=True)
    await _say(session, (session.python, "-m", "venv", str(session.environment)))
    wheel = await anyio.to_thread.run_sync(session.training.pack, session.build, outcome, session.folder)
    pip = (str(session.environment / _BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if session.training.needed:
        await _say(session, (*pip, *session.training.needed))
    await _say(session, (*pip, "--no-deps", "--force-reinstall", str(wheel)))
    shell = ("cmd", "/C") if sys.platform == "win32" else ("sh", "-c")
    counted = str(raw / "%m_%p.profraw")
    await _say(session, (*shell, session.training.command), {"LLVM_PROFILE_FILE": counted}, "the pgo-command")
    if not any(raw.glob("*.profraw")):
        raise WheelmatrixError("the pgo-command counted nothing", hint="it must import the module and use it")
    merged = place / "merged"
    await _say(session, (session.training.profdata, "merge", "-o", str(merged), str(raw)))
    digest = hashlib.sha256(merged.read_bytes()).hexdigest()
    profile = merged.rename(place / f"{digest[:16]}.profdata")
    write_if_changed(place / "key", key)
    return profile


async def _say(session: _Session, argv: tuple[str, ...], env: Mapping[str, str] | None = None, name: str = "") -> None:
    """Run one step, in the environment that is made for it."""
    path = os.pathsep.join([str(session.environment / _BIN), os.environ.get("PATH", os.defpath)])
    own: dict[str, str | None] = {"PATH": path, "VIRTUAL_ENV": str(session.environment), "PYTHONHOME": None}
    command = Command(argv=argv, env={**own, **(env or {})})
    log = session.bench.workshop.log(f"{session.build.id}-training")
    ended = await run(command, root=session.bench.root, log=log, timeout=session.build.settings.timeout)
    if ended.exit or ended.timed_out:
        what = name or Path(argv[0]).name
        last = next((line for line in reversed(ended.tail) if line.strip()), "")
        how = "took too long" if ended.timed_out else f"ended with {ended.exit}"
        raise WheelmatrixError(f"{what} {how}: {last}" if last else f"{what} {how}", hint=f"see {log}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
