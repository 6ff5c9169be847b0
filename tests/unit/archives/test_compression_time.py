"""The one time that every member of a wheel carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.archives.compression import EARLIEST, dos_time, source_date_epoch
from matrix.errors import UsageError


def test_the_epoch_variable() -> None:
    assert source_date_epoch({}) is None
    assert source_date_epoch({"SOURCE_DATE_EPOCH": " "}) is None
    assert source_date_epoch({"SOURCE_DATE_EPOCH": "1700000000"}) == 1_700_000_000
    assert source_date_epoch({"SOURCE_DATE_EPOCH": "-5"}) == -5
    for word in ("yesterday", "1.5", "²", "1e9"):
        with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
            source_date_epoch({"SOURCE_DATE_EPOCH": word})


def test_times_that_an_archive_cannot_tell() -> None:
    assert dos_time(None) == dos_time(0) == dos_time(-1) == EARLIEST
    assert dos_time(315_532_800) == (1980, 1, 1, 0, 0, 0)
    assert dos_time(1_700_000_000) == (2023, 11, 14, 22, 13, 20)
    assert dos_time(10**12)[0] == 2107


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_every_second_has_a_time(seconds: int) -> None:
    moment = dos_time(seconds)
    assert EARLIEST <= moment <= (2107, 12, 31, 23, 59, 58)
