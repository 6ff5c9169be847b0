"""Makes weak symbol versions optional for the loader too, so that they do not count in truth.

Linkers write a version that only weak symbols ask for like any other, and glibc then refuses a file on a system
without that version (rust-lang/rust#36826), although every such symbol may be missing. The need has a flag that
says so; with it set the loader goes on and leaves the symbols null, which their users check for.
"""

from __future__ import annotations

import struct
from pathlib import Path

from matrix.auditing.elf import read_elf
from matrix.auditing.image import BadBinaryError, open_image
from matrix.auditing.policies import policies, policy_for
from matrix.auditing.symbols import VER_FLG_WEAK, read_strings, version_records
from matrix.model import Compatibility

__all__ = ["flag_weak_needs"]

_FLAGS_OFFSET = 4  # of vna_flags in a version need


def flag_weak_needs(path: Path, level: Compatibility, machine: str) -> tuple[str, ...]:
    """Flag the weak symbol versions that ``level`` does not have; return them, ``GLIBC_2.39`` and the like.

    Changes two bytes a version in place and nothing else, so the file must be a copy, never cargo's own output.
    Nothing is changed for a level that claims nothing, nor where no weak version is above the level.

    Args:
        path: The binary.
        level: The manylinux level its wheel will carry.
        machine: Architecture in its platform tag.

    Raises:
        BadBinaryError: It is no ELF file that a loader could load.
        OSError: It cannot be read or written.
    """
    if level.family != "manylinux" or level.version is None or not policies("manylinux", machine):
        return ()
    policy = policy_for("manylinux", level.version, machine)
    data = path.read_bytes()
    above = {
        (need.library, need.version)
        for need in read_elf(path.name, data).needs
        if need.weak and not need.flagged and policy is not None and not policy.allows(need.version)
    }
    if not above:
        return ()
    image = open_image(data)
    dynamic = image.dynamic()
    strings = read_strings(image, dynamic)
    with path.open("r+b") as file:
        for library, version, flags, _, place in version_records(image, dynamic):
            if (strings.at(library), strings.at(version)) in above:
                file.seek(place + _FLAGS_OFFSET)
                file.write(struct.pack(f"{image.order}H", flags | VER_FLG_WEAK))
    left = [need.version for need in read_elf(path.name, path.read_bytes()).needs if need.weak and not need.flagged]
    if {version for _, version in above} & set(left):
        raise BadBinaryError(f"{path.name}: its weak symbol versions cannot be flagged")
    return tuple(sorted({version for _, version in above}))
