"""The oldest glibc that zig and Rust's standard library can link for an architecture."""

from __future__ import annotations

from matrix.model import Target

__all__ = ["zig_floor"]

_FLOOR = (2, 17)  # what Rust's standard library needs
_FLOORS = {
    # the oldest glibc that zig carries for an architecture, where it is newer than Rust's (zig: std.zig.target)
    "loongarch64": (2, 36),
    "powerpc64le": (2, 19),
    "riscv64gc": (2, 31),  # zig could 2.27, Rust cannot
}


def zig_floor(target: Target) -> tuple[int, int]:
    """Return the oldest glibc that both zig and Rust's standard library can link for a Linux architecture."""
    return _FLOORS.get(target.arch, _FLOOR)
