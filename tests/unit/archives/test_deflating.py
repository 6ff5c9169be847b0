"""Large members are deflated beside each other, and with zlib the archive is the one that zipfile alone writes."""

from __future__ import annotations

import random
import struct
import sys
import threading
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from zlib_ng import zlib_ng

from matrix.archives import deflating, wheel
from matrix.archives.compression import Compression
from matrix.archives.deflating import IN_MEMORY, LARGE, Deflated, ahead, deflate
from matrix.archives.entries import Entry
from matrix.archives.metadata import CoreMetadata
from matrix.archives.verify import wheel_problems
from matrix.archives.wheel import write_wheel
from matrix.errors import WheelmatrixError

METADATA = CoreMetadata(name="demo", version="1.0", distribution="demo-1.0", text="Metadata-Version: 2.4\n")
NAME = "demo-1.0-py3-none-any.whl"


def mixed(size: int, seed: int) -> bytes:
    """Bytes that compress by about a half."""
    source = random.Random(seed)  # noqa: S311 - the same bytes every time
    return b"".join(source.randbytes(512) + bytes(512) for _ in range(size // 1024 + 1))[:size]


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    (tmp_path / "big").write_bytes(mixed(3 * LARGE + 7, 1))
    large = [Entry(f"d/{number}.so", mixed(LARGE + number, number), executable=True) for number in range(9)]
    return [*large, Entry("big.so", tmp_path / "big"), Entry("a.py", b"x = 1\n"), Entry("e.py", b"")]


@pytest.mark.parametrize("level", [None, 1, 9])
def test_the_bytes_are_those_of_zipfile(
    tmp_path: Path, entries: list[Entry], level: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deflating, "_codec", lambda: zlib)
    path = tmp_path / NAME
    write_wheel(path, entries, METADATA, ("py3-none-any",), compression=Compression(level=level))
    assert wheel_problems(path) == ()
    parallel = path.read_bytes()
    monkeypatch.setattr(deflating, "HUGE", 0)
    path.unlink()
    write_wheel(path, entries, METADATA, ("py3-none-any",), compression=Compression(level=level))
    assert parallel == path.read_bytes()


@pytest.mark.parametrize("level", [None, 0, 1, 9])
def test_zlib_ng_deflates_what_zlib_reads(tmp_path: Path, entries: list[Entry], level: int | None) -> None:
    codec = deflating._codec()
    assert codec is zlib_ng
    path = tmp_path / NAME
    write_wheel(path, entries, METADATA, ("py3-none-any",), compression=Compression(level=level))
    assert wheel_problems(path) == ()
    with zipfile.ZipFile(path) as archive:
        for entry in entries:
            content = entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()
            assert archive.read(entry.path) == content
            stored = archive.getinfo(entry.path).compress_size
            assert stored < 0.6 * len(content) or level == 0 or len(content) < LARGE


def test_zlib_stands_in_where_zlib_ng_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zlib_ng", None)
    assert deflating._codec.__wrapped__() is zlib


def test_large_members_are_deflated_at_the_same_time(
    tmp_path: Path, entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = ThreadPoolExecutor(2)
    monkeypatch.setattr(deflating, "_pool", lambda: pool)
    both = threading.Barrier(2, timeout=10)
    first = iter([True, True])

    def meeting(pieces: Iterator[bytes], level: int | None, directory: Path) -> Deflated:
        content = b"".join(pieces)
        if len(content) >= LARGE and next(first, False):
            both.wait()  # breaks when the second comes only after the first
        return deflate([content], level, directory)

    monkeypatch.setattr(wheel, "deflate", meeting)
    with pool:
        write_wheel(tmp_path / NAME, entries, METADATA, ("py3-none-any",))
    assert wheel_problems(tmp_path / NAME) == ()


def test_few_are_held_ready_and_what_is_large_lies_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflating, "_threads", lambda: 2)
    started: list[str] = []

    def work(entry: Entry) -> Deflated:
        started.append(entry.path)
        assert isinstance(entry.source, bytes)
        return deflate([entry.source], 0, tmp_path)

    large = [Entry(str(number), bytes(LARGE)) for number in range(12)]
    for written, (_, ready) in enumerate(ahead(large, work)):
        assert ready is not None
        ready.file.close()
        assert len(started) <= written + 1 + 2 * 2
    assert sorted(started, key=int) == [entry.path for entry in large], "threads may begin in another order"
    stored = deflate([bytes(IN_MEMORY + 1)], 0, tmp_path)
    assert getattr(stored.file, "_rolled")  # noqa: B009 - typeshed does not know it
    stored.file.close()


def test_what_cannot_be_read_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Deflated] = []

    def work(entry: Entry) -> Deflated:
        if entry.path == "1":
            raise WheelmatrixError("gone")
        assert isinstance(entry.source, bytes)
        made.append(deflate([entry.source], None, tmp_path))
        return made[-1]

    seen = ahead([Entry(str(number), bytes(LARGE)) for number in range(4)], work)
    entry, first = next(seen)
    assert entry.path == "0"
    assert first is not None
    first.file.close()
    with pytest.raises(WheelmatrixError, match="gone"):
        next(seen)
    assert all(one.file.closed for one in made)


@pytest.mark.anyio
async def test_the_loop_goes_on_while_a_large_wheel_is_written(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(mixed(12 << 20, 3))
    entries = [Entry(f"{number}.so", tmp_path / "big") for number in range(2)]
    longest, done = 0.0, False

    async def beat() -> None:
        nonlocal longest
        while not done:
            before = anyio.current_time()
            await anyio.sleep(0.005)
            longest = max(longest, anyio.current_time() - before)

    async with anyio.create_task_group() as group:
        group.start_soon(beat)
        began = anyio.current_time()
        await anyio.to_thread.run_sync(write_wheel, tmp_path / NAME, entries, METADATA, ("py3-none-any",))
        took, done = anyio.current_time() - began, True
    assert longest < took / 2
    assert zipfile.ZipFile(tmp_path / NAME).testzip() is None


def test_every_member_has_the_larger_header_when_told_so(tmp_path: Path) -> None:
    entries = [Entry("a.py", b"x = 1\n"), Entry("b.so", mixed(LARGE, 1))]
    path = tmp_path / NAME
    write_wheel(path, entries, METADATA, ("py3-none-any",), compression=Compression(large_files=True))
    assert wheel_problems(path) == ()
    with zipfile.ZipFile(path) as archive, path.open("rb") as raw:
        for member in archive.infolist():
            raw.seek(member.header_offset + 26)
            names, extras = struct.unpack("<HH", raw.read(4))
            raw.seek(names, 1)
            assert raw.read(extras)[:4] == b"\x01\x00\x10\x00", "the field of ZIP64, with both sizes"
