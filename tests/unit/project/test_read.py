from __future__ import annotations

from typing import Any

import pytest

from matrix.project.read import _misspelt


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"tool": {"wheelmatrx": {}}}, "[tool.wheelmatrx] is read by nobody here; did you mean [tool.wheelmatrix]?"),
        ({"tool": {"matruin": {}}}, "[tool.matruin] is read by nobody here; did you mean [tool.maturin]?"),
        ({"tool": {"maturin": {}, "wheelmatrix": {}, "ruff": {}, "cibuildwheel": {}, "maturin-import-hook": {}}}, ""),
        ({}, ""),
        ({"tool": 1}, ""),
    ],
)
def test_a_misspelt_table_is_told(table: dict[str, Any], said: str) -> None:
    assert _misspelt(table) == ([f"pyproject.toml: {said}"] if said else [])
