from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ConfigError
from matrix.project.features import ConditionalFeature
from matrix.project.maturin_options import FORMER, FileRow, MaturinOptions, read_maturin_options

WHERE = "pyproject.toml: [tool.maturin]"

# Every key of [tool.maturin] in maturin 1.16, with a value as it stands in the wild.
MATURIN_1_16: dict[str, Any] = {
    "all-features": True,
    "auditwheel": "repair",
    "bindings": "pyo3",
    "compatibility": "manylinux2014",
    "config": ["net.offline=true"],
    "data": "mine.data",
    "editable-profile": "dev",
    "exclude": ["vectors/**/*"],
    "features": ["pyo3/extension-module", {"feature": "pyo3/abi3-py311", "python-version": ">=3.11"}],
    "frozen": True,
    "generate-ci": {"github": {"pytest": True}},
    "include": ["LICENSE", {"path": "docs/**/*", "format": "sdist"}, {"path": "x", "format": ["sdist", "wheel"]}],
    "include-import-lib": False,
    "locked": True,
    "manifest-path": "rust/Cargo.toml",
    "module-name": "pkg._native",
    "no-default-features": True,
    "pgo-command": "python bench.py",
    "pgo-dependency-group": "bench",
    "profile": "dist",
    "python-packages": ["pkg"],
    "python-source": "src",
    "rustc-args": ["-Ctarget-cpu=native"],
    "sbom": {"rust": False, "auditwheel": False, "include": []},
    "sdist-generator": "git",
    "skip-auditwheel": True,
    "strip": True,
    "target": {"x86_64-apple-darwin": {"macos-deployment-target": "11.0"}},
    "targets": [{"name": "pkg", "kind": "cdylib"}],
    "unstable-flags": ["build-std"],
    "use-base-python": True,
}
ALIASES = {"manylinux"}


def test_the_keys_are_those_of_maturin() -> None:
    ours = {field.encode_name for field in msgspec.structs.fields(MaturinOptions)}
    assert ours == MATURIN_1_16.keys() | ALIASES | {"sdist-include"}
    assert not ours & FORMER.keys()


def test_every_key_is_read_without_a_warning() -> None:
    options, warnings = read_maturin_options(MATURIN_1_16)
    assert warnings == ()
    for key, value in MATURIN_1_16.items():
        read = msgspec.to_builtins(getattr(options, key.replace("-", "_")))
        default = next(f for f in msgspec.structs.fields(MaturinOptions) if f.encode_name == key).default
        assert read != default or value == default, key
    assert options.target["x86_64-apple-darwin"].deployment_target == "11.0"
    assert options.features[1] == ConditionalFeature(feature="pyo3/abi3-py311", python_version=">=3.11")


@pytest.mark.parametrize(
    ("table", "levels"),
    [
        ({}, ()),
        ({"compatibility": "pypi"}, ("pypi",)),
        ({"manylinux": "2014"}, ("2014",)),
        ({"manylinux": "off"}, ("off",)),
        ({"compatibility": ["2_28", "musllinux_1_2"]}, ("2_28", "musllinux_1_2")),
    ],
)
def test_manylinux_is_another_name_of_compatibility(table: dict[str, Any], levels: tuple[str, ...]) -> None:
    assert read_maturin_options(table)[0].levels == levels


@pytest.mark.parametrize(
    ("table", "skips"),
    [
        ({}, False),
        ({"skip-auditwheel": True}, True),
        ({"auditwheel": "skip"}, True),
        ({"auditwheel": "check", "skip-auditwheel": True}, False),
    ],
)
def test_skipping_the_audit(table: dict[str, Any], skips: bool) -> None:
    assert read_maturin_options(table)[0].skips_audit is skips


def test_older_spelling_of_the_deployment_target() -> None:
    options, _ = read_maturin_options({"target": {"t": {"macosx-deployment-target": "12.0"}}})
    assert options.target["t"].deployment_target == "12.0"


