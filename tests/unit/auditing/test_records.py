"""RECORD, METADATA and WHEEL of wheels made by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.made_wheels import make_wheel, record_of, row_of

from matrix.auditing import RULES, audit_wheel
from matrix.auditing.record import read_record, record_findings

NAME = "m-1-py3-none-any.whl"
INFO = "m-1.dist-info"
FILES = {"m/a.py": b"x = 1\n", "m/b.py": b"y = 2\n"}
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = "Metadata-Version: 2.4\nName: m\nVersion: 1\n"
Said = Callable[..., list[tuple[str, str, str]]]


@pytest.fixture
def said(tmp_path: Path) -> Said:
    """Audit a wheel; its findings' codes, severities and messages."""

    def said(files: dict[str, bytes], name: str = NAME, **how: Any) -> list[tuple[str, str, str]]:
        audit = audit_wheel(make_wheel(tmp_path, name, files, pure=True, **how))
        return [(one.code, one.severity, one.message) for one in audit.findings]

    return said


def joined(lines: list[str]) -> bytes:
    return "\n".join(lines).encode("latin-1")


def whole(record: bytes) -> dict[str, bytes]:
    """Files with a RECORD of one's own, for which METADATA and WHEEL are known beforehand."""
    return {**FILES, f"{INFO}/METADATA": METADATA.encode(), f"{INFO}/WHEEL": WHEEL.encode(), f"{INFO}/RECORD": record}


GOOD = record_of({name: data for name, data in whole(b"").items() if not name.endswith("RECORD")}, INFO).decode()
A, OTHER = row_of("m/a.py", FILES["m/a.py"]), row_of("m/a.py", b"x = 2\n")
ONE = "1 of its rows cannot be used:"


def test_a_good_record_says_nothing(said: Said) -> None:
    assert said(whole(GOOD.encode())) == []


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        (
            GOOD.replace(A, row_of("m/a.py", b"x = 2\n")),
            "record-mismatch",
            "1 file not as it says: m/a.py (another sha256)",
        ),
        (GOOD.replace(",6\n", ",7\n", 1), "record-mismatch", "1 file not as it says: m/a.py (6 bytes, not 7)"),
        (GOOD.replace(f"{A}\n", ""), "record-unlisted", "1 file there, but not listed: m/a.py"),
        (GOOD + row_of("m/c.py", b""), "record-absent", "1 file listed, but not there: m/c.py"),
        (f"{GOOD}{A}\n", "record-duplicate", "1 file listed twice or more: m/a.py"),
        (GOOD.replace(A, "m/a.py,,"), "record-invalid", "1 file without a digest: m/a.py"),
        (GOOD.replace(A, f"{A},1") + A, "record-invalid", f"{ONE} row 1 has 4 columns, not 3"),
        (
            f"{GOOD}../x,,\n",
            "record-invalid",
            f"{ONE} row 6 names '../x', which is no file of a wheel",
        ),
        (
            f"{GOOD}/x,,\n",
            "record-invalid",
            f"{ONE} row 6 names '/x', which is no file of a wheel",
        ),
        (
            GOOD.replace(A, "m/a.py,md5=x,6") + A,
            "record-invalid",
            f"{ONE} row 1 has the digest 'md5=x', which is not sha256=… or stronger",
        ),
        (GOOD.replace(A, f"{A}_") + A, "record-invalid", f"{ONE} row 1 has the size '6_'"),
        (f'{GOOD}"', "record-invalid", f"{ONE} it cannot be read: unexpected end of data"),
    ],
)
def test_what_record_and_files_disagree_on(said: Said, record: str, code: str, message: str) -> None:
    assert said(whole(record.encode())) == [(code, "error", message)]


def test_stronger_digests_and_signatures_are_fine(said: Said) -> None:
    import base64
    import hashlib

    digest = base64.urlsafe_b64encode(hashlib.sha512(FILES["m/a.py"]).digest()).decode()
    record = GOOD.replace(A, f"m/a.py,sha512={digest},6")
    assert said({**whole(record.encode()), f"{INFO}/RECORD.jws": b"{}"}) == []
    assert "another sha512" in said(whole(record.replace(digest[:8], "AAAAAAAA").encode()))[0][2]


