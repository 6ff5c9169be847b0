"""The event log of a real run: what happened beside what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.tools import Ran, find_python

pytestmark = [pytest.mark.real, pytest.mark.own_rustc]


def test_audits_end_while_builds_still_run(wheelmatrix: Callable[..., Ran], project: Callable[..., Path]) -> None:
    root = project("ffi-only")
    pythons = [str(find_python(version)) for version in ("3.10", "3.11", "3.12", "3.13")]
    ran = wheelmatrix("build", "-j", "1", "--log-format", "json", "-i", *pythons, cwd=root)
    assert ran.exit == 0, ran
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert all({"event", "at", "timestamp"} <= event.keys() for event in events)
    order = [(event["event"], event.get("build")) for event in events]
    ended = [number for number, (name, _) in enumerate(order) if name == "audit ended"]
    built = [number for number, (name, _) in enumerate(order) if name == "build ended"]
    assert len(ended) == len(built) == 4
    assert ended[0] < built[-1], "the first audit is over before the last build is"
    times = [event["at"] for event in events]
    assert times == sorted(times)
    for build in {name for _, name in order if name}:
        assert order.index(("build started", build)) < order.index(("build ended", build))
