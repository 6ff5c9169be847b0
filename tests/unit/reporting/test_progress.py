from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from support.made_up_runs import make_plan, tell

from matrix.events import CrateDone
from matrix.reporting.progress import Piece, fraction_done, pieces_of, seconds_left
from matrix.reporting.state import RunState

pieces = st.lists(
    st.builds(
        Piece,
        spent=st.floats(min_value=0, max_value=1e4),
        share=st.none() | st.floats(min_value=0, max_value=2),
        over=st.booleans(),
        counts=st.booleans(),
        expected=st.none() | st.floats(min_value=0, max_value=1e4),
    ),
    max_size=12,
)


@given(pieces)
def test_the_share_of_work_done_is_a_share(known: list[Piece]) -> None:
    share = fraction_done(known)
    assert 0 <= share <= 1
    if known and all(piece.over for piece in known):
        assert math.isclose(share, 1)


@given(pieces, st.integers(min_value=1, max_value=64))
def test_an_estimate_is_never_negative_and_shrinks_with_more_slots(known: list[Piece], jobs: int) -> None:
    left = seconds_left(known, jobs)
    assert left is None or (left >= 0 and math.isfinite(left))
    more = seconds_left(known, jobs * 2)
    assert (left is None) == (more is None)
    if left is not None and more is not None:
        assert more <= left


def test_the_last_run_knows() -> None:
    waiting = Piece(spent=0, share=None, over=False, expected=10)
    running = Piece(spent=4, share=0.1, over=False, expected=10)
    assert seconds_left([running, waiting], 2) == 10
    assert seconds_left([running, waiting], 1) == 16


def test_builds_that_ended_tell_of_those_to_come() -> None:
    ended = Piece(spent=12, share=1, over=True)
    waiting = Piece(spent=0, share=0, over=False)
    assert seconds_left([ended, waiting, waiting], 2) == 12
    assert seconds_left([waiting], 2) is None
    assert seconds_left([ended], 2) is None


def test_a_build_with_more_crates_than_expected_is_not_estimated() -> None:
    assert seconds_left([Piece(spent=12, share=1.3, over=False)], 1) is None
    assert 0.9 < fraction_done([Piece(spent=12, share=1.3, over=False)]) < 1


def test_a_fresh_build_says_nothing_of_others() -> None:
    fresh = Piece(spent=0.1, share=1, over=True, counts=False)
    assert seconds_left([fresh, Piece(spent=0, share=0, over=False)], 1) is None


def test_a_run_is_estimated_well_from_its_crates() -> None:
    state = RunState()
    for event in tell(make_plan()):
        state.apply(event)
        if (
            isinstance(event, CrateDone)
            and event.at > 2
            and event.build.startswith(("cp311", "cp313"))
            and state.held == 2
        ):
            left = seconds_left(pieces_of(state, event.at), 2)
            assert left is not None
            assert abs(left - (20 - event.at)) <= 2.5, event.at
    assert fraction_done(pieces_of(state, state.at)) == 1
