from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ConfigError
from matrix.project.cargo import CargoFlags
from matrix.project.features import ConditionalFeature, Features, activated, split_features
from matrix.project.maturin_options import MaturinOptions
from matrix.project.read import effective_features, merge_flags

ABI3_NEW = ConditionalFeature(feature="pyo3/abi3-py311", python_version=">=3.11")
PYPY = ConditionalFeature(feature="compat", python_implementation="PyPy")


def test_lists_as_cargo_takes_them() -> None:
    assert split_features(["a b,c", "c", " d/e , "]) == ("a", "b", "c", "d/e")


def test_conditions() -> None:
    features = Features(names=("z", "a"), conditional=(ABI3_NEW, PYPY))
    assert features.for_python("cpython", (3, 10)) == ("a", "z")
    assert features.for_python("cpython", (3, 11)) == ("a", "pyo3/abi3-py311", "z")
    assert features.for_python("pypy", (3, 11)) == ("a", "compat", "pyo3/abi3-py311", "z")
    assert features.for_interpreter(None) == ("a", "z")


def test_a_condition_that_is_no_specifier() -> None:
    with pytest.raises(ConfigError, match="python-version 'new' is not a specifier"):
        ConditionalFeature(feature="x", python_version="new").holds("cpython", (3, 11))


def test_the_command_line_replaces_features_and_adds_switches() -> None:
    maturin = MaturinOptions(features=("a", ABI3_NEW, ConditionalFeature(feature="b")), no_default_features=True)
    assert effective_features(CargoFlags(), maturin) == Features(
        names=("a", "b"), conditional=(ABI3_NEW,), no_default_features=True
    )
    assert effective_features(CargoFlags(features=("x y",)), maturin) == Features(
        names=("x", "y"), no_default_features=True
    )
    assert effective_features(CargoFlags(all_features=True), MaturinOptions()).all_features


def test_flags_take_what_maturin_says() -> None:
    maturin = MaturinOptions(features=("a",), locked=True, config=("x=1",), unstable_flags=("u",))
    merged = merge_flags(CargoFlags(offline=True, unstable=("v",)), maturin)
    assert merged == CargoFlags(features=("a",), locked=True, offline=True, config=("x=1",), unstable=("v",))
    assert merged.general() == ("--locked", "--offline", "--config", "x=1", "-Z", "v")
    assert merged.selection() == ("--features=a",)


def test_what_features_activate() -> None:
    table = {
        "default": ("std",),
        "std": ("dep:alloc", "serde?/std"),
        "abi3": ("pyo3/abi3-py39", "loop"),
        "loop": ("abi3",),
    }
    assert activated(table, [], default=True) == {"default", "std", "dep:alloc", "serde/std"}
    assert activated(table, ["abi3"], default=False) == {"abi3", "pyo3/abi3-py39", "loop"}
    assert activated(table, ["pyo3/abi3t"], default=False) == {"pyo3/abi3t"}


_NAMES = st.sampled_from("abcdef")


@given(st.dictionaries(_NAMES, st.lists(_NAMES, max_size=3)), st.lists(_NAMES), st.lists(_NAMES), st.booleans())
def test_activation_grows_with_what_is_asked(
    table: dict[str, list[str]], asked: list[str], more: list[str], default: bool
) -> None:
    small = activated(table, asked, default=default)
    assert set(asked) <= small <= activated(table, [*asked, *more], default=default)
    assert activated(table, small, default=default) == small
