from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.natives import Dylib

from matrix.archives.universal2 import join_slices
from matrix.auditing.macho import read_macho
from matrix.errors import WheelmatrixError


def thin(folder: Path, arch: str, tail: bytes = b"", **fields: tuple[int, int]) -> Path:
    path = folder / f"{arch}.dylib"
    path.write_bytes(Dylib(arch=arch, **fields).data + tail)  # type: ignore[arg-type]
    return path


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(tails=st.tuples(st.integers(0, 9_000), st.integers(0, 9_000)), swapped=st.booleans())
def test_each_slice_is_there_unchanged_and_begins_at_a_page(
    tmp_path: Path, tails: tuple[int, int], swapped: bool
) -> None:
    files = [thin(tmp_path, "x86_64", bytes(tails[0])), thin(tmp_path, "arm64", b"\1" * tails[1])]
    out = tmp_path / "fat.dylib"
    join_slices(files[::-1] if swapped else files, out)
    whole = out.read_bytes()
    assert struct.unpack_from(">2I", whole) == (0xCAFEBABE, 2)
    for index, (path, align) in enumerate(zip(files, (12, 14), strict=True)):
        cpu, _, offset, size, power = struct.unpack_from(">5I", whole, 8 + 20 * index)
        assert (cpu & 0xFF, power, offset % (1 << align)) == ((7, 12)[index], align, 0)
        assert whole[offset : offset + size] == path.read_bytes()
    assert offset + size == len(whole), "nothing follows the last slice"
    assert [one.arch for one in read_macho("fat", whole).slices] == ["x86_64", "arm64"]


def test_what_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    arm, out = thin(tmp_path, "arm64"), tmp_path / "fat"
    with pytest.raises(WheelmatrixError, match="are for one architecture"):
        join_slices([arm, arm], out)
    for content, reason in ((b"", "no thin Mach-O"), (b"MZ" + bytes(20), "no thin Mach-O")):
        other = tmp_path / "other"
        other.write_bytes(content)
        with pytest.raises(WheelmatrixError, match=reason):
            join_slices([arm, other], out)
    with pytest.raises(WheelmatrixError, match="no thin Mach-O"):
        join_slices([arm, thin(tmp_path, "i386")], out)
    odd = bytearray(arm.read_bytes())
    struct.pack_into("<I", odd, 4, 99)
    (tmp_path / "odd").write_bytes(odd)
    with pytest.raises(WheelmatrixError, match="for x86_64 or arm64, this is for cpu 0x63"):
        join_slices([arm, tmp_path / "odd"], out)
    assert not out.exists()
