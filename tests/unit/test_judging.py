"""``wheelmatrix audit`` from its flags to its words and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from support.elf import Elf, Symbol
from support.made_wheels import make_wheel

from matrix.cli import main

NAME = "m-1-cp39-abi3-manylinux_2_17_x86_64.whl"
NEW = [Symbol("PyInit_x", defined=True), Symbol("PyModule_AddObjectRef")]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    library = Elf(needed=["libfoo.so"], soname="libbar.so").data
    files = {"m/x.abi3.so": Elf(symbols=NEW).data, "m/a.so": library, "m/b.so": library}
    return make_wheel(tmp_path, NAME, files)


def test_findings_of_several_files_are_told_once_and_the_gravest_first(
    wheel: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(wheel), "--color", "never"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [NAME, "  meets    linux_x86_64", "  claims   manylinux_2_17_x86_64"]
    told = [line.strip() for line in lines if line.endswith("]")]
    assert [line.rpartition("[")[2] for line in told] == ["tag-not-met]", "stable-abi-too-new]", "external-library]"]
    assert "claims manylinux_2_17, needs libfoo.so [" in told[0]
    assert "m/a.so and 1 file more: needs libfoo.so, which no level allows" in told[2]


def test_what_is_ignored_or_not_selected_is_not_told(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "--ignore", "tag,stable-abi-too-new", str(wheel)]) == 0
    assert "external-library" in capsys.readouterr().out
    assert main(["audit", "--select", "python", "--json", str(wheel)]) == 1
    (one,) = json.loads(capsys.readouterr().out)["wheels"]
    assert [finding["code"] for finding in one["findings"]] == ["stable-abi-too-new"]


def test_the_document_is_as_the_schema_says(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = wheel.with_name("bad-1-py3-none-any.whl")
    bad.write_bytes(b"no zip")
    assert main(["schema", "audit"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert main(["audit", "--json", str(bad), str(wheel)]) == 1
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema)
    assert [one["file"] for one in document["wheels"]] == [bad.name, NAME]


def test_a_policy_file_makes_a_library_allowed(wheel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = wheel.with_name("ours.toml")
    file.write_text('[[policies]]\nname = "manylinux_2_17"\nlib_whitelist = ["libfoo.so"]\n')
    assert main(["audit", "--ignore", "python", "--policy", str(file), str(wheel)]) == 0
    out = capsys.readouterr().out
    assert "meets    manylinux_2_17_x86_64" in out
    assert "outside" not in out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--select", "nothing-such"], "error: unknown code 'nothing-such' (--select)\nhint: groups are tag, binary"),
        (["--policy", "none.toml"], "error: none.toml: cannot be read: No such file or directory (--policy)\n"),
        (["none-1-py3-none-any.whl"], "error: no such wheel: none-1-py3-none-any.whl\n"),
    ],
)
def test_a_wrong_question_is_said_so_and_nothing_printed(
    wheel: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert main(["audit", str(wheel), *flags]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
