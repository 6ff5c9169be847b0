"""Runs killed with everything they started: what they leave is whole, and the next run succeeds."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.killing import survive_kills

pytestmark = [
    pytest.mark.own_rustc,
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="finds what a killed run started by its environment"),
]


def test_a_few_random_moments(project: Callable[..., Path], pythons: dict[str, Path]) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    count = survive_kills(project("ffi-only"), ["build", "-i", *pythons.values()], rounds=8, seed=seed)
    assert count["killed"] == 8, count
