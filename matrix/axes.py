"""The nouns that a matrix is made of: targets, interpreters, stable ABIs and compatibility levels."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

__all__ = ["AbiKind", "Compatibility", "Implementation", "Interpreter", "StableAbi", "Target"]

Implementation: TypeAlias = Literal["cpython", "pypy", "graalpy"]
AbiKind: TypeAlias = Literal["abi3", "abi3t"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A Rust target triple, parsed, and what Python calls that platform.

    Attributes:
        triple: As rustc writes it, e.g. ``aarch64-unknown-linux-gnu``.
        arch: The triple's first part, e.g. ``armv7``.
        os: ``linux``, ``macos``, ``windows`` or what rustc calls another system.
        libc: ``gnu``, ``musl``, ``msvc``, ``gnullvm`` or empty.
        machine: The architecture in a wheel's platform tag: ``x86_64``, ``i686``, ``armv7l``,
            ``ppc64le``, ``arm64`` (macOS), ``amd64``, ``32`` or ``arm64`` (Windows), …
        pointer_width: 32 or 64, in bits.
    """

    triple: str
    arch: str
    os: str
    libc: str
    machine: str
    pointer_width: int


class StableAbi(msgspec.Struct, frozen=True, kw_only=True):
    """A stable ABI and its floor: ``abi3`` from Python 3.9 is ``("abi3", (3, 9))``."""

    kind: AbiKind
    version: tuple[int, int]

    @property
    def python_tag(self) -> str:
        """The wheel's python tag: ``cp39``."""
        return f"cp{self.version[0]}{self.version[1]}"

    @property
    def abi_tag(self) -> str:
        """The wheel's ABI tag (PEP 384, PEP 803): ``abi3`` or ``abi3.abi3t``."""
        return "abi3" if self.kind == "abi3" else "abi3.abi3t"


class Interpreter(msgspec.Struct, frozen=True, kw_only=True):
    """A Python to build for; found on this host, or known from tables.

    Attributes:
        implementation: ``cpython``, ``pypy`` or ``graalpy``.
        version: Major and minor, e.g. ``(3, 12)``.
        abi_flags: ``t`` (free-threaded), ``m`` (CPython 3.7), ``d`` (debug) or empty; letters add up.
        python_tag: First part of a wheel's tag, e.g. ``cp312`` or ``pp311``.
        abi_tag: Second part, e.g. ``cp312``, ``cp314t``, ``pypy311_pp73``.
        ext_suffix: File suffix of an extension module, e.g. ``.cpython-312-x86_64-linux-gnu.so``.
        pointer_width: 32 or 64, in bits.
        shared: Whether a shared libpython exists (``Py_ENABLE_SHARED``).
        lib_name: The ``-l`` name of libpython, e.g. ``python3.12``, or ``None``.
        full_version: All of the version, e.g. ``3.12.1``; empty when known from tables.
        platform: ``sysconfig.get_platform()``; empty when known from tables.
        runnable: Whether it was found on this host.
    """

    implementation: Implementation
    version: tuple[int, int]
    abi_flags: str = ""
    python_tag: str
    abi_tag: str
    ext_suffix: str
    pointer_width: int = 64
    shared: bool = True
    lib_name: str | None = None
    full_version: str = ""
    platform: str = ""
    runnable: bool = False

    @property
    def id(self) -> str:
        """Short unique name within a matrix: ``cp312``, ``cp314t``, ``pp311``, ``graalpy311``."""
        return f"{self.python_tag}{self.abi_flags if self.implementation == 'cpython' else ''}".replace("m", "")

    @property
    def free_threaded(self) -> bool:
        """Whether this is a free-threaded CPython (PEP 703)."""
        return "t" in self.abi_flags


class Compatibility(msgspec.Struct, frozen=True, kw_only=True):
    """A platform-tag level.

    Attributes:
        family: ``manylinux`` or ``musllinux`` (with a version), ``linux`` (no claim), or ``auto``
            (the best level the binary meets).
        version: The libc version of the level, e.g. ``(2, 17)``; ``None`` for ``linux``, ``auto`` and a choice.
        among: For a choice: the versions allowed, lowest first, of which the lowest that is met is taken;
            ``family`` is theirs. Meeting none is a failure, as with one level.
    """

    family: Literal["manylinux", "musllinux", "linux", "auto"]
    version: tuple[int, int] | None = None
    among: tuple[tuple[int, int], ...] = ()

    @property
    def versions(self) -> tuple[tuple[int, int], ...]:
        """The libc versions that will do, of one level or a choice; none for ``linux`` and ``auto``."""
        return self.among or ((self.version,) if self.version is not None else ())

    def __str__(self) -> str:
        if self.among:
            return f"{self.family}_{'-or-'.join(f'{major}_{minor}' for major, minor in self.among)}"
        return self.family if self.version is None else f"{self.family}_{self.version[0]}_{self.version[1]}"
