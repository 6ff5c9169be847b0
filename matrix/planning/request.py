"""What planning is given besides the project: what the flags said, and what was found on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from matrix.driver import Driver, Host
from matrix.model import Interpreter
from matrix.platforms.cross_files import CrossFiles
from matrix.project.options import Changes

__all__ = ["Facts", "Request"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the flags said, as plain values; ``None`` and empty mean that a flag was not given.

    Attributes:
        interpreters: Words of ``-i``, or the Python that asks for the build.
        interpreters_origin: Which of them.
        find: ``-f``.
        targets: Triples of ``--target``, or of ``CARGO_BUILD_TARGET`` or ``ARCHFLAGS``.
        targets_origin: Which of them.
        default_target: What cargo's configuration names in place of the host, and where it does.
        explicit_host: Whether that configuration names any target, so that cargo must be told the host's too.
        compatibility: Levels of ``--compatibility``.
        only: Patterns of cell ids (``--only``).
        settings: How builds are made, as far as flags say so.
        prefers: Driver that is asked first wherever no row names another (``--zig``), or empty.
        skip_audit: ``--skip-auditwheel``: nothing is claimed that nobody asked for.
        debuginfo: Whether debug info lies in files of its own (``--include-debuginfo``).
        pgo: Whether builds are made with a profile (``--pgo``).
        surveys: Whether what cannot be built is only told, and never an error (``doctor``).
    """

    interpreters: tuple[str, ...] | None = None
    interpreters_origin: str = "-i"
    find: bool = False
    targets: tuple[str, ...] | None = None
    targets_origin: str = "--target"
    default_target: tuple[str, str] | None = None
    explicit_host: bool = False
    compatibility: tuple[str, ...] | None = None
    only: tuple[str, ...] = ()
    settings: Changes = msgspec.field(default_factory=Changes)
    prefers: str = ""
    skip_audit: bool = False
    debuginfo: bool = False
    pgo: bool = False
    surveys: bool = False

    @property
    def narrows(self) -> bool:
        """Whether a flag replaces an axis of the matrix."""
        return self.find or any(axis is not None for axis in (self.interpreters, self.targets, self.compatibility))


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What was found on this machine, as plain values.

    Attributes:
        host: The machine that plans, and its tools.
        drivers: Drivers that can be chosen, the best first.
        installations: Pythons found; the first of its kind wins.
        named: What the words of :class:`Lookups` turned out to be.
        default: The current ``python3``, or ``None`` when there is none.
        durations: Seconds that builds took the last time, by build id.
        environ: Variables that change a platform tag (``MACOSX_DEPLOYMENT_TARGET``, …) or tell of a foreign Python.
        cross: What lies in the directories that ``PYO3_CROSS_LIB_DIR`` names, by its value.
    """

    host: Host
    drivers: Sequence[Driver]
    installations: Sequence[Interpreter] = ()
    named: Mapping[str, Interpreter] = msgspec.field(default_factory=dict)
    default: Interpreter | None = None
    durations: Mapping[str, float] = msgspec.field(default_factory=dict)
    environ: Mapping[str, str] = msgspec.field(default_factory=dict)
    cross: Mapping[str, CrossFiles] = msgspec.field(default_factory=dict)
