"""Golden files: expected text kept beside the tests; ``WHEELMATRIX_UPDATE_GOLDEN=1`` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["assert_golden"]


def assert_golden(file: Path, text: str) -> None:
    """Fail unless ``file`` holds ``text``."""
    if os.environ.get("WHEELMATRIX_UPDATE_GOLDEN") == "1":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.is_file(), f"{file.name} is missing: run with WHEELMATRIX_UPDATE_GOLDEN=1"
    assert text == file.read_text(encoding="utf-8")
