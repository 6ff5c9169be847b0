from __future__ import annotations

from contextlib import suppress
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ConfigError
from matrix.project import Include, Options, Override, Seconds, Select, parse_duration, read_options
from matrix.project.schema import SCHEMA_FILE, render_schema, schema

WHERE = "pyproject.toml: [tool.wheelmatrix]"
VALIDATOR = jsonschema.Draft202012Validator(schema())

FULL: dict[str, Any] = {
    "interpreters": [">=3.10", "3.14t", "pypy3.11"],
    "targets": ["native", "universal2-apple-darwin"],
    "compatibility": ["manylinux_2_17", ["musllinux_1_1", "musllinux_1_2"]],
    "exclude": [{"interpreter": "pypy*", "target": "*-musl"}, {"id": "cp310-*"}],
    "include": [{"interpreter": "3.13", "name": "simd", "features": ["simd"], "no-default-features": True}],
    "overrides": [
        {"select": {"target": "aarch64-*"}, "driver": "docker", "image": "some/image", "timeout": "20m"},
        {"select": {}, "env": {"A": "1"}, "cargo-args": ["-Zx"], "rustc-args": ["-O"], "strip": True, "timeout": 90},
    ],
    "jobs": 4,
    "timeout": "1h30m",
    "fail-fast": True,
    "drivers": {"cargo": {"jobs": 2}},
    "xwin": {"accept-license": True},
}


def test_every_key_is_read() -> None:
    options = read_options(FULL)
    assert options.interpreters == (">=3.10", "3.14t", "pypy3.11")
    assert options.compatibility == ("manylinux_2_17", ("musllinux_1_1", "musllinux_1_2"))
    assert options.exclude[0] == Select(interpreter="pypy*", target="*-musl")
    assert options.include == (Include(interpreter="3.13", name="simd", features=("simd",), no_default_features=True),)
    assert options.overrides[0] == Override(
        select=Select(target="aarch64-*"), driver="docker", image="some/image", timeout=Seconds(1200)
    )
    assert options.overrides[1].env == {"A": "1"}
    assert options.overrides[1].timeout == 90.0
    assert (options.jobs, options.timeout, options.fail_fast) == (4, 5400.0, True)
    assert options.drivers["cargo"].jobs == 2
    assert options.xwin.accept_license


def test_nothing_configured_is_all_defaults() -> None:
    assert read_options({}) == Options()
    assert Options().interpreters == ()
    assert Options().jobs is None


