"""The targets that tests build for, and the environment in which all of them can be built.

As a program (``python -m support.cross``) it provides everything that tests can ask for, and says how long that took.
"""

from __future__ import annotations

import time

from support.foreign import ARCHITECTURES
from support.provision import provide

__all__ = ["IMAGES", "TARGETS", "cross_environment"]

TARGETS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "armv7-unknown-linux-gnueabihf",
    "i686-unknown-linux-gnu",
    "powerpc64le-unknown-linux-gnu",
    "s390x-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-gnu",
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
    "i686-pc-windows-msvc",
)

IMAGES = ("bullseye", "bookworm", "manylinux", "cross-aarch64", "arm64")


def cross_environment() -> dict[str, str]:
    """Return variables that choose a toolchain with the std of all ``TARGETS`` and the stand-in for Microsoft's SDK."""
    (toolchain,) = provide("toolchain", *TARGETS)
    (sdk,) = provide("xwin")
    return {"RUSTUP_TOOLCHAIN": toolchain, "XWIN_CACHE_DIR": sdk, "XWIN_ARCH": "x86_64,aarch64,x86"}


def main() -> None:
    """Provide what the tests would provide when they need it."""
    for script, *arguments in (
        ("toolchain", *TARGETS),
        ("xwin",),
        ("sysroot", "arm64"),
        *(("image", name) for name in IMAGES),
        *(("root", architecture) for architecture in ARCHITECTURES),
    ):
        began = time.monotonic()
        (made,) = provide(script, *arguments)
        print(f"{script}: {made} ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
