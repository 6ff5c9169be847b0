"""Random edits of a tiny project, each built warm and cold and compared byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.edited import compared
from support.tools import Ran

pytestmark = pytest.mark.real


@pytest.mark.parametrize("seed", range(6))
def test_a_warm_wheel_is_what_a_cold_build_makes(
    wheelmatrix: Callable[..., Ran], project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.delenv("RUSTUP_TOOLCHAIN", raising=False)  # the edits choose
    seen = list(compared(wheelmatrix, project("programs"), seed=seed + 100, steps=20))
    assert len({what for what, _ in seen}) > 4
    assert {status for what, status in seen if what == "nothing"} <= {"reused"}
