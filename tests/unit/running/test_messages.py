from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.running.messages import (
    BuildFinished,
    BuildScript,
    CompilerArtifact,
    CompilerMessage,
    package_name,
    parse_message,
)

ARTIFACT = {
    "reason": "compiler-artifact",
    "package_id": "path+file:///p/hello#0.1.0",
    "manifest_path": "/p/hello/Cargo.toml",
    "target": {"kind": ["cdylib"], "crate_types": ["cdylib"], "name": "hello", "src_path": "/p/src/lib.rs"},
    "profile": {"opt_level": "3"},
    "features": [],
    "filenames": ["/p/target/release/libhello.so"],
    "executable": None,
    "fresh": False,
}


def test_an_artifact_keeps_what_we_use() -> None:
    message = parse_message(json.dumps(ARTIFACT))
    assert isinstance(message, CompilerArtifact)
    assert message.filenames == ("/p/target/release/libhello.so",)
    assert message.target.kind == ("cdylib",)
    assert not message.fresh


def test_a_diagnostic_keeps_rustc_s_words() -> None:
    line = json.dumps(
        {
            "reason": "compiler-message",
            "package_id": "hello 0.1.0 (path+file:///p/hello)",
            "target": {"name": "hello", "kind": ["cdylib"]},
            "message": {
                "message": "mismatched types",
                "level": "error",
                "code": {"code": "E0308", "explanation": None},
                "spans": [{"file_name": "src/lib.rs", "line_start": 3, "is_primary": True}],
                "rendered": "error[E0308]: mismatched types\n",
            },
        }
    )
    message = parse_message(line)
    assert isinstance(message, CompilerMessage)
    assert message.message.code is not None
    assert message.message.code.code == "E0308"


def test_build_scripts_and_the_end() -> None:
    script = parse_message(
        '{"reason":"build-script-executed","package_id":"a#b@1","linked_libs":[],"linked_paths":["native=/x"],"cfgs":[],"env":[],"out_dir":"/o"}'
    )
    assert isinstance(script, BuildScript)
    assert script.linked_paths == ("native=/x",)
    assert parse_message('{"reason":"build-finished","success":true}') == BuildFinished(success=True)


@pytest.mark.parametrize("line", ["", "plain text", "{", '{"reason":"new-in-cargo-2"}', '{"reason":1}', "[1]"])
def test_what_is_no_message_of_ours_is_none(line: str) -> None:
    assert parse_message(line) is None


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_json_makes_it_fail(value: object) -> None:
    for field in ("target", "filenames", "fresh", "package_id"):
        line = json.dumps({**ARTIFACT, field: value})
        parsed = parse_message(line)
        assert parsed is None or isinstance(parsed, msgspec.Struct)


@pytest.mark.parametrize(
    ("package_id", "name"),
    [
        ("registry+https://index#serde@1.0.0", "serde"),
        ("path+file:///p/hello#0.1.0", "hello"),
        ("path+file:///p/dir#other-name@0.1.0", "other-name"),
        ("serde 1.0.0 (registry+https://index)", "serde"),
        ("git+https://host/repo?branch=x#name@1.0.0", "name"),
    ],
)
def test_package_names_in_both_forms(package_id: str, name: str) -> None:
    assert package_name(package_id) == name
