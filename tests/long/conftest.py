"""Fixtures of the tests that take too long for CI."""

from __future__ import annotations

from support.fixtures import anyio_backend, build_sdist, cross_env, house, project, pythons, sdist, venv, wheelmatrix

__all__ = ["anyio_backend", "build_sdist", "cross_env", "house", "project", "pythons", "sdist", "venv", "wheelmatrix"]
