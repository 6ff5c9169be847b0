"""Fixtures of the tests that start real tools."""

from __future__ import annotations

from support.fixtures import (
    anyio_backend,
    build_sdist,
    cross_env,
    docker_image,
    every_target,
    foreign_python,
    project,
    pythons,
    sdist,
    venv,
    wheelmatrix,
)

__all__ = [
    "anyio_backend",
    "build_sdist",
    "cross_env",
    "docker_image",
    "every_target",
    "foreign_python",
    "project",
    "pythons",
    "sdist",
    "venv",
    "wheelmatrix",
]
