"""Codes of findings, what is selected of them, and levels of one's own."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import auditwheel.policy
import jsonschema
import msgspec
import pytest
from support.made_wheels import make_wheel

from matrix.auditing import RULES, audit_wheel, audit_wheels, policies, read_policies, schema, selection
from matrix.auditing.offences import OffenceKind
from matrix.auditing.policies import ARCHITECTURES
from matrix.errors import UsageError
from matrix.model import Finding

ROOM = Path(policies.__file__).parent
NAME = "m-1-cp312-cp312-manylinux_2_17_x86_64.whl"


def codes_in_use() -> set[str]:
    """Every text that the room gives a finding as its code."""
    found = set(get_args(OffenceKind))
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                found |= {one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)}
    return found


def test_every_code_has_a_rule_and_every_rule_is_in_use() -> None:
    used = codes_in_use()
    assert used - RULES.keys() == set()
    unused = RULES.keys() - used
    text = "".join((ROOM / name).read_text(encoding="utf-8") for name in ("remarks.py", "record.py", "reach.py"))
    assert {code for code in unused if f'"{code}"' not in text} == set()


def test_rules_are_written_alike() -> None:
    for rule in RULES.values():
        words = set(rule.severity.replace(",", "").replace(" or ", " ").split())
        assert words <= {"error", "warning", "note"}, rule
        for text in (rule.meaning, rule.advice):
            assert (text and text[0] != text[0].upper()) or text[:4] in {"PyPI", "META", "RECO", "Mach"}, text
            assert not text.endswith("."), text


@pytest.mark.parametrize(
    ("select", "ignore", "kept"),
    [
        ([], [], {"tag-not-met", "record-absent", "not-on-pypi"}),
        (["tag"], [], {"tag-not-met", "not-on-pypi"}),
        (["tag, record"], ["not-on-pypi"], {"tag-not-met", "record-absent"}),
        (["all"], ["tag"], {"record-absent"}),
        (["record-absent"], ["record-absent"], set()),
    ],
)
def test_findings_are_selected_by_code_and_group(select: list[str], ignore: list[str], kept: set[str]) -> None:
    chosen = selection(select, ignore)
    findings = [
        Finding(code=code, severity="error", file="", message="")
        for code in ("tag-not-met", "record-absent", "not-on-pypi")
    ]
    assert {finding.code for finding in findings if chosen.keeps(finding)} == kept
    assert chosen.keeps(Finding(code="bad-wheel", severity="error", file="", message=""))


def test_a_code_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match=r"unknown code 'tag-not-mt' \(--ignore\)") as caught:
        selection(["tag"], ["tag-not-mt"])
    assert caught.value.hint == "did you mean 'tag-not-met'?"


def test_what_is_ignored_does_not_fail(tmp_path: Path, elf: Callable[..., bytes]) -> None:
    path = make_wheel(tmp_path, NAME, {"m/x.so": elf(needed=["libfoo.so"])})
    assert audit_wheels([path]).exit_code == 1
    quiet = audit_wheels([path], selection=selection([], ["tag-not-met"]))
    assert quiet.exit_code == 0
    assert [finding.code for finding in quiet.wheels[0].findings] == ["external-library"]
    assert all(finding.hint for finding in audit_wheels([path]).wheels[0].findings)


def test_the_published_schema_is_that_of_the_types(tmp_path: Path, elf: Callable[..., bytes]) -> None:
    assert schema.SCHEMA_FILE.read_text(encoding="utf-8") == schema.render_schema(), (
        "run python -m matrix.auditing.schema"
    )
    audits = audit_wheels([make_wheel(tmp_path, NAME, {"m/x.so": elf(needed=["libfoo.so"])})])
    jsonschema.validate(json.loads(msgspec.json.encode(audits)), schema.schema())


def test_auditwheel_s_own_policies_are_read_as_ours() -> None:
    folder = Path(auditwheel.policy.__file__).parent
    for family in ("manylinux", "musllinux"):
        read = read_policies(folder / f"{family}-policy.json")
        for arch in ARCHITECTURES:
            theirs = {one.version: one for one in read if one.arch == arch}
            ours = {one.version: one for one in policies.policies(family, arch)}
            assert theirs.keys() == ours.keys()
            for version, policy in ours.items():
                assert theirs[version].libraries == policy.libraries
                assert {key: value for key, value in theirs[version].versions.items() if value} == {
                    key: value for key, value in policy.versions.items() if value
                }


def test_a_library_is_added_to_a_known_level(tmp_path: Path, elf: Callable[..., bytes]) -> None:
    path = make_wheel(tmp_path, NAME, {"m/x.so": elf(needed=["libfoo.so", "libc.so.6"])})
    assert audit_wheel(path).overall_tag == "linux_x86_64"
    file = tmp_path / "ours.toml"
    file.write_text(
        '[[policies]]\nname = "manylinux_2_17"\nlib_whitelist = ["libfoo.so"]\nblacklist = { "libc.so.6" = ["gets"] }\n'
    )
    extra = read_policies(file)
    audit = audit_wheel(path, extra)
    assert (audit.overall_tag, audit.findings, audit.external_libs) == (
        "manylinux_2_17_x86_64",
        (),
        {"libfoo.so": None},
    )
    assert "gets" in extra[0].forbidden["libc.so.6"]


def test_a_level_of_one_s_own(tmp_path: Path, elf: Callable[..., bytes]) -> None:
    row: dict[str, Any] = {
        "name": "manylinux_2_50",
        "symbol_versions": {"x86_64": {"GLIBC": ["2.2.5", "2.50"]}},
        "lib_whitelist": ["libc.so.6"],
    }
    file = tmp_path / "ours.json"
    file.write_text(json.dumps([{"name": "linux"}, row]))
    path = make_wheel(
        tmp_path,
        NAME.replace("2_17", "2_50"),
        {"m/x.so": elf(needed=["libc.so.6"], needs={"libc.so.6": ["GLIBC_2.50"]})},
    )
    assert audit_wheel(path, read_policies(file)).overall_tag == "manylinux_2_50_x86_64"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.json", "[", "truncated"),
        ("p.json", "{}", "Expected `array`"),
        ("p.json", '[{"name": "manylinux2014"}]', "'manylinux2014' is not the name of a level"),
        ("p.json", '[{"name": "manylinux_2_17", "colour": 1}]', "unknown field `colour`"),
        ("p.toml", "x = 1", "it has one key, policies"),
        ("p.toml", "[", "Invalid initial character"),
        ("missing.toml", None, "cannot be read: No such file"),
    ],
)
def test_a_wrong_policy_file_is_named(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        read_policies(file)
    assert caught.value.message.startswith(str(file))
    assert caught.value.message.endswith("(--policy)")
