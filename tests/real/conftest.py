"""Fixtures of the tests that start real tools."""

from __future__ import annotations

import pytest
from support.fixtures import (
    anyio_backend,
    build_sdist,
    cross_env,
    docker_image,
    every_target,
    foreign_python,
    house,
    project,
    pythons,
    sdist,
    venv,
    wheelmatrix,
)
from support.shared_compiles import share_compiles, stop_sharing

__all__ = [
    "anyio_backend",
    "build_sdist",
    "cross_env",
    "docker_image",
    "every_target",
    "foreign_python",
    "house",
    "project",
    "pythons",
    "sdist",
    "venv",
    "wheelmatrix",
]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Decide before any fixture runs whether its compiles may be shared."""
    if item.get_closest_marker("real") is not None:
        share_compiles(wanted=item.get_closest_marker("own_rustc") is None)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what the first test started, when every worker is done."""
    if not hasattr(session.config, "workerinput"):
        stop_sharing()
