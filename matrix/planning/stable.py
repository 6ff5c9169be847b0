"""Which Pythons a stable ABI serves, and which ones the locked bindings can build for at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matrix.model import Interpreter, StableAbi, Target
from matrix.planning.pyo3_config import pyo3_release
from matrix.project.bindings import Bindings

__all__ = ["Refusal", "embeds_python", "refusal", "runs_python", "serving"]

_ABI3T_FROM = (3, 15)  # PEP 803
_CONFIG_OBEYS_FEATURE = (0, 23)  # from here on PyO3 holds a configuration file against the abi3-py3* feature
_NAMES = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}


class Refusal(NamedTuple):
    """Why something is not built.

    Attributes:
        reason: The reason, in one line.
        hint: What to do about it, or ``None``.
        about_python: Whether the Python itself is not one to build for, so that a specifier does not mean it.
        missing: Whether this machine lacks what builds it.
    """

    reason: str
    hint: str | None = None
    about_python: bool = False
    missing: bool = False


def serving(stable: Sequence[StableAbi], interpreter: Interpreter) -> StableAbi | None:
    """Return the stable ABI whose wheel serves an interpreter, or ``None`` when it needs one of its own.

    abi3 serves CPython from its floor on (PEP 384), but no free-threaded one; abi3t serves both kinds from
    3.15 on (PEP 803) and is preferred there, as PyO3 does. PyPy and GraalPy are served by neither.
    """
    if interpreter.implementation != "cpython":
        return None
    for abi in sorted(stable, key=lambda abi: abi.kind, reverse=True):
        if abi.kind == "abi3t":
            if interpreter.version >= max(abi.version, _ABI3T_FROM):
                return abi
        elif not interpreter.free_threaded and interpreter.version >= abi.version:
            return abi
    return None


def refusal(bindings: Bindings, stable: Sequence[StableAbi], interpreter: Interpreter) -> Refusal | None:
    """Return why the locked bindings cannot build for an interpreter, or ``None`` when they can."""
    if serving(stable, interpreter) is not None:
        oldest = bindings.ranges.get("cpython")
        if oldest is None or interpreter.version >= oldest[0]:
            return None  # compiled for the floor, so a Python newer than the bindings is served too
    elif bindings.supports(interpreter):
        return _below_floor(bindings, stable, interpreter)
    return _unsupported(bindings, interpreter)


def runs_python(bindings: Bindings, interpreter: Interpreter | None, target: Target, host: Target) -> Refusal | None:
    """Return why a build script could not run a Python, where the bindings always do, or ``None``.

    Args:
        bindings: The bindings.
        interpreter: The Python built for.
        target: Where it is to run.
        host: This machine.
    """
    if bindings.kind != "rust-cpython" or interpreter is None:
        return None
    if target.triple != host.triple:
        return Refusal(
            f"rust-cpython runs the Python that it builds for, so it builds for {host.triple} alone here",
            hint="run it on a machine of that platform, or leave the target out",
        )
    if interpreter.runnable:
        return None
    return Refusal(
        f"rust-cpython runs the Python that it builds for, and {interpreter.id} is not here",
        hint="install that Python, or name one that is here (-i, see wheelmatrix interpreters)",
        missing=True,
    )


def embeds_python(bindings: Bindings, interpreter: Interpreter | None, target: Target, host: Target) -> Refusal | None:
    """Return why a program cannot have a Python in it, or ``None``: it links libpython. See :func:`runs_python`."""
    if not bindings.embeds or interpreter is None or (target.triple == host.triple and interpreter.runnable):
        return None
    return Refusal(
        f"the program links the libpython of {interpreter.id}, which is not here for {target.triple}",
        hint="install that Python, or name the directory of its library with PYO3_CROSS_LIB_DIR",
        missing=True,
    )


def _unsupported(bindings: Bindings, interpreter: Interpreter) -> Refusal:
    name = _NAMES[interpreter.implementation]
    if interpreter.free_threaded:
        name, span = "free-threaded CPython", bindings.free_threaded
    else:
        span = bindings.ranges.get(interpreter.implementation)
    if span is None:
        return Refusal(f"{bindings.label} does not support {name}", about_python=True)
    newer = interpreter.version > span[1]
    updates = newer and bindings.kind != "rust-cpython"  # which has seen its last release
    hint = f"update {bindings.kind}: cargo update -p {bindings.kind}" if updates else None
    return Refusal(
        f"{bindings.label} supports {name} {_dotted(span[0])} to {_dotted(span[1])}", hint, about_python=True
    )


def _below_floor(bindings: Bindings, stable: Sequence[StableAbi], interpreter: Interpreter) -> Refusal | None:
    """PyO3 of today refuses a Python below the floor; asked to find one itself, it links symbols that are not there."""
    floor = next((abi.version for abi in stable if abi.kind == "abi3"), None)
    if floor is None or interpreter.version >= floor or interpreter.implementation != "cpython":
        return None
    if pyo3_release(bindings.version) < _CONFIG_OBEYS_FEATURE or interpreter.free_threaded:
        return None
    feature = f"abi3-py{floor[0]}{floor[1]}"
    return Refusal(
        f"{bindings.label} with its feature {feature} builds for nothing older than Python {_dotted(floor)}",
        f"turn the feature on where it fits: [tool.maturin] features = "
        f'[{{ feature = "pyo3/{feature}", python-version = ">={_dotted(floor)}" }}]',
        about_python=True,
    )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
