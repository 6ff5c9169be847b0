from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.made_wheels import make_wheel

from matrix.auditing import Audits, BadWheelError, WheelAudit, archive, audit_wheel, audit_wheels, members
from matrix.errors import UsageError

Elf = Callable[..., bytes]
Make = Callable[..., Path]
NAME = "m-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
DIRECTORY = "m-1.dist-info"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(files: Mapping[str, bytes], name: str = NAME, **how: Any) -> Path:
        return make_wheel(tmp_path, name, files, **how)

    return made


def codes(audit: WheelAudit) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in audit.findings]


@pytest.fixture
def modern(elf: Elf, symbol: Callable[..., Any]) -> bytes:
    return elf(
        needed=["libc.so.6"],
        needs={"libc.so.6": ["GLIBC_2.34"]},
        symbols=[symbol("dlopen", version="libc.so.6:GLIBC_2.34"), symbol("PyInit_x", defined=True)],
    )


def test_a_good_wheel_keeps_its_claim(make: Make, elf: Elf, symbol: Callable[..., Any]) -> None:
    module = elf(needed=["libc.so.6"], symbols=[symbol("PyInit_x", defined=True)])
    audit = audit_wheel(make({"m/x.cpython-312-x86_64-linux-gnu.so": module, "m/a.py": b""}))
    assert audit == WheelAudit(
        file=NAME,
        pure=False,
        tags=("cp312-cp312-manylinux2014_x86_64", "cp312-cp312-manylinux_2_17_x86_64"),
        overall_tag="manylinux_2_5_x86_64",
        sym_tag="manylinux_2_5_x86_64",
        needed_libs=("libc.so.6",),
    )
    assert not audit.failed


def test_a_claim_that_is_not_met_is_an_error(make: Make, modern: bytes) -> None:
    audit = audit_wheel(make({"m/x.so": modern}))
    assert audit.overall_tag == "manylinux_2_34_x86_64"
    assert codes(audit) == [("level-set-by", "note"), ("tag-not-met", "error"), ("tag-not-met", "error")]
    assert audit.findings[1].message == "claims manylinux_2_17, needs glibc 2.34: dlopen@GLIBC_2.34"
    assert audit.findings[1].hint == "the best tag it meets is manylinux_2_34_x86_64"
    assert audit.policy_upgrades["manylinux_2_31_x86_64"].versioned_symbols == {"libc.so.6": ("GLIBC_2.34",)}
    assert "manylinux_2_34_x86_64" not in audit.policy_upgrades


def test_a_plain_linux_wheel_claims_nothing(make: Make, elf: Elf) -> None:
    path = make({"m/x.so": elf(needed=["libfoo.so", "libc.so.6"])}, "m-1-cp312-cp312-linux_x86_64.whl")
    audit = audit_wheel(path)
    assert codes(audit) == [("external-library", "warning"), ("not-on-pypi", "note")]
    assert audit.external_libs == {"libfoo.so": None}
    assert audit.policy_upgrades["manylinux_2_17_x86_64"].libs_to_eliminate == ("libfoo.so",)


def test_a_binary_of_another_architecture_is_an_error(make: Make, elf: Elf) -> None:
    assert codes(audit_wheel(make({"m/x.so": elf(machine=183)}))) == [("wrong-architecture", "error")]


def test_a_wheel_is_for_one_architecture(make: Make, elf: Elf) -> None:
    name = "m-1-py3-none-manylinux_2_17_aarch64.manylinux_2_17_x86_64.whl"
    audit = audit_wheel(make({"m/x.so": elf(machine=183)}, name))
    assert codes(audit) == [("tag-not-met", "error")]
    assert audit.findings[0].message == "claims manylinux_2_17 for x86_64, but its binaries are for aarch64"


def test_a_level_that_nobody_knows_is_a_warning(make: Make, elf: Elf) -> None:
    path = make({"m/x.so": elf(needed=["libc.so"])}, "m-1-cp312-cp312-musllinux_1_9_x86_64.whl")
    assert codes(audit_wheel(path)) == [("unknown-level", "warning")]


def test_the_other_libc_is_an_error(make: Make, elf: Elf) -> None:
    audit = audit_wheel(make({"m/x.so": elf(needed=["libc.so"])}, "m-1-cp312-cp312-manylinux_2_17_x86_64.whl"))
    assert codes(audit) == [("tag-not-met", "error")]
    assert audit.overall_tag == "musllinux_1_2_x86_64"


