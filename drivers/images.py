"""Container images: PyPA's well-known ones, and what compilers call processors in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from matrix.driver import Wish
from matrix.model import Target

__all__ = ["compiler_names", "compiler_prefixes", "image_for", "slug"]

# pypa/manylinux, README: the oldest glibc first
_MANYLINUX = (
    ((2, 17), "manylinux2014", frozenset({"x86_64", "i686", "aarch64", "ppc64le", "s390x"})),
    ((2, 28), "manylinux_2_28", frozenset({"x86_64", "i686", "aarch64", "ppc64le", "s390x"})),
    ((2, 31), "manylinux_2_31", frozenset({"armv7l"})),
    ((2, 34), "manylinux_2_34", frozenset({"x86_64", "i686", "aarch64", "ppc64le", "s390x"})),
    ((2, 35), "manylinux_2_35", frozenset({"armv7l"})),
    ((2, 39), "manylinux_2_39", frozenset({"aarch64", "riscv64"})),
)
_MUSLLINUX = ("musllinux_1_2", frozenset({"x86_64", "i686", "aarch64", "ppc64le", "s390x", "armv7l", "riscv64"}))
_USUAL = (2, 28)
_REGISTRY = "quay.io/pypa"
_NAMES = {
    # what gcc -dumpmachine begins with, where that is not the triple's own word
    "armv7": "arm armv7l armv7hl armv7a",
    "i686": "i386 i486 i586",
    "powerpc64le": "ppc64le",
    "riscv64gc": "riscv64",
}


def image_for(wish: Wish, images: Mapping[str, str]) -> str | None:
    """Return the image for a build: the one it names, one of the table given, else the well-known one.

    Args:
        wish: What is built.
        images: Images by pattern of target or level.
    """
    if wish.image is not None:
        return wish.image
    words = (wish.target.triple, str(wish.level))
    for pattern, image in images.items():
        if any(fnmatchcase(word, pattern) for word in words):
            return image
    return _well_known(wish)


def _well_known(wish: Wish) -> str | None:
    """Return the image with the newest C library that the level allows; for an open level the usual one."""
    machine = wish.target.machine
    if wish.target.libc == "musl":
        name, machines = _MUSLLINUX
        return f"{_REGISTRY}/{name}_{machine}" if machine in machines else None
    having = [(glibc, name) for glibc, name, machines in _MANYLINUX if machine in machines]
    versions = wish.level.versions
    if not versions:
        found = next((one for one in having if one[0] >= _USUAL), None)
    else:
        found = max((one for one in having if one[0] <= min(versions)), default=None)
    return None if found is None else f"{_REGISTRY}/{found[1]}_{machine}"


def compiler_names(target: Target) -> str:
    """Return what compilers call the target's processor, words in a line."""
    return f"{target.arch} {_NAMES.get(target.arch, '')}".strip()


def compiler_prefixes(target: Target) -> str:
    """Return what the names of cross compilers for a target start with, words in a line.

    Debian's are called ``aarch64-linux-gnu-gcc``, those of crosstool-ng ``aarch64-unknown-linux-gnu-gcc``.
    """
    arch = {"armv7": "arm", "riscv64gc": "riscv64"}.get(target.arch, target.arch)
    system = target.triple.split("-unknown-", 1)[-1]
    words = (f"{arch}-{system}", f"{arch}-unknown-{system}", target.triple, f"{target.arch}-{system}")
    return " ".join(dict.fromkeys(words))


def slug(image: str, before_all: str) -> str:
    """Return a short name for what is built in an image, after a shell text was run in it; no two share one."""
    digest = hashlib.sha256(f"{image}\0{before_all}".encode()).hexdigest()[:6]
    return f"{re.sub(r'[^a-zA-Z0-9_.]+', '-', image.rpartition('/')[2])}-{digest}"
