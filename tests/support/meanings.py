"""What a requirement means, however it is written."""

from __future__ import annotations

import itertools

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["requirement_meaning"]

ENVIRONMENTS = [
    {
        "python_version": f"{version[0]}.{version[1]}",
        "python_full_version": ".".join(map(str, version)),
        "implementation_name": name.lower(),
        "platform_python_implementation": name,
        "sys_platform": platform,
        "extra": "",
    }
    for version, name, platform in itertools.product(
        [(3, 8, 0), (3, 9, 18), (3, 10, 0), (3, 11, 0), (3, 11, 9), (3, 12, 0), (3, 14, 2), (3, 15, 0)],
        ["CPython", "PyPy"],
        ["linux", "win32", "darwin"],
    )
]


def requirement_meaning(text: str, extras: list[str]) -> tuple[object, ...]:
    """Return what a requirement means, however it is written: names normalised, the marker tried out."""
    one = Requirement(text)
    holds = [_holds(one.marker, {**env, "extra": extra}) for env in ENVIRONMENTS for extra in ["", *extras]]
    wanted = sorted(map(canonicalize_name, one.extras))
    return canonicalize_name(one.name), tuple(wanted), str(one.specifier), one.url, tuple(holds)


def _holds(marker: Marker | None, env: dict[str, str]) -> bool:
    return marker is None or marker.evaluate(env)
