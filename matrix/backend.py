"""The other door: the hooks a Python front end calls to build a wheel (PEP 517)."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matrix.errors import UsageError

__all__ = [
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_wheel",
]

Settings = Mapping[str, Any]


def get_requires_for_build_wheel(config_settings: Settings | None = None) -> list[str]:
    """Return what a wheel needs beyond what pyproject.toml names: cffi where its ``bindings`` key says so."""
    del config_settings
    from matrix.project.locate import read_toml  # noqa: PLC0415 - the other hooks need none of it

    pyproject = Path("pyproject.toml")
    with _told():
        tool = read_toml(pyproject).get("tool", {}) if pyproject.is_file() else {}
    maturin = tool.get("maturin", {}) if isinstance(tool, dict) else {}
    return ["cffi"] if isinstance(maturin, dict) and maturin.get("bindings") == "cffi" else []


def get_requires_for_build_sdist(config_settings: Settings | None = None) -> list[str]:
    """Return what a source distribution needs beyond what pyproject.toml names: nothing."""
    del config_settings
    return []


def build_wheel(
    wheel_directory: str, config_settings: Settings | None = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel for the running interpreter into ``wheel_directory`` and return its name.

    The profile is release unless a flag or ``[tool.maturin]`` says otherwise, and the tag is the platform's own
    (``linux_x86_64``), as the wheel is installed right here. ``config_settings["build-args"]`` and
    ``MATURIN_PEP517_ARGS`` take the flags of ``wheelmatrix build``.
    """
    del metadata_directory
    from matrix.app import build_for_frontend  # noqa: PLC0415 - the other hooks need none of it

    with _told():
        wheels = build_for_frontend(_options(config_settings, wheel_directory))
    return Path(wheels[0]).name


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings | None = None) -> str:
    """Write the wheel's metadata directory without compiling anything and return its name."""
    from matrix.app import metadata_for_frontend  # noqa: PLC0415 - the other hooks need none of it

    with _told():
        return metadata_for_frontend(_options(config_settings, metadata_directory), Path(metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings | None = None) -> str:
    """Make the source distribution in ``sdist_directory`` and return its name; nothing is compiled."""
    del config_settings
    from matrix.app import sdist_for_frontend  # noqa: PLC0415 - the other hooks need none of it
    from matrix.arguments import parse  # noqa: PLC0415

    with _told():
        return sdist_for_frontend(parse(["sdist", "--out", sdist_directory])).name


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong once and leave, as front ends expect of a build back end; no traceback."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the last place that can say it well
        from matrix.telling import tell  # noqa: PLC0415

        raise SystemExit(tell(error)) from None


def _options(config_settings: Settings | None, directory: str) -> argparse.Namespace:
    from matrix.arguments import parse  # noqa: PLC0415

    given = _given_flags(config_settings)
    flags = ["build", *given, "--out", directory]
    if not _has(given, "-i", "--interpreter"):
        flags += ["--interpreter", sys.executable]
    if not _has(given, "--compatibility", "--manylinux"):
        flags += ["--compatibility", "off"]
    options = parse(flags)
    options.default_profile = "release"
    return options


def _given_flags(settings: Settings | None) -> list[str]:
    given = (settings or {}).get("build-args")
    if given is None:
        return shlex.split(os.environ.get("MATURIN_PEP517_ARGS", ""))
    if isinstance(given, str):
        return shlex.split(given)
    if isinstance(given, Sequence) and all(isinstance(word, str) for word in given):
        return list(given)
    raise UsageError("config setting build-args is neither a string nor a list of strings")


def _has(flags: Sequence[str], *names: str) -> bool:
    return any(flag.split("=")[0] in names for flag in flags)
