"""What an audit of finished wheels comes to: the document that ``wheelmatrix audit --json`` prints."""

from __future__ import annotations

import msgspec

from matrix.model import Finding

__all__ = ["Audits", "Upgrade", "WheelAudit"]


class Upgrade(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What keeps a wheel from a level.

    Attributes:
        libs_to_eliminate: Libraries needed that it does not allow.
        blacklisted_symbols: Symbols used that it forbids, by library.
        versioned_symbols: Symbol versions needed that it does not have, by library.
    """

    libs_to_eliminate: tuple[str, ...] = ()
    blacklisted_symbols: dict[str, tuple[str, ...]] = {}
    versioned_symbols: dict[str, tuple[str, ...]] = {}


class WheelAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one wheel; fields that auditwheel has too are named as there.

    Attributes:
        file: Name of the wheel.
        pure: Whether it holds no binary of any format.
        tags: Every tag in its name, expanded and sorted.
        overall_tag: The best platform tag its binaries meet; ``any`` for a pure wheel, empty when nothing in it
            could be judged.
        sym_tag: The best one by symbol versions alone.
        pyfpe: Whether a binary uses fpectl, which only some builds of Python have.
        ucs2: Whether one uses the narrow Unicode of Python 2.
        unsupported_isa: Whether a binary asks for more than the architecture's base instructions.
        needed_libs: Every library that a binary needs, sorted; the wheel's own among them.
        versioned_symbols: Symbol versions needed, by library; the loader's own are not here.
        external_libs: Libraries that the widest level does not allow, or that neither macOS or Windows nor the
            wheel has; values are always null.
        policy_upgrades: What keeps it from each wider level.
        findings: What there is to say.
    """

    file: str
    pure: bool
    tags: tuple[str, ...]
    overall_tag: str
    sym_tag: str
    pyfpe: bool = False
    ucs2: bool = False
    unsupported_isa: bool = False
    needed_libs: tuple[str, ...] = ()
    versioned_symbols: dict[str, tuple[str, ...]] = {}
    external_libs: dict[str, None] = {}
    policy_upgrades: dict[str, Upgrade] = {}
    findings: tuple[Finding, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


class Audits(msgspec.Struct, frozen=True, kw_only=True):
    """What ``wheelmatrix audit --json`` prints.

    Attributes:
        version: Of this format.
        wheels: In the order they were named.
    """

    version: int = 1
    wheels: tuple[WheelAudit, ...]

    @property
    def exit_code(self) -> int:
        """0 when every wheel keeps what it claims, else 1."""
        return int(any(wheel.failed for wheel in self.wheels))
