from __future__ import annotations

from pathlib import Path

import pytest

from matrix.errors import UsageError
from matrix.out_places import OTHER_TARGET, make_writable


@pytest.mark.parametrize(
    ("origin", "hint"),
    [("--out", "choose another one with --out"), ("in the target directory", OTHER_TARGET)],
)
def test_a_place_that_cannot_be_written_says_which_setting_moves_it(tmp_path: Path, origin: str, hint: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written: Not a directory") as caught:
        make_writable(tmp_path / "file" / "wheels", origin)
    assert caught.value.hint == hint


def test_a_link_that_leads_nowhere_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "target").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match="a file is there, or a link that leads nowhere"):
        make_writable(tmp_path / "target", "in the target directory")
    with pytest.raises(UsageError, match="a file is there, or a link that leads nowhere"):
        make_writable(tmp_path / "target" / "wheels", "in the target directory")
