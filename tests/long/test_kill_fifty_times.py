"""A run killed at fifty random moments, with everything it started."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from support.killing import survive_kills

pytestmark = pytest.mark.real


@pytest.mark.parametrize("name", ["ffi-only", "hello-pyo3"])
def test_fifty_random_moments(name: str, project: Callable[..., Path], pythons: dict[str, Path]) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"{name}: seed {seed}")
    count = survive_kills(project(name), ["build", "-i", *pythons.values()], rounds=50, seed=seed)
    print(f"{name}: {count}")
    assert count["killed"] == 50, count
