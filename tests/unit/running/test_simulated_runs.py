from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from scheduler import MOST, WORKLOADS, Work, simulate


@st.composite
def works(draw: st.DrawFn) -> Work:
    work = Work()
    for number in range(draw(st.integers(1, 20))):
        seconds = draw(st.floats(0.1, 100))
        expected = draw(st.none() | st.floats(0.1, 100))
        earlier = [None, *work.seconds]
        work.add(f"b{number}", seconds, expected, draw(st.sampled_from(earlier)))
    return work


@given(work=works(), slots=st.integers(1, 5))
def test_no_slot_is_idle_while_a_build_is_ready(work: Work, slots: int) -> None:
    """Graham's bound, which holds for every schedule that never idles, however wrong the estimates are."""
    result = simulate(work, slots)
    total, longest = sum(work.seconds.values()), work.bound(10**9)
    assert result["bound"] - 0.01 <= result["seconds"] <= total / slots + longest * (1 - 1 / slots) + 0.01


def test_many_builds_end_near_the_bound() -> None:
    for name, make in WORKLOADS.items():
        result = simulate(make(600, random.Random(7)), 16)  # noqa: S311 - made-up work
        assert result["ratio"] <= MOST, name