def test_a_static_program_may_claim_both_families(make: Make, elf: Elf) -> None:
    name = "m-1-py3-none-manylinux_2_17_x86_64.musllinux_1_1_x86_64.whl"
    assert codes(audit_wheel(make({"m-1.data/scripts/m": elf(kind=2)}, name))) == []
    dynamic = audit_wheel(make({"m-1.data/scripts/m": elf(kind=2, needed=["libc.so.6"])}, name))
    assert codes(dynamic) == [("tag-not-met", "error")]


def test_a_pure_wheel_is_any(make: Make) -> None:
    audit = audit_wheel(make({"m/a.py": b"x = 1"}, "m-1-py3-none-any.whl"))
    assert (audit.pure, audit.overall_tag, audit.findings) == (True, "any", ())


def test_any_with_a_module_inside_is_an_error(make: Make, elf: Elf, modern: bytes) -> None:
    audit = audit_wheel(make({"m/x.so": modern}, "m-1-py3-none-any.whl"))
    assert ("tag-not-met", "error") in codes(audit)
    data = audit_wheel(make({"m/tool": elf(kind=2)}, "m-1-py3-none-any.whl"))
    assert codes(data) == [("tag-not-met", "warning")]


def test_other_formats_are_said_not_to_be_audited(make: Make, elf: Elf) -> None:
    name = "m-1-cp312-cp312-ios_13_0_arm64_iphoneos.whl"
    audit = audit_wheel(make({"m/x.so": b"\xcf\xfa\xed\xfe" + bytes(60), "m/y": elf()}, name))
    assert (audit.overall_tag, audit.sym_tag, audit.pure) == ("", "", False)
    assert codes(audit) == [("not-audited", "note")] * 2
    windows = audit_wheel(make({"m/x.exe": b"MZ" + bytes(60), "m/y.so": elf()}))
    assert codes(windows) == [("not-audited", "note")]


@pytest.mark.parametrize("content", [b"\xcf\xfa\xed\xfe", b"MZ"])
def test_a_linux_wheel_without_a_binary_of_linux_is_an_error(make: Make, elf: Elf, content: bytes) -> None:
    foreign = {"m/x.so": content + bytes(60)}
    audit = audit_wheel(make(foreign))
    assert codes(audit) == [("not-audited", "note"), ("wrong-format", "error")]
    assert audit.findings[1].message == "claims Linux, but no binary in it is one of Linux (ELF)"
    assert (audit.failed, audit.pure, audit.overall_tag) == (True, False, "")
    local = audit_wheel(make(foreign, "m-1-cp312-cp312-linux_x86_64.whl"))
    assert ("wrong-format", "error") in codes(local)
    beside = audit_wheel(make({**foreign, "m/y.so": elf(needed=["libc.so.6"])}))
    assert codes(beside) == [("not-audited", "note")]
    anywhere = audit_wheel(make(foreign, "m-1-py3-none-any.whl"))
    assert codes(anywhere) == [("not-audited", "note")]


def test_broken_and_foreign_files_do_not_end_the_audit(make: Make, elf: Elf) -> None:
    files = {"m/a.so": b"\x7fELF\2\1", "m/b.o": elf(machine=247), "m/c.debug": b"\x7fELF?", "m/x.so": elf()}
    audit = audit_wheel(make(files))
    assert codes(audit) == [("bad-binary", "error"), ("not-audited", "note"), ("not-audited", "note")]
    assert audit.overall_tag == "manylinux_2_5_x86_64"


def test_libraries_that_the_wheel_brings_are_its_own(make: Make, elf: Elf) -> None:
    files = {"m/x.so": elf(needed=["libfoo-1.so", "libc.so.6"]), "m.libs/libfoo-1.so": elf(needed=["libc.so.6"])}
    assert audit_wheel(make(files)).overall_tag == "manylinux_2_5_x86_64"


def test_binaries_where_pure_python_belongs(make: Make, elf: Elf) -> None:
    audit = audit_wheel(make({"m-1.data/purelib/x.so": elf()}))
    assert codes(audit) == [("binary-in-purelib", "error")]
    audit = audit_wheel(make({"m/x.so": elf()}, pure=True))
    assert codes(audit) == [("binary-in-purelib", "warning")]