def test_a_wheel_without_record_or_metadata(said: Said) -> None:
    found = said(FILES, drop=frozenset({"RECORD", "METADATA"}))
    assert [(code, severity) for code, severity, _ in found] == [
        ("metadata-missing", "error"),
        ("record-missing", "error"),
    ]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: (GOOD + text).encode("utf-8", "replace")))
)
def test_any_record_is_read_without_an_error(data: bytes) -> None:
    record = read_record(f"{INFO}/RECORD", data)
    sizes = {name: len(content) for name, content in FILES.items()}
    for finding in record_findings(record, sizes, {}):
        assert finding.code.startswith("record-")
    for name in record.rows:
        record.hasher(name)


LINES = st.sampled_from(
    [
        *(f"{METADATA}{WHEEL}Requires-Dist: a; extra == 'b'\nClassifier: x\nLicense-File: LICENSE\n".splitlines()),
        *("Name", "Metadata-Version: 2.9", "Version: one", ": x", " folded", "", "Tag: a-b", "Wheel-Version: \xff"),
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["METADATA", "WHEEL"]), data=st.binary(max_size=200) | st.lists(LINES).map(joined))
def test_any_metadata_is_read_without_an_error(said: Said, name: str, data: bytes) -> None:
    for code, _, _ in said({**FILES, f"{INFO}/{name}": data}):
        assert code in RULES


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (METADATA, []),
        (METADATA.replace("2.4", "2.1") + "License-File: LICENSE\n", [("metadata-invalid", "note")]),
        (METADATA + "License-File: LICENSE\n", [("licence-missing", "error")]),
        (METADATA.replace("Name: m", "Name: other"), [("metadata-differs", "error")]),
        (METADATA.replace("Version: 1", "Version: 2"), [("metadata-differs", "error")]),
        (METADATA.replace("Name: m", "Name: M"), []),
        (METADATA.replace("Version: 1\n", "Version: 1.0\n"), []),
        (METADATA + "Requires-Dist: ???\n", [("metadata-invalid", "warning")]),
        (METADATA + "Colour: blue\n", [("metadata-invalid", "warning")]),
        (METADATA.replace("2.4", "9.9"), [("metadata-invalid", "warning")]),
        (
            "",
            [
                ("metadata-differs", "error"),
                ("metadata-invalid", "warning"),
                ("metadata-invalid", "error"),
                ("metadata-invalid", "error"),
            ],
        ),
    ],
)
def test_metadata_is_checked_as_its_specification_says(
    said: Said, metadata: str, expected: list[tuple[str, str]]
) -> None:
    found = said({**FILES, f"{INFO}/METADATA": metadata.encode()})
    assert sorted((code, severity) for code, severity, _ in found) == sorted(expected)


@pytest.mark.parametrize(
    ("wheel", "message"),
    [
        (WHEEL.replace("Wheel-Version: 1.0\n", ""), "it has no Wheel-Version, so installers refuse it"),
        (WHEEL.replace("1.0", "2.0"), "Wheel-Version '2.0' is unknown to installers"),
        (WHEEL.replace("true", "maybe"), "Root-Is-Purelib is neither true nor false"),
        (WHEEL.replace("Root-Is-Purelib: true\n", ""), "it has no Root-Is-Purelib"),
        (f"{WHEEL}Build: 7\n", "its build number is 7, the file name's is missing"),
    ],
)
def test_the_wheel_file_is_checked(said: Said, wheel: str, message: str) -> None:
    assert said({**FILES, f"{INFO}/WHEEL": wheel.encode()}) == [("wheel-file-invalid", "error", message)]


def test_a_build_number_and_a_directory_of_another_name(said: Said) -> None:
    assert said(FILES, "m-1-7-py3-none-any.whl") == []
    moved = {f"n-1.dist-info/{name.rpartition('/')[2]}": data for name, data in whole(b"").items() if INFO in name}
    moved["n-1.dist-info/RECORD"] = record_of(
        {key: data for key, data in moved.items() if not key.endswith("RECORD")}, "n-1.dist-info"
    )
    found = said(moved, drop=frozenset({"WHEEL", "METADATA", "RECORD"}))
    assert found == [("metadata-differs", "error", "the file name says m 1; installers refuse that")]


def test_tags_in_a_compressed_set_are_expanded(said: Said) -> None:
    assert (
        said({**FILES, f"{INFO}/WHEEL": WHEEL.replace("py3-", "py2.py3-").encode()}, "m-1-py2.py3-none-any.whl") == []
    )
