"""Archives made to harm who opens them, or to look different to different tools."""

from __future__ import annotations

import re
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.made_wheels import make_wheel

from matrix.auditing import BadWheelError, archive, audit_wheel, audit_wheels

NAME = "m-1-py3-none-any.whl"
Change = Callable[[bytearray], bytes | bytearray]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, NAME, {"m/a.py": b"x = 1\n"}, pure=True, method=zipfile.ZIP_STORED)


def refused(path: Path) -> str:
    with pytest.raises(BadWheelError) as caught:
        audit_wheel(path)
    assert caught.value.message.startswith(path.name)
    return caught.value.message.removeprefix(f"{path.name}: ")


def end_of(data: bytes | bytearray) -> int:
    return data.rindex(b"PK\5\6")


def with_count(data: bytearray) -> bytearray:
    struct.pack_into("<HH", data, end_of(data) + 8, 7, 7)
    return data


def with_overlap(data: bytearray) -> bytearray:
    """The second member's bytes are those of the first."""
    start = struct.unpack_from("<I", data, end_of(data) + 16)[0]
    name, extra, comment = struct.unpack_from("<3H", data, start + 28)
    second = start + 46 + name + extra + comment
    struct.pack_into("<I", data, second + 42, struct.unpack_from("<I", data, start + 42)[0])
    return data


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data + b"more", "no whole zip archive: there is something behind its end"),
        (lambda data: b"#!/bin/sh\n" + data, "no whole zip archive: its directory does not lie before its end record"),
        (lambda data: data[: len(data) // 2], "no whole zip archive: it has no end record"),
        (lambda data: data[:0], "no whole zip archive"),
        (with_count, "says it has 7 members, and lists 4"),
        (with_overlap, r"overlaps another|does not begin where the file does"),
    ],
)
def test_archives_that_tools_read_differently_are_refused(wheel: Path, change: Change, said: str) -> None:
    wheel.write_bytes(change(bytearray(wheel.read_bytes())))
    assert re.search(said, refused(wheel))


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (0o120777, "'m/odd' is a link, which wheels cannot hold"),
        (0o010644, "'m/odd' is a device or a socket"),
        (0o060644, "'m/odd' is a device or a socket"),
    ],
)
def test_links_and_devices_are_refused(wheel: Path, mode: int, said: str) -> None:
    odd = zipfile.ZipInfo("m/odd")
    odd.external_attr = mode << 16
    with zipfile.ZipFile(wheel, "a") as opened:
        opened.writestr(odd, "/etc/passwd")
    assert said in refused(wheel)


@pytest.mark.parametrize(
    ("name", "said"), [("m//a.py", "there twice"), ("./m/a.py", "there twice"), ("n" * 5000, "5000")]
)
def test_names_for_one_place_and_endless_names_are_refused(wheel: Path, name: str, said: str) -> None:
    with zipfile.ZipFile(wheel, "a") as opened:
        opened.writestr(name, "x = 2\n")
    assert said in refused(wheel)


def test_an_encrypted_member_is_refused(wheel: Path) -> None:
    data = bytearray(wheel.read_bytes())
    start = struct.unpack_from("<I", data, end_of(data) + 16)[0]
    data[start + 8] |= 1
    wheel.write_bytes(data)
    assert "is encrypted" in refused(wheel)


def test_a_name_in_its_header_and_another_in_the_directory(wheel: Path) -> None:
    data = wheel.read_bytes()
    wheel.write_bytes(data.replace(b"m/a.py", b"m/b.py", 1))
    assert "differ" in refused(wheel)


def test_a_million_members_are_refused_before_any_is_read(tmp_path: Path) -> None:
    path = tmp_path / NAME
    one = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    many = 1_000_000
    directory = one * many
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 20, 20, 0, 0, many, many, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(directory), 1)
    path.write_bytes(
        directory + end + locator + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    )
    tracemalloc.start()
    began = time.perf_counter()
    said = refused(path)
    seconds, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert said == "more than 200000 members are more than any wheel has"
    assert seconds < 10
    assert peak < 20 << 20


def test_a_wheel_with_a_64_bit_end_record_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    path = make_wheel(tmp_path, NAME, {"m/a.py": b"x = 1\n"}, pure=True)
    assert b"PK\6\6" in path.read_bytes()
    assert audit_wheel(path).findings == ()


def test_directories_are_no_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as opened:
        opened.mkdir("m/") if hasattr(opened, "mkdir") else opened.writestr("m/", b"")
    assert audit_wheel(wheel).findings == ()


def test_the_limit_of_members(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBERS_LIMIT", 4)
    assert audit_wheel(wheel).findings == ()
    monkeypatch.setattr(archive, "MEMBERS_LIMIT", 3)
    assert "more than 3 members" in refused(wheel)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_headers_are_our_error(wheel: Path, data: st.DataObject) -> None:
    """Numbers in local headers, in the directory and in the end record are what they should not be."""
    content = bytearray(make_wheel(wheel.parent, NAME, {"m/a.py": b"x = 1\n"}, pure=True).read_bytes())
    headers = [match.start() for match in re.finditer(rb"PK[\1\3\5]", content)]
    for _ in range(data.draw(st.integers(1, 3))):
        place = min(data.draw(st.sampled_from(headers)) + data.draw(st.integers(4, 45)), len(content) - 4)
        value = data.draw(st.sampled_from([0, 1, 2**16 - 1, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1))
        struct.pack_into("<I", content, place, value)
    wheel.write_bytes(content)
    began = time.perf_counter()
    (audit,) = audit_wheels([wheel]).wheels
    assert time.perf_counter() - began < 5
    assert audit.file == NAME


def test_thousands_of_broken_binaries_cost_seconds(tmp_path: Path) -> None:
    for start, tag in ((b"MZ" + bytes(58) + b"\xff\0\0\0", "win_amd64"), (b"\x7fELF\2\1\1", "manylinux_2_17_x86_64")):
        files = {f"m/{number}": start for number in range(3_000)}
        path = make_wheel(tmp_path, f"m-1-py3-none-{tag}.whl", files)
        began = time.perf_counter()
        audit = audit_wheel(path)
        assert {finding.code for finding in audit.findings} == {"bad-binary"}
        assert time.perf_counter() - began < 10
