"""Words of TOML are read back as what they were."""

from __future__ import annotations

import tomli
from hypothesis import example, given
from hypothesis import strategies as st

from matrix.toml_text import toml_string


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example('/home/😀/a "quoted" \\ path')
@example("\x7f\x00\r\n\t")
def test_text_survives(text: str) -> None:
    assert tomli.loads(f"key={toml_string(text)}") == {"key": text}
    assert "\n" not in toml_string(text)