def test_tags_inside_and_outside_are_compared(make: Make, elf: Elf) -> None:
    wheel = b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"
    audit = audit_wheel(make({"m/x.so": elf(), f"{DIRECTORY}/WHEEL": wheel}))
    assert codes(audit) == [("tags-differ", "warning")]


@pytest.mark.parametrize(
    ("tag", "suffix", "code"),
    [
        ("cp312-cp312-manylinux_2_17_x86_64", ".cpython-312-x86_64-linux-gnu.so", None),
        ("cp312-cp312-manylinux_2_17_x86_64", ".so", None),
        ("cp312-cp312-manylinux_2_17_x86_64", ".abi3.so", None),
        ("cp312-cp312-manylinux_2_17_x86_64", ".cpython-311-x86_64-linux-gnu.so", "suffix-not-imported"),
        ("cp312-cp312-manylinux_2_17_x86_64", ".cpython-312-aarch64-linux-gnu.so", "suffix-not-imported"),
        ("cp312-cp312-manylinux_2_17_x86_64", ".cpython-312-x86_64-linux-musl.so", "suffix-not-imported"),
        ("cp313-cp313t-manylinux_2_17_x86_64", ".cpython-313t-x86_64-linux-gnu.so", None),
        ("cp313-cp313t-manylinux_2_17_x86_64", ".cpython-313-x86_64-linux-gnu.so", "suffix-not-imported"),
        ("cp313-cp313-manylinux_2_17_x86_64", ".cpython-313t-x86_64-linux-gnu.so", "suffix-not-imported"),
        ("cp39-abi3-manylinux_2_17_x86_64", ".cpython-39-x86_64-linux-gnu.so", "suffix-not-imported"),
        ("cp39-abi3-manylinux_2_17_x86_64", ".abi3.so", None),
        ("pp311-pypy311_pp73-manylinux_2_17_x86_64", ".pypy311-pp73-x86_64-linux-gnu.so", None),
        ("pp311-pypy311_pp73-manylinux_2_17_x86_64", ".cpython-311-x86_64-linux-gnu.so", "suffix-not-imported"),
        ("py3-none-manylinux_2_17_x86_64", ".cpython-39-x86_64-linux-gnu.so", None),
        ("cp312-cp312-linux_x86_64", ".cpython-312-x86_64-linux-musl.so", None),
    ],
)
def test_suffixes_are_held_against_the_tags(make: Make, modern: bytes, tag: str, suffix: str, code: str | None) -> None:
    found = {name for name, _ in codes(audit_wheel(make({f"m/x{suffix}": modern}, f"m-1-{tag}.whl")))}
    assert found & {"suffix-not-imported", "stale-module"} == ({code} if code else set())


@pytest.mark.parametrize(
    ("python", "suffix", "good"),
    [
        ("cp310", ".cpython-310-x86_64-linux-gnu.so", True),
        ("cp310", ".cpython-310-x86_64-linux-musl.so", False),
        ("cp311", ".cpython-311-x86_64-linux-musl.so", True),
        ("cp311", ".cpython-311-x86_64-linux-gnu.so", False),
    ],
)
def test_musl_is_named_from_python_3_11_on(
    make: Make, elf: Elf, symbol: Callable[..., Any], python: str, suffix: str, good: bool
) -> None:
    data = elf(needed=["libc.so"], symbols=[symbol("PyInit_x", defined=True)])
    audit = audit_wheel(make({f"m/x{suffix}": data}, f"m-1-{python}-{python}-musllinux_1_2_x86_64.whl"))
    assert codes(audit) == ([] if good else [("suffix-not-imported", "error")])


def test_a_module_left_over_beside_a_good_one_is_a_warning(make: Make, modern: bytes) -> None:
    files = {f"m/x.cpython-{version}-x86_64-linux-gnu.so": modern for version in (311, 312)}
    audit = audit_wheel(make(files, "m-1-cp312-cp312-manylinux_2_34_x86_64.whl"))
    assert ("stale-module", "warning") in codes(audit)
    assert not audit.failed


