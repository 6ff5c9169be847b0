"""Whether a wheel for the stable ABI uses nothing else of Python, and nothing newer than its floor (PEP 384)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from matrix.auditing.claims import Claims
from matrix.auditing.elf import Binary
from matrix.auditing.natives import Native
from matrix.auditing.remarks import symbol_list
from matrix.model import Finding

__all__ = ["stable_abi_findings", "taken_from_python"]

_FLOOR = re.compile(r"cp3(\d{1,2})")
_PYTHON = ("Py", "_Py")
_OWN = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_")  # entry points of other modules in the same file
_SHOWN = 5


def taken_from_python(binary: Native) -> tuple[str, ...]:
    """Return the symbols of Python that a binary must find when it is loaded, sorted."""
    if isinstance(binary, Binary):
        return tuple(name for name in binary.undefined if name.startswith(_PYTHON))
    return binary.python


def stable_abi_findings(binaries: Iterable[Native], claims: Claims) -> Iterator[Finding]:
    """Yield an error for each file of an abi3 wheel that asks more of Python than the stable ABI of its floor has.

    The table is abi3info's, made from CPython's own ``stable_abi.toml``.
    """
    floor = _floor(claims)
    if floor is None:
        return
    for binary in binaries:
        names = [name for name in taken_from_python(binary) if not name.startswith(_OWN)]
        if not names:
            continue
        since = _since()
        strange = [name for name in names if name not in since]
        new = {name: since[name] for name in names if since.get(name, floor) > floor}
        if strange:
            yield Finding(
                code="not-stable-abi",
                severity="error",
                file=binary.file,
                message=f"uses {symbol_list(strange, limit=_SHOWN)}, which is no part of the stable ABI",
            )
        if new:
            listed = [f"{name} (3.{minor})" for name, minor in new.items()]
            yield Finding(
                code="stable-abi-too-new",
                severity="error",
                file=binary.file,
                message=f"the tag says Python 3.{floor}, but it uses {symbol_list(listed, limit=_SHOWN)}",
                hint=f"raise the floor to cp3{max(new.values())} (abi3-py3{max(new.values())}), or leave it out",
            )


def _floor(claims: Claims) -> int | None:
    """Return the minor version of the oldest Python that installs a wheel for the stable ABI."""
    matches = [_FLOOR.fullmatch(python) for python, abi in claims.interpreters if abi.startswith("abi3")]
    return min((int(match[1]) for match in matches if match), default=None)


@cache
def _since() -> dict[str, int]:
    """Return the minor version of Python in which each symbol joined the stable ABI."""
    from abi3info import DATAS, FUNCTIONS  # noqa: PLC0415 - a large table, and only stable-ABI wheels need it

    return {symbol.name: found.added.minor for table in (FUNCTIONS, DATAS) for symbol, found in table.items()}
