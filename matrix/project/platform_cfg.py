"""Whether a dependency that Cargo.toml limits to a platform is there for a target.

Only what a target triple tells is known (``target_os``, ``unix``, …); anything else in a ``cfg`` is taken
as unset, which is good enough to estimate how much there is to compile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from matrix.model import Target

__all__ = ["applies"]

_TOKEN = re.compile(r'\s*(?:([A-Za-z_]\w*)|("(?:[^"\\]|\\.)*")|([(),=]))')
_APPLE = {"macos", "ios", "tvos", "watchos", "visionos"}
_NO_ATOMIC_64 = {"mips", "powerpc", "riscv32", "armv5te"}
_DEPTH = 40  # nesting that a manifest may have


def applies(platform: str | None, target: Target) -> bool:
    """Return whether ``platform``, a triple or ``cfg(…)``, holds for ``target``.

    An expression that cannot be read holds: better to expect a crate too many.
    """
    if platform is None:
        return True
    if not platform.startswith("cfg("):
        return platform == target.triple
    try:
        tokens = [*_tokens(platform)]
        value, rest = _expression(tokens[2:-1], target, 0)
    except (ValueError, IndexError):
        return True
    return value if not rest else True


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(text)
        yield match[0].strip()
        at = match.end()


def _expression(tokens: list[str], target: Target, depth: int) -> tuple[bool, list[str]]:
    """Return the value of the expression that ``tokens`` begin with, and what follows it."""
    if depth > _DEPTH:
        raise ValueError(tokens)
    head, following = tokens[0], tokens[1] if len(tokens) > 1 else ""
    if following == "(" and head in ("all", "any", "not"):
        values: list[bool] = []
        rest = tokens[2:]
        while rest[0] != ")":
            value, rest = _expression(rest, target, depth + 1)
            values.append(value)
            rest = rest[1:] if rest[0] == "," else rest
        return {"all": all, "any": any, "not": _none}[head](values), rest[1:]
    if following == "=":
        return tokens[2].strip('"') in _facts(target).get(head, ()), tokens[3:]
    if not re.fullmatch(r"[A-Za-z_]\w*", head):
        raise ValueError(head)
    return head == "true" or head in _families(target), tokens[1:]


def _none(values: list[bool]) -> bool:
    return not any(values)


def _facts(target: Target) -> dict[str, tuple[str, ...]]:
    arch = "x86" if re.fullmatch(r"i[3-6]86", target.arch) else target.arch
    short = {"armv7": "arm", "powerpc64le": "powerpc64", "riscv64gc": "riscv64", "arm64": "aarch64"}.get(arch, arch)
    vendor = "apple" if target.os in _APPLE else "pc" if target.os == "windows" else "unknown"
    return {
        "target_os": (target.os,),
        "target_arch": (short,),
        "target_env": (target.libc,),
        "target_vendor": (vendor,),
        "target_family": tuple(_families(target)),
        "target_has_atomic": ("8", "16", "32", "ptr", *(() if short in _NO_ATOMIC_64 else ("64",))),
        "target_pointer_width": (str(target.pointer_width),),
        "target_endian": ("big" if short in ("s390x", "powerpc") else "little",),
    }


def _families(target: Target) -> set[str]:
    if target.os == "windows":
        return {"windows"}
    return {"unix", "wasm"} if target.os == "emscripten" else {"wasm"} if "wasm" in target.arch else {"unix"}