@pytest.mark.parametrize("name", ["m.whl", "m-1.zip", "m-1-cp312-cp312.whl", "m-1--cp312-linux_x86_64.whl"])
def test_a_name_that_is_no_wheel_s(make: Make, name: str) -> None:
    path = make({})
    with pytest.raises(BadWheelError, match="not the name of a wheel"):
        audit_wheel(path.rename(path.with_name(name)))


@pytest.mark.parametrize("member", ["../x.so", "/etc/x.so", "a/../../x.so", "C:\\x.so", "a\\..\\x.so"])
def test_members_that_would_escape_are_refused(make: Make, member: str) -> None:
    with pytest.raises(BadWheelError, match="outside the directory"):
        audit_wheel(make({member: b""}))


def test_a_member_that_is_there_twice_is_refused(make: Make) -> None:
    path = make({"m/x.py": b""})
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("m/x.py", b"other")
    with pytest.raises(BadWheelError, match="twice"):
        audit_wheel(path)


def test_what_is_no_zip_or_no_wheel_names_the_file(make: Make, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"no zip")
    with pytest.raises(BadWheelError, match=r"m-1-.*no whole zip archive"):
        audit_wheel(path)
    with pytest.raises(BadWheelError, match="dist-info/WHEEL"):
        audit_wheel(make({"m/x.py": b""}, drop=frozenset({"WHEEL"})))
    with pytest.raises(BadWheelError, match="cannot be read"):
        audit_wheel(tmp_path / f"x-{NAME}")


