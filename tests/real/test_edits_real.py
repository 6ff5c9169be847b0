"""A changed file rebuilds what depends on it, never less: a few random edits; tests/long makes many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.edited import compared
from support.tools import Ran

pytestmark = pytest.mark.real


def test_a_warm_wheel_is_what_a_cold_build_makes_after_any_edit(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUSTUP_TOOLCHAIN", raising=False)  # the edits choose
    seen = list(compared(wheelmatrix, project("programs"), seed=5742, steps=5))
    assert [what for what, _ in seen] == ["source", "configuration", "toolchain", "features", "nothing"]
