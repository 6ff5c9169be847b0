"""What every driver must keep, the ones to come included: pure commands, capabilities, tools, steps, stopping."""

from __future__ import annotations

import msgspec
import pytest
from support.driving import HOST, PLACE, TARGETS, build_for, wish

from drivers import ALL
from matrix.driver import Driver, Host
from matrix.model import Build, Settings

PAIRS = [
    pytest.param(driver, triple, id=f"{driver.name}-{triple}")
    for driver in ALL
    for triple in TARGETS
    if driver.supports(wish(triple, asked=True), HOST).able
]


def _build(driver: Driver, triple: str) -> Build:
    support = driver.supports(wish(triple, asked=True), HOST)
    return build_for(triple, driver.name, libc=support.libc)


def test_every_driver_has_a_name_of_its_own_and_says_what_it_needs() -> None:
    assert len({driver.name for driver in ALL}) == len(ALL)
    for driver in ALL:
        assert driver.tools
        assert all(tool.name for tool in driver.tools)
        assert all(tool.install for tool in driver.tools), f"{driver.name}: how is each tool installed?"


@pytest.mark.parametrize("driver", ALL, ids=lambda driver: driver.name)
@pytest.mark.parametrize("triple", TARGETS)
def test_answers_have_a_reason(driver: Driver, triple: str) -> None:
    for host in (HOST, Host(target=HOST.target)):
        for asked in (False, True):
            support = driver.supports(wish(triple, asked=asked), host)
            assert support.reason
            assert "\n" not in support.reason
            assert not (support.able and support.forbidden)
            assert support == driver.supports(wish(triple, asked=asked), host)


@pytest.mark.parametrize("driver", ALL, ids=lambda driver: driver.name)
def test_without_its_tools_a_driver_says_what_to_install(driver: Driver) -> None:
    bare = Host(target=HOST.target, options=HOST.options)
    for triple in TARGETS:
        with_tools, without = driver.supports(wish(triple), HOST), driver.supports(wish(triple), bare)
        if with_tools.able and not without.able:
            assert without.hint, f"{driver.name} on {triple}: {without.reason}"


@pytest.mark.parametrize(("driver", "triple"), PAIRS)
def test_commands_are_pure_and_report_json(driver: Driver, triple: str) -> None:
    build = _build(driver, triple)
    command = driver.command(build, PLACE)
    assert command == driver.command(build, PLACE)
    words = " ".join(command.argv)
    assert "--message-format json" in words
    assert PLACE.lane in words or any(PLACE.lane in (value or "") for value in command.env.values())
    assert triple in words


@pytest.mark.parametrize(("driver", "triple"), PAIRS)
def test_what_the_user_sets_wins(driver: Driver, triple: str) -> None:
    build = msgspec.structs.replace(
        _build(driver, triple), settings=Settings(profile="release", env={"CARGO_BUILD_JOBS": "7", "MINE": "x"})
    )
    command = driver.command(build, PLACE)
    said = str(command)
    assert "MINE" in said
    assert command.env.get("CARGO_BUILD_JOBS") == "7" or "CARGO_BUILD_JOBS=7" in said


@pytest.mark.parametrize(("driver", "triple"), PAIRS)
def test_seeds_of_two_pythons_are_told_apart_by_nothing_but_their_lanes(driver: Driver, triple: str) -> None:
    """What cargo hashes (linker, flags) must be the same in every lane, or a clone of a seed is stale."""
    build = _build(driver, triple)
    places = [
        msgspec.structs.replace(PLACE, lane=f"/lanes/{name}", pyo3_config=f"/configs/{name}") for name in ("one", "two")
    ]
    one, two = (
        str(driver.command(build, place)).replace(place.lane, "LANE").replace(str(place.pyo3_config), "CONFIG")
        for place in places
    )
    assert one == two


@pytest.mark.parametrize(("driver", "triple"), PAIRS)
def test_steps_say_what_they_are_and_whose(driver: Driver, triple: str) -> None:
    builds = [_build(driver, triple), msgspec.structs.replace(_build(driver, triple), id="other")]
    steps = driver.prepare(builds, PLACE)
    assert steps == driver.prepare(builds, PLACE)
    for step in steps:
        assert step.what
        assert set(step.builds) <= {build.id for build in builds}
        assert step.builds
        assert not step.key or step.lock, "what is done once a machine needs a lock"
        assert all(name.startswith(PLACE.cache) for name in step.files)
    assert any(step.what.startswith("cargo fetch") for step in steps)


@pytest.mark.parametrize(("driver", "triple"), PAIRS)
def test_stopping_is_a_command_or_nothing(driver: Driver, triple: str) -> None:
    build = _build(driver, triple)
    commands = driver.stop(build, PLACE)
    assert commands == driver.stop(build, PLACE)
    assert all(command.argv for command in commands)