def test_bombs_are_refused(make: Make, elf: Elf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_BOMB_SIZE", 1 << 20)
    with pytest.raises(BadWheelError, match="zip bomb"):
        audit_wheel(make({"m/x.so": elf() + bytes(8 << 20)}))
    monkeypatch.setattr(archive, "_WHOLE_SIZE", 1 << 20)
    with pytest.raises(BadWheelError, match="unpacks to 100 times its size, as a zip bomb"):
        audit_wheel(make({f"m/{number}": bytes(1 << 19) for number in range(8)}))
    monkeypatch.setattr(archive, "TOTAL_LIMIT", 1 << 19)
    with pytest.raises(BadWheelError, match=r"whl: unpacks to more than an audit will read"):
        audit_wheel(make({"m/x": bytes(1 << 19)}))
    monkeypatch.setattr(archive, "MEMBER_LIMIT", 1 << 10)
    with pytest.raises(BadWheelError, match=r"m/x.so unpacks to more than an audit will read"):
        audit_wheel(make({"m/x.so": elf() + bytes(4096)}))


def test_large_members_are_spooled_and_read_alike(make: Make, modern: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    small = audit_wheel(make({"m/x.so": modern}))
    monkeypatch.setattr(members, "_SPOOL_ABOVE", 100)
    assert audit_wheel(make({"m/x.so": modern})) == small


def test_one_bad_wheel_does_not_stop_the_others(make: Make, elf: Elf, tmp_path: Path) -> None:
    bad = tmp_path / "b-1-cp312-cp312-linux_x86_64.whl"
    bad.write_bytes(b"")
    audits = audit_wheels([bad, make({"m/x.so": elf()})])
    assert [audit.failed for audit in audits.wheels] == [True, False]
    assert codes(audits.wheels[0]) == [("bad-wheel", "error")]
    assert audits.exit_code == 1
    with pytest.raises(UsageError, match="no such wheel"):
        audit_wheels([tmp_path / "none-1-py3-none-any.whl"])


def test_the_json_carries_auditwheel_s_names(make: Make, modern: bytes) -> None:
    audits = audit_wheels([make({"m/x.so": modern})])
    document = msgspec.json.decode(msgspec.json.encode(audits))
    assert document["version"] == 1
    (wheel,) = document["wheels"]
    assert wheel["overall_tag"] == wheel["sym_tag"] == "manylinux_2_34_x86_64"
    assert wheel["versioned_symbols"] == {"libc.so.6": ["GLIBC_2.34"]}
    assert wheel["findings"][0]["code"] == "level-set-by"
    assert msgspec.json.decode(msgspec.json.encode(audits), type=Audits) == audits


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_archive_is_our_error(make: Make, modern: bytes, data: st.DataObject) -> None:
    path = make({"m/x.so": modern, "m/a.py": b"x = 1"})
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    for _ in range(data.draw(st.integers(1, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        audit_wheel(path)
    except BadWheelError as error:
        assert error.message.startswith(NAME)  # noqa: PT017 - it need not be raised


def test_a_member_longer_than_it_says_is_our_error(make: Make, elf: Elf) -> None:
    path = make({"m/x.so": elf() + bytes(5000)})
    content = path.read_bytes()
    size = struct.pack("<I", len(elf()) + 5000)
    path.write_bytes(content.replace(size, struct.pack("<I", 200)))
    with pytest.raises(BadWheelError, match=r"no whole zip archive"):
        audit_wheel(path)


@pytest.mark.parametrize(
    ("member", "path", "code"),
    [
        ("m/x.so", "$ORIGIN/../m.libs", None),
        ("m/x.so", "$ORIGIN/../nvidia/lib", None),
        ("m/x.so", "$ORIGIN/../../lib", "rpath-outside"),
        ("x.so", "${ORIGIN}/..", "rpath-outside"),
        ("m-1.data/platlib/m/x.so", "$ORIGIN/../..", "rpath-outside"),
        ("m-1.data/scripts/x", "$ORIGIN/../lib", None),
        ("m/x.so", "/opt/lib", "absolute-rpath"),
    ],
)
def test_search_paths_that_leave_the_wheel(make: Make, elf: Elf, member: str, path: str, code: str | None) -> None:
    assert codes(audit_wheel(make({member: elf(runpath=path)}))) == ([(code, "warning")] if code else [])


def test_weak_versions_count_unless_they_are_flagged(make: Make, elf: Elf, symbol: Callable[..., Any]) -> None:
    weak = symbol("pidfd_spawn", weak=True, version="libc.so.6:GLIBC_2.39")
    fields: dict[str, Any] = {"needed": ["libc.so.6"], "needs": {"libc.so.6": ["GLIBC_2.39"]}, "symbols": [weak]}
    audit = audit_wheel(make({"m/x.so": elf(**fields)}))
    assert (audit.overall_tag, audit.failed) == ("manylinux_2_39_x86_64", True)
    flagged = audit_wheel(make({"m/x.so": elf(**fields, weak_needs=["GLIBC_2.39"])}))
    assert (flagged.overall_tag, flagged.failed) == ("manylinux_2_5_x86_64", False)


@pytest.mark.parametrize(
    ("platform", "files", "found"),
    [
        ("any", ["m/a.py", "m/b.py"], None),
        ("any", ["m/a.py", "m/A.py"], ("warning", "m/A.py", "m/a.py and m/A.py")),
        (
            "macosx_11_0_arm64",
            ["m/\u00e9.py", "m/E\u0301.py"],
            ("warning", "m/E\u0301.py", "m/\u00e9.py and m/E\u0301.py"),
        ),
        ("win_amd64", ["m/one/a.py", "m/One/b.py"], ("warning", "m/One", "m/one and m/One")),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", ["m/a.py", "m/A.py"], ("note", "m/A.py", "m/a.py and m/A.py")),
    ],
)
def test_names_that_differ_in_case_are_one_file_elsewhere(
    make: Make, platform: str, files: list[str], found: tuple[str, str, str] | None
) -> None:
    audit = audit_wheel(make(dict.fromkeys(files, b""), f"m-1-py3-none-{platform}.whl"))
    same = [one for one in audit.findings if one.code == "names-differ-in-case"]
    words = "{} differ only in capitals and small letters"
    assert [(one.severity, one.file, one.message) for one in same] == (
        [(*found[:2], words.format(found[2]))] if found is not None else []
    )


def test_names_that_differ_in_case_are_told_once(make: Make) -> None:
    names = [f"m/{letter}.py" for letter in "aAbBcC"] + ["M/a.py"]
    audit = audit_wheel(make(dict.fromkeys(names, b""), "m-1-py3-none-any.whl"))
    (found,) = [one for one in audit.findings if one.code == "names-differ-in-case"]
    assert found.message == "m and M differ only in capitals and small letters"
    audit = audit_wheel(make(dict.fromkeys(names[:-1], b""), "m-1-py3-none-any.whl"))
    (found,) = [one for one in audit.findings if one.code == "names-differ-in-case"]
    assert found.message == "m/a.py and m/A.py differ only in capitals and small letters (2 more)"