def test_files_by_archive() -> None:
    table = {
        "include": [
            "a",
            {"path": "b", "format": "sdist"},
            {"path": "c", "format": ["sdist", "wheel"]},
            {"path": "d", "from": "out-dir", "to": "pkg/", "crate_name": "gen"},
            {"path": "e"},
        ],
        "exclude": ["x", {"path": "y", "format": "wheel"}],
    }
    options, _ = read_maturin_options(table)
    assert [row.path for row in options.files("include", "wheel")] == ["a", "c", "d", "e"]
    assert [row.path for row in options.files("include", "sdist")] == ["a", "b", "c", "e"]
    assert [row.path for row in options.files("exclude", "sdist")] == ["x"]
    assert options.files("include", "wheel")[2] == FileRow(path="d", source="out-dir", to="pkg/", crate_name="gen")


@pytest.mark.parametrize(
    ("table", "warning"),
    [
        ({"python-sourc": "x"}, "unknown key 'python-sourc' is ignored; did you mean 'python-source'?"),
        ({"zzz": 1}, "unknown key 'zzz' is ignored"),
        (
            {"cargo-extra-args": "--x"},
            "cargo-extra-args is a key of maturin before 1.0 and does nothing; now: features",
        ),
        (
            {"rustc-extra-args": "-O"},
            "rustc-extra-args is a key of maturin before 1.0 and does nothing; now: rustc-args",
        ),
        (
            {"sdist-include": ["x"]},
            "sdist-include is a key of maturin before 1.0, which maturin no longer obeys; now: include",
        ),
        ({"sbom": {"rst": True}}, "sbom: unknown key 'rst' is ignored; did you mean 'rust'?"),
        (
            {"target": {"x86_64-apple-darwin": {"macos-deployment-targt": "11.0"}}},
            "target.x86_64-apple-darwin: unknown key 'macos-deployment-targt' is ignored; did you mean",
        ),
    ],
)
def test_what_is_not_obeyed_is_named(table: dict[str, Any], warning: str) -> None:
    _, warnings = read_maturin_options(table)
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{WHERE} {warning}")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"features": "x"}, "features: expected a list of strings or tables, not the string 'x'"),
        ({"features": [{"python-version": "3"}]}, "features[0]: the key 'feature' is missing"),
        ({"strip": "yes"}, "strip: expected true or false, not the string 'yes'"),
        ({"auditwheel": "never"}, "auditwheel: 'never' is none of check, repair, skip, warn"),
        ({"include": [{"path": "a", "format": "whl"}]}, "include[0].format: 'whl' is none of sdist, wheel"),
        ({"include": [{"path": "a", "from": "out-dir"}]}, "include[0]: a row with from needs a to"),
        ({"include": [{"format": "sdist"}]}, "include[0]: the key 'path' is missing"),
        ({"compatibility": "2014", "manylinux": "2014"}, "compatibility and manylinux are two names of one key"),
        ({"target": {"x": {"macos-deployment-target": 11}}}, "target.x.macos-deployment-target: expected a string"),
        ({"module-name": 3}, "module-name: expected a string, not the number 3"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_maturin_options(table)
    assert caught.value.message.startswith(f"{WHERE} {message}")


_JSON = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(MATURIN_1_16)) | st.text(max_size=6), _JSON, max_size=4))
def test_any_table_is_read_or_refused_by_name(table: dict[str, Any]) -> None:
    said = _refusal(table)
    assert said is None or said.startswith(f"{WHERE} ")


def _refusal(table: dict[str, Any]) -> str | None:
    try:
        options, _ = read_maturin_options(table)
    except ConfigError as error:
        return error.message
    assert isinstance(options.levels, tuple)
    return None


def test_the_older_key_for_source_distributions_is_obeyed() -> None:
    options, _ = read_maturin_options({"include": ["a"], "sdist-include": ["b/*"]})
    assert [row.path for row in options.files("include", "sdist")] == ["a", "b/*"]
    assert [row.path for row in options.files("include", "wheel")] == ["a"]
