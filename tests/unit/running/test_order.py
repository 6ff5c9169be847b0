from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.estimates import likely_seconds, urgencies
from matrix.model import Build
from matrix.running.order import Queue, fits

BuildFactory = Callable[..., Build]
SECONDS = st.floats(0.01, 1000, allow_nan=False)


@st.composite
def forests(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, str]]:
    """Lengths of builds by id, and what each waits for: only what was named before it."""
    seconds = {f"b{n}": draw(SECONDS) for n in range(draw(st.integers(1, 14)))}
    names = list(seconds)
    after = {names[n]: names[draw(st.integers(0, n - 1))] for n in range(1, len(names)) if draw(st.booleans())}
    return seconds, after


@given(forests())
def test_urgency_is_the_longest_chain_that_begins_with_a_build(made: tuple[dict[str, float], dict[str, str]]) -> None:
    seconds, after = made
    found = urgencies(seconds, after)
    assert found.keys() == seconds.keys()
    for name, length in seconds.items():
        below = [found[child] for child, parent in after.items() if parent == name]
        assert found[name] == pytest.approx(length + max(below, default=0.0))


def test_builds_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="circle"):
        urgencies({"a": 1.0, "b": 1.0, "c": 1.0}, {"a": "b", "b": "a"})


def test_what_is_waited_for_and_not_there_is_over() -> None:
    assert urgencies({"a": 1.0}, {"a": "gone", "other": "a"}) == {"a": 1.0}


def test_a_build_never_timed_counts_its_crates_at_the_slowest_pace(make_build: BuildFactory) -> None:
    builds = [
        make_build("slow", expected=30.0, units=10),
        make_build("quick", expected=1.0, units=10),
        make_build("new", units=20),
        make_build("bare"),
    ]
    assert likely_seconds(builds) == {"slow": 30.0, "quick": 1.0, "new": 60.0, "bare": 60.0}


def test_crate_counts_decide_when_nothing_was_ever_timed(make_build: BuildFactory) -> None:
    builds = [make_build("few", units=3), make_build("many", units=8)]
    assert likely_seconds(builds) == {"few": 3.0, "many": 8.0}


@given(made=forests(), data=st.data())
def test_the_most_urgent_ready_build_is_taken(
    make_build: BuildFactory, made: tuple[dict[str, float], dict[str, str]], data: st.DataObject
) -> None:
    seconds, after = made
    drivers = {name: data.draw(st.sampled_from("ab")) for name in seconds}
    caps = {"a": data.draw(st.integers(1, 2))}
    builds = [make_build(name, expected=length, driver=drivers[name]) for name, length in seconds.items()]
    queue, urgency = Queue(builds, after, caps=caps), urgencies(seconds, after)
    running: list[str] = []
    over: set[str] = set()
    while len(over) < len(builds):
        room = {
            name for name in seconds if drivers[name] != "a" or sum(drivers[one] == "a" for one in running) < caps["a"]
        }
        ready = {name for name in room - over - {*running} if after.get(name, name) in {*over, name}}
        best = queue.peek()
        assert (best is None) == (not ready)
        if best is not None and (not running or data.draw(st.booleans())):
            assert urgency[best.id] == max(urgency[name] for name in ready)
            assert queue.take() is best
            running.append(best.id)
        else:
            ended = data.draw(st.sampled_from(running))
            running.remove(ended)
            over.add(ended)
            queue.ended(ended)
    assert len(queue) == 0


def test_a_seed_goes_before_a_build_as_urgent(make_build: BuildFactory) -> None:
    builds = [make_build("alone", expected=4.0), make_build("child", expected=2.0), make_build("seed", expected=2.0)]
    queue = Queue(builds, {"child": "seed"})
    assert [queue.take().id, queue.take().id] == ["seed", "alone"]
    assert queue.peek() is None
    queue.ended("seed")
    assert queue.take().id == "child"
    with pytest.raises(LookupError):
        queue.take()


@given(st.lists(st.integers(0, 100), max_size=5), st.integers(0, 100), st.integers(1, 300))
def test_what_starts_fits_or_is_alone(running: list[int], peak: int, budget: int) -> None:
    allowed = fits(peak, running, budget)
    assert allowed == (peak == 0 or not running or sum(running) + peak <= budget)
    assert fits(peak, running, None)


@given(
    peaks=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 50), min_size=1),
    budget=st.integers(1, 120),
    data=st.data(),
)
def test_running_builds_stay_within_the_memory_unless_one_alone_is_larger(
    make_build: BuildFactory, peaks: dict[str, int], budget: int, data: st.DataObject
) -> None:
    queue = Queue([make_build(name) for name in "abcdef"], budget=budget, peaks=peaks)
    believed = {name: peaks.get(name, max(peaks.values())) for name in "abcdef"}
    running: list[str] = []
    while queue or running:
        if queue and queue.peek() is not None and (not running or data.draw(st.booleans())):
            running.append(queue.take().id)
            assert len(running) == 1 or sum(believed[name] for name in running) <= budget
        else:
            queue.ended(running.pop(data.draw(st.integers(0, len(running) - 1))))


def test_a_smaller_build_goes_ahead_of_one_that_must_wait_for_memory(make_build: BuildFactory) -> None:
    builds = [make_build(name, expected=length) for name, length in (("big", 9.0), ("huge", 8.0), ("small", 1.0))]
    queue = Queue(builds, budget=100, peaks={"big": 60, "huge": 70, "small": 30})
    assert [queue.take().id, queue.take().id] == ["big", "small"]
    assert queue.peek() is None
    queue.ended("big", 65)
    assert queue.take().id == "huge"


def test_what_a_build_needed_is_learnt_for_those_not_known(make_build: BuildFactory) -> None:
    queue = Queue([make_build(name) for name in "abc"], budget=100)
    assert [queue.take().id, queue.take().id] == ["a", "b"]
    queue.ended("a", 80)
    assert queue.peek() is None
    queue.ended("b", 80)
    assert queue.take().id == "c"
