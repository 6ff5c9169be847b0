"""Wheel file names, put together from a project's name and tags (PEP 427, 440, 503)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["ANY_LEVEL", "escape_name", "escape_version", "wheel_file_name", "wheel_tags"]

ANY_LEVEL = "*"
"""Stands in an expected file name for the platform level that the audit will choose."""


@lru_cache(maxsize=64)
def escape_name(name: str) -> str:
    """Return a distribution name as it stands in a file name: normalised (PEP 503), with ``_`` for ``-``."""
    return re.sub(r"[-_.]+", "_", name).lower()


@lru_cache(maxsize=64)
def escape_version(version: str) -> str:
    """Return a version as it stands in a file name: normalised (PEP 440), with ``_`` for ``-``.

    Raises:
        ValueError: It is no PEP 440 version.
    """
    from packaging.utils import canonicalize_version  # noqa: PLC0415 - slow to import
    from packaging.version import Version  # noqa: PLC0415 - slow to import

    return canonicalize_version(Version(version), strip_trailing_zero=False).replace("-", "_")


def wheel_file_name(
    name: str,
    version: str,
    python_tag: str,
    abi_tag: str,
    platform_tags: Iterable[str],
) -> str:
    """Return the file name of a wheel; several tags of a part are joined by ``.``, sorted (PEP 425).

    Args:
        name: Distribution name, as the project writes it.
        version: PEP 440 version.
        python_tag: ``cp312``; may be a set already: ``cp311.cp312``.
        abi_tag: ``cp312``, ``abi3``, ``abi3.abi3t``.
        platform_tags: ``("manylinux2014_x86_64", "manylinux_2_17_x86_64")``; one of them may be a pattern
            such as ``*_x86_64`` in an expected name.

    Raises:
        ValueError: The version is no PEP 440 version.
    """
    platform = ".".join(sorted(platform_tags))
    return f"{escape_name(name)}-{escape_version(version)}-{python_tag}-{abi_tag}-{platform}.whl"


def wheel_tags(python_tag: str, abi_tag: str, platform_tags: Iterable[str]) -> tuple[str, ...]:
    """Return every expanded tag of a wheel, sorted: what its WHEEL file lists (PEP 425)."""
    return tuple(
        sorted(
            f"{python}-{abi}-{platform}"
            for python in python_tag.split(".")
            for abi in abi_tag.split(".")
            for platform in platform_tags
        )
    )