@pytest.mark.parametrize(
    ("table", "message", "hint"),
    [
        ({"interpreter": []}, "unknown key 'interpreter'", "did you mean 'interpreters'?"),
        ({"interpreters": []}, "interpreters: the list is empty, so it asks for", "name at least one, or drop the key"),
        ({"targets": []}, "targets: the list is empty, so it asks for nothing", "name at least one, or drop the key"),
        ({"compatibility": []}, "compatibility: the list is empty", "name at least one, or drop the key"),
        ({"compatibility": ["pypi", []]}, "compatibility[1]: the list is empty", "name at least one, or drop the key"),
        ({"zzz": 1}, "unknown key 'zzz'", "known keys: interpreters, targets, compatibility, exclude"),
        (
            {"overrides": [{"select": {}}, {"select": {"targt": "x"}}]},
            "overrides[1].select: unknown key 'targt'",
            "did you mean 'target'?",
        ),
        ({"include": [{"featurs": ["x"]}]}, "include[0]: unknown key 'featurs'", "did you mean 'features'?"),
        ({"fail_fast": True}, "unknown key 'fail_fast'", "did you mean 'fail-fast'?"),
        ({"drivers": {"cargo": {"job": 2}}}, "drivers.cargo: unknown key 'job'", "did you mean 'jobs'?"),
        ({"drivers": {"my driver": 2}}, 'drivers."my driver": expected a table, not the number 2', None),
        (
            {"interpreters": "3.12"},
            "interpreters: expected a list of strings, not the string '3.12'",
            'write it as a list: ["3.12"]',
        ),
        ({"interpreters": ["3.12", 3.13]}, "interpreters[1]: expected a string, not the number 3.13", None),
        ({"compatibility": ["a", ["b", True]]}, "compatibility[1][1]: expected a string, not true", None),
        (
            {"compatibility": "2014"},
            "compatibility: expected a list of strings or lists of strings, not the string '2014'",
            'write it as a list: ["2014"]',
        ),
        ({"compatibility": [{}]}, "compatibility[0]: expected a string or a list of strings, not a table", None),
        ({"jobs": 0}, "jobs: 0 is less than 1", None),
        ({"jobs": "2"}, "jobs: expected a whole number, not the string '2'", None),
        ({"jobs": True}, "jobs: expected a whole number, not true", None),
        ({"jobs": 1.5}, "jobs: expected a whole number, not the number 1.5", None),
        ({"fail-fast": 1}, "fail-fast: expected true or false, not the number 1", None),
        ({"timeout": "soon"}, "timeout: 'soon' is not a duration", 'write "20m", "90s", "1h30m"'),
        ({"timeout": True}, "timeout: expected a duration, not true", None),
        ({"timeout": -1}, "timeout: -1 is not a duration between 0 and one year", 'write "20m"'),
        ({"exclude": {"target": "x"}}, "exclude: expected a list of tables, not a table", None),
        ({"exclude": [{"target": "x"}, {}]}, "exclude[1]: the row names nothing", "name an interpreter, a target"),
        ({"include": [{}]}, "include[0]: the row names nothing", None),
        ({"overrides": [{"driver": "zig"}]}, "overrides[0]: the key 'select' is missing", None),
        (
            {"overrides": [{"select": {}, "env": {"A": 1}}]},
            "overrides[0].env.A: expected a string, not the number 1",
            None,
        ),
        (
            {"xwin": {"accept-license": "yes"}},
            "xwin.accept-license: expected true or false, not the string 'yes'",
            None,
        ),
    ],
)
def test_bad_values_name_the_key(table: dict[str, Any], message: str, hint: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options(table)
    said = caught.value.message
    assert said.startswith(f"{WHERE} {message}"), said
    if hint is None:
        assert caught.value.hint is None
    else:
        assert (caught.value.hint or "").startswith(hint)
    assert caught.value.exit_code == 2


_JSON = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),  # TOML has no null
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(FULL)) | st.text(max_size=6), _JSON, max_size=4))
def test_any_table_is_read_or_refused_by_name(table: dict[str, Any]) -> None:
    said = _refusal(table)
    assert said is None or said.startswith(f"{WHERE} ")
    assert said is not None or VALIDATOR.is_valid(table)


def _refusal(table: dict[str, Any]) -> str | None:
    try:
        read_options(table)
    except ConfigError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20m", 1200),
        ("90s", 90),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("0.5h", 1800),
        ("90", 90),
        (" 2m ", 120),
        (5, 5),
        (0.5, 0.5),
    ],
)
def test_durations(text: object, seconds: float) -> None:
    assert float(parse_duration(text)) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "m", "20 minutes", "30m1h", "1h1h", "-5m", "0s", "1e3", "٣m", "nan", "9999999h", None, True, [], 10**400],
)
def test_not_durations(text: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59))
def test_durations_add_up(hours: int, minutes: int, seconds: int) -> None:
    total = hours * 3600 + minutes * 60 + seconds
    if total:
        assert float(parse_duration(f"{hours}h{minutes}m{seconds}s")) == total


@given(st.text() | st.floats() | st.integers())
def test_durations_are_positive_or_refused(text: object) -> None:
    with suppress(ValueError):
        assert 0 < parse_duration(text) <= 366 * 86400


def test_shipped_schema_is_the_generated_one() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == render_schema(), "run python -m matrix.project.schema"


def test_schema_agrees_with_the_reader() -> None:
    VALIDATOR.check_schema(schema())
    VALIDATOR.validate(FULL)
    VALIDATOR.validate({})
    refused: list[dict[str, Any]] = [
        {"zzz": 1},
        {"jobs": 0},
        {"timeout": "soon"},
        {"overrides": [{}]},
        {"interpreters": "3.12"},
    ]
    for bad in refused:
        assert not VALIDATOR.is_valid(bad), bad


def test_every_key_is_described_and_its_examples_are_valid() -> None:
    for name, struct in schema()["$defs"].items():
        for key, field in struct["properties"].items():
            assert field.get("description", "").endswith("."), f"{name}.{key} is not described"
    for key, field in schema()["$defs"]["Options"]["properties"].items():
        for example in field.get("examples", ()):
            read_options({key: example})
            VALIDATOR.validate({key: example})
