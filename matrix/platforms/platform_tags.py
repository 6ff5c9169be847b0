"""The platform part of a wheel's tag, for every target and level (PEP 425, 600, 656, 730, 738, 783)."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence

from matrix.errors import UsageError
from matrix.model import Compatibility, Target
from matrix.platforms.targets import UNIVERSAL2, slices

__all__ = ["TAG_VARIABLES", "deployment_target", "level_tags", "override", "platform_tags"]

TAG_VARIABLES = (
    "_PYTHON_HOST_PLATFORM",
    "MACOSX_DEPLOYMENT_TARGET",
    "IPHONEOS_DEPLOYMENT_TARGET",
    "ANDROID_API_LEVEL",
    "PYEMSCRIPTEN_PLATFORM_VERSION",
    "PYODIDE_ABI_VERSION",
    "FREEBSD_VERSION",
    "NETBSD_VERSION",
    "OPENBSD_VERSION",
    "DRAGONFLY_VERSION",
)
"""Every environment variable that can change a platform tag."""

_OLDER = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
"""Levels that older pips and indexes know by another name alone."""
_ALIASED = frozenset({"x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x"})  # PEP 599
_MACOS_FLOOR = {"aarch64": (11, 0), "x86_64": (10, 12), "i686": (10, 12)}  # rustc --print deployment-target
_IOS_FLOOR = (13, 0)  # PEP 730
_NUMBER = re.compile(r"\d{1,3}", re.ASCII)
_YEAR = re.compile(r"\d{4}_\d{1,3}", re.ASCII)


def platform_tags(
    target: Target,
    level: Compatibility | None = None,
    environ: Mapping[str, str] | None = None,
    slice_environs: Sequence[Mapping[str, str]] = (),
) -> tuple[str, ...]:
    """Return the platform tags of a wheel, sorted as they stand in its file name.

    Args:
        target: What it was built for.
        level: The level it meets; counts on Linux only. ``None``, ``linux`` and ``auto`` make no claim.
        environ: Variables that can change the tag (``MACOSX_DEPLOYMENT_TARGET``, ``_PYTHON_HOST_PLATFORM``
            …); none by default.
        slice_environs: The same for each of the ``slices`` of universal2; ``environ`` by default.

    Raises:
        UsageError: A variable cannot be understood, or one that the platform needs is not set.
    """
    env = environ or {}
    forced = override(target, env)
    if forced is not None:
        return (forced,)
    if target.os == "linux":
        return _linux(target, level)
    if target.os == "macos":
        return _macos(target, slice_environs or [env] * len(slices(target)))
    if target.os == "windows":
        return ("win32" if target.machine == "32" else f"win_{target.machine}",)
    return (_other(target, env),)


def override(target: Target, environ: Mapping[str, str]) -> str | None:
    """Return the tag that ``_PYTHON_HOST_PLATFORM`` forces on wheels of this target, or ``None``.

    It names one platform, so it counts only for targets of that system and machine: in a matrix it must
    not give every other wheel the same wrong tag.
    """
    named = re.sub(r"[^a-z0-9_]", "_", environ.get("_PYTHON_HOST_PLATFORM", "").strip().lower())
    system = {"macos": "macosx", "windows": "win"}.get(target.os, target.os)
    return named if named.startswith(system) and named.endswith(target.machine) else None


def deployment_target(target: Target, environ: Mapping[str, str] | None = None) -> tuple[int, int]:
    """Return the oldest macOS a build must run on: ``MACOSX_DEPLOYMENT_TARGET``, or Rust's floor if that is newer.

    Args:
        target: One macOS architecture (not universal2).
        environ: Holds the variable; none by default.

    Raises:
        UsageError: The variable is no version.
    """
    floor = _MACOS_FLOOR[target.arch]
    asked = _version("MACOSX_DEPLOYMENT_TARGET", environ or {})
    return floor if asked is None else max(floor, asked)


def _linux(target: Target, level: Compatibility | None) -> tuple[str, ...]:
    if level is None or level.version is None:
        return (f"linux_{target.machine}",)
    return level_tags(level, target.machine)


def level_tags(level: Compatibility, machine: str) -> tuple[str, ...]:
    """Return the platform tags of a manylinux or musllinux level, sorted: ``manylinux2014_x86_64`` is one of 2_17's."""
    tags = [f"{level}_{machine}"]
    known = _ALIASED if level.version == (2, 17) else ("x86_64", "i686")
    if level.family == "manylinux" and level.version in _OLDER and machine in known:
        tags.append(f"{_OLDER[level.version]}_{machine}")
    return tuple(sorted(tags))


def _macos(target: Target, environs: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    parts = [(part, deployment_target(part, env)) for part, env in zip(slices(target), environs, strict=True)]
    tags = [_macos_tag(version, part.machine) for part, version in parts]
    if target.triple == UNIVERSAL2:
        tags.append(_macos_tag(parts[0][1], target.machine))
    return tuple(sorted(tags))


def _macos_tag(version: tuple[int, int], machine: str) -> str:
    """From macOS 11 on a tag counts majors only: installers look for ``macosx_11_0``, never ``11_3``."""
    major, minor = version
    return f"macosx_{major}_{minor if major == 10 else 0}_{machine}"


def _other(target: Target, env: Mapping[str, str]) -> str:
    if target.os == "ios":
        major, minor = max(_version("IPHONEOS_DEPLOYMENT_TARGET", env) or _IOS_FLOOR, _IOS_FLOOR)
        return f"ios_{major}_{minor}_{target.machine}"
    if target.os == "android":
        api = _needed(target, env, ("ANDROID_API_LEVEL",), _NUMBER, "24, the level of its linker")
        return f"android_{api}_{target.machine}"
    if target.os == "emscripten":
        variables = ("PYEMSCRIPTEN_PLATFORM_VERSION", "PYODIDE_ABI_VERSION")
        return f"pyemscripten_{_needed(target, env, variables, _YEAR, '2025_0, as pyodide-build says')}_wasm32"
    return _bsd(target, env)


def _needed(
    target: Target, env: Mapping[str, str], variables: Sequence[str], form: re.Pattern[str], example: str
) -> str:
    """Return the first of the variables that is set; a tag without it would be a guess."""
    for variable in variables:
        value = env.get(variable, "").strip()
        if form.fullmatch(value):
            return value
        if value:
            raise UsageError(f"{target.triple}: {variable}={value!r} cannot be part of a tag", hint=f"e.g. {example}")
    raise UsageError(f"{target.triple}: {variables[0]} is not set", hint=f"e.g. {example}")


def _bsd(target: Target, env: Mapping[str, str]) -> str:
    """A BSD's tag names the release of the system, as ``sysconfig.get_platform`` there does."""
    variable = f"{target.os.upper()}_VERSION"
    release = env.get(variable, "").strip()
    if not release and platform.system().lower() == target.os:
        release = platform.release()
    if not release:
        raise UsageError(f"{target.triple}: the release of {target.os} is not known", hint=f"set {variable}")
    return re.sub(r"[^a-z0-9_]", "_", f"{target.os}_{release}_{target.machine}".lower())


def _version(variable: str, env: Mapping[str, str]) -> tuple[int, int] | None:
    text = env.get(variable, "").strip()
    if not text:
        return None
    match = re.fullmatch(r"(\d{1,4})(?:\.(\d{1,4}))?(?:\.\d{1,4})?", text, re.ASCII)
    if match is None:
        raise UsageError(f"{variable}={text!r} is no version", hint='write it as "11.0"')
    return int(match[1]), int(match[2] or 0)
