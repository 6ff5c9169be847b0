"""Which commands install what a doctor misses, as this machine can run them; pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePath

import msgspec

from matrix.model import Command

__all__ = ["RUST_INFO", "Action", "Means", "actions"]

RUST_INFO = "env.json"
"""File below ``Means.rust`` with the variables that make an installed Rust usable."""

_PACKAGES = {
    # what Debian's packages are called elsewhere
    "dnf": {"lld": "lld", "mingw-w64": "mingw64-gcc", "docker.io": "docker"},
    "brew": {"clang": "llvm", "docker.io": "docker"},
}


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What installs things on this machine.

    Attributes:
        python: Our own interpreter.
        pip: Whether it has pip.
        uv: Path of uv, or ``None``.
        rustup: Path of rustup, or ``None``.
        apt: Path of apt-get, or ``None``.
        other: ``dnf``, ``brew`` or empty, where there is no apt-get.
        root: Whether we may change the system.
        rust: Directory that a Rust of our own goes to.
    """

    python: str
    pip: bool = True
    uv: str | None = None
    rustup: str | None = None
    apt: str | None = None
    other: str = ""
    root: bool = False
    rust: str = "rust"


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A command to show, and to run when told so.

    Attributes:
        text: As people type it.
        command: What is run; ``None`` when people must do it themselves.
        why_not: Why it is only shown; empty when it is run.
    """

    text: str
    command: Command | None = None
    why_not: str = ""


def actions(commands: Sequence[str], means: Means) -> tuple[Action, ...]:
    """Return what to do for each command of a checkup, in order, each once."""
    planned = [one for text in commands for one in _actions(text, means)]
    return tuple({one.text: one for one in planned}.values())


def _actions(text: str, means: Means) -> Iterator[Action]:
    words = tuple(text.split()) if "|" in text else tuple(shlex.split(text))
    match words:
        case ("pip", "install", *packages):
            yield _pip(tuple(packages), means)
        case ("rustup", *rest) if means.rustup is not None:
            yield Action(text=text, command=Command(argv=(means.rustup, *rest)))
        case ("apt-get", "install", *packages):
            yield _system(text, tuple(packages), means)
        case ("curl", *_):
            yield from _rust(means)
        case _:
            yield Action(text=text, why_not="run it yourself")


def _pip(packages: tuple[str, ...], means: Means) -> Action:
    argv = (means.python, "-m", "pip", "install", *packages)
    if means.pip:
        return Action(text=shlex.join(argv), command=Command(argv=argv))
    tool = "uv" if means.uv is None else means.uv
    text = shlex.join((tool, "pip", "install", "--python", means.python, *packages))
    return Action(text=text, why_not="this environment has no pip")


def _system(text: str, packages: tuple[str, ...], means: Means) -> Action:
    if means.apt is not None and means.root:
        argv = (means.apt, "install", "-y", *packages)
        return Action(text=text, command=Command(argv=argv, env={"DEBIAN_FRONTEND": "noninteractive"}))
    if means.apt is None and means.other:
        names = _PACKAGES.get(means.other, {})
        text = " ".join([means.other, "install", *(names.get(package, package) for package in packages)])
        return Action(text=text, why_not="run it yourself")
    return Action(text=text, why_not="it needs root" if means.apt is not None else "run it yourself")


def _rust(means: Means) -> Iterator[Action]:
    """Puccinialin fetches rustup and lets it install Rust into a directory of ours; its JSON names the variables."""
    fetch = _pip(("puccinialin",), means)
    yield fetch
    info = str(PurePath(means.rust, RUST_INFO))
    argv = (means.python, "-m", "puccinialin", "--location", means.rust, "--info-json", info)
    if fetch.command is None:
        yield Action(text=shlex.join(argv), why_not=fetch.why_not)
    else:
        yield Action(text=shlex.join(argv), command=Command(argv=argv))
