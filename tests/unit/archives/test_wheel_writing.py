"""Whatever goes into a wheel comes out again, and the same inputs give the same bytes."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import threading
import zipfile
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrix.archives.compression import Compression, dos_time
from matrix.archives.entries import Entry, merge_entries
from matrix.archives.metadata import CoreMetadata
from matrix.archives.record import read_record
from matrix.archives.verify import is_unchanged, wheel_problems
from matrix.archives.wheel import remove_leftovers, write_wheel
from matrix.errors import ConfigError, UsageError, WheelmatrixError
from matrix.files import TEMPORARY

TAGS = ("cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux2014_x86_64")
NAME = "demo-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
FAST = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def metadata(**changes: Any) -> CoreMetadata:
    fields: dict[str, Any] = {
        "name": "demo",
        "version": "1.0",
        "distribution": "demo-1.0",
        "text": "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n\n",
    }
    return CoreMetadata(**{**fields, **changes})


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


parts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/\\"), min_size=1, max_size=8
).filter(lambda part: part not in (".", "..") and ":" not in part)
files = st.dictionaries(
    st.lists(parts, min_size=1, max_size=3).map("/".join), st.binary(max_size=200), max_size=8
).filter(lambda found: not any(one != other and other.startswith(f"{one}/") for one in found for other in found))


@FAST
@given(files, st.lists(st.booleans(), min_size=8, max_size=8), st.sampled_from(["deflated", "stored", "bzip2"]))
def test_what_is_written_is_read_back(
    tmp_path: Path, content: dict[str, bytes], modes: list[bool], method: Any
) -> None:
    entries = [Entry(path, data, run) for (path, data), run in zip(content.items(), modes, strict=False)]
    path = tmp_path / NAME
    wheel = write_wheel(path, entries, metadata(), TAGS, compression=Compression(method))
    assert wheel_problems(path) == ()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name} == content
        for entry in entries:
            mode = archive.getinfo(entry.path).external_attr >> 16
            assert mode == stat.S_IFREG | (0o755 if entry.executable else 0o644)
        rows = read_record(archive.read("demo-1.0.dist-info/RECORD").decode())
        assert [row.path for row in rows] == archive.namelist()
        assert (rows[-1].digest, rows[-1].size) == ("", "")
    assert wheel.size == path.stat().st_size
    assert is_unchanged(tmp_path, wheel)
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


@FAST
@given(files, st.randoms(use_true_random=False), st.integers(min_value=0, max_value=5_000_000_000))
def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, content: dict[str, bytes], random: Any, seconds: int
) -> None:
    entries = [Entry(path, data) for path, data in content.items()]
    first = write_wheel(tmp_path / NAME, entries, metadata(), TAGS, modified=dos_time(seconds))
    random.shuffle(entries)
    (other := tmp_path / "other").mkdir(exist_ok=True)
    second = write_wheel(other / NAME, entries, metadata(), TAGS[::-1], modified=dos_time(seconds))
    assert first == second
    with zipfile.ZipFile(tmp_path / NAME) as archive:
        assert {member.date_time for member in archive.infolist()} == {
            tuple(min(part, 58) if index == 5 else part for index, part in enumerate(_even(dos_time(seconds))))
        }


def _even(moment: tuple[int, ...]) -> tuple[int, ...]:
    return (*moment[:5], moment[5] // 2 * 2)  # the format counts in steps of two seconds


def test_the_order_of_members(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT\n")
    (tmp_path / "AUTHORS").write_text("me\n")
    written = metadata(
        entry_points="[console_scripts]\ndemo = demo:main\n",
        license_files=((tmp_path / "LICENSE", "LICENSE"), (tmp_path / "AUTHORS", "third/AUTHORS")),
    )
    entries = [
        Entry("demo/z.py", b""),
        Entry("demo-1.0.data/scripts/run", b""),
        Entry("demo-1.0.dist-info/sboms/demo.cyclonedx.json", b"{}"),
        Entry("demo/__init__.py", b""),
        Entry("zzz.py", b""),
    ]
    write_wheel(tmp_path / NAME, entries, written, TAGS)
    assert names(tmp_path / NAME) == [
        "demo-1.0.data/scripts/run",
        "demo/__init__.py",
        "demo/z.py",
        "zzz.py",
        "demo-1.0.dist-info/METADATA",
        "demo-1.0.dist-info/WHEEL",
        "demo-1.0.dist-info/entry_points.txt",
        "demo-1.0.dist-info/licenses/LICENSE",
        "demo-1.0.dist-info/licenses/third/AUTHORS",
        "demo-1.0.dist-info/sboms/demo.cyclonedx.json",
        "demo-1.0.dist-info/RECORD",
    ]


def test_the_wheel_file_names_every_tag(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path / NAME, [], metadata(), TAGS)
    with zipfile.ZipFile(tmp_path / NAME) as archive:
        text = archive.read("demo-1.0.dist-info/WHEEL").decode()
    assert text.splitlines()[0] == "Wheel-Version: 1.0"
    assert text.splitlines()[1].startswith("Generator: wheelmatrix (")
    assert text.splitlines()[2:] == [
        "Root-Is-Purelib: false",
        "Tag: cp312-cp312-manylinux2014_x86_64",
        "Tag: cp312-cp312-manylinux_2_17_x86_64",
    ]
    assert wheel.tags == tuple(sorted(TAGS))


def test_record_quotes_what_needs_quoting(tmp_path: Path) -> None:
    odd = ["a,b.py", 'say "hi".py', "ünïcode/日本.py", "it's.py", " space .py"]
    write_wheel(tmp_path / NAME, [Entry(path, path.encode()) for path in odd], metadata(), TAGS)
    assert wheel_problems(tmp_path / NAME) == ()
    with zipfile.ZipFile(tmp_path / NAME) as archive:
        text = archive.read("demo-1.0.dist-info/RECORD").decode()
    assert '"a,b.py",sha256=' in text
    assert '"say ""hi"".py",sha256=' in text


def test_an_equal_wheel_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / NAME
    write_wheel(path, [Entry("a", b"1")], metadata(), TAGS)
    os.utime(path, ns=(1, 1))
    before = path.stat()
    write_wheel(path, [Entry("a", b"1")], metadata(), TAGS)
    after = path.stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)
    write_wheel(path, [Entry("a", b"2")], metadata(), TAGS)
    assert path.stat().st_ino != before.st_ino
    assert wheel_problems(path) == ()


def test_a_source_that_vanished_leaves_the_old_wheel(tmp_path: Path) -> None:
    path = tmp_path / NAME
    good = write_wheel(path, [Entry("a", b"1")], metadata(), TAGS)
    with pytest.raises(WheelmatrixError, match=r"gone\.so: No such file"):
        write_wheel(path, [Entry("a", tmp_path / "gone.so")], metadata(), TAGS)
    assert is_unchanged(tmp_path, good)
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


class Full(io.FileIO):
    """A file on a disk that has room for a few bytes only."""

    room = 300

    def write(self, data: Any, /) -> int:
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data) or 0


@pytest.mark.parametrize("room", [0, 100, 300, 1000])
def test_a_full_disk_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    real = Path.open

    def full(self: Path, mode: str = "r", *rest: Any, **named: Any) -> IO[Any]:
        if not self.name.startswith(TEMPORARY) or "x" not in mode:
            return real(self, mode, *rest, **named)
        file = Full(self, "x+")
        file.room = room
        return file

    path = tmp_path / NAME
    good = write_wheel(path, [Entry("a", b"1")], metadata(), TAGS)
    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(WheelmatrixError, match="No space left") as caught:
        write_wheel(path, [Entry("a", os.urandom(5000))], metadata(), TAGS)
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint is not None
    assert "--out" in caught.value.hint
    assert is_unchanged(tmp_path, good)
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_a_missing_directory_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(WheelmatrixError, match=r"cannot write to .*nowhere"):
        write_wheel(tmp_path / "nowhere" / NAME, [], metadata(), TAGS)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are Unix's")
def test_the_file_gets_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_wheel(tmp_path / NAME, [], metadata(), TAGS)
    (plain := tmp_path / "plain").touch()
    assert (tmp_path / NAME).stat().st_mode == plain.stat().st_mode


def test_what_a_killed_run_left_is_removed_in_time(tmp_path: Path) -> None:
    old, new, foreign = (tmp_path / name for name in (".wheelmatrix-1.tmp", ".wheelmatrix-2.tmp", "other.tmp"))
    for path in (old, new, foreign):
        path.touch()
    for path in (old, foreign):
        os.utime(path, (1, 1))
    assert remove_leftovers(tmp_path) == 1
    assert sorted(tmp_path.iterdir()) == [new, foreign]
    assert remove_leftovers(tmp_path / "nowhere") == 0


def test_many_threads_write_at_once(tmp_path: Path) -> None:
    done: list[str] = []

    def write(number: int) -> None:
        target = tmp_path / f"demo-1.{number}-py3-none-any.whl"
        done.append(write_wheel(target, [Entry("a", b"x" * 100_000)], metadata(), TAGS).sha256)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8
    assert len(set(done)) == 1


def test_a_big_member_is_never_held_whole(tmp_path: Path) -> None:
    import tracemalloc

    big = tmp_path / "big.so"
    with big.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        write_wheel(tmp_path / NAME, [Entry("demo/big.so", big, executable=True)], metadata(), TAGS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
    assert wheel_problems(tmp_path / NAME) == ()


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../b", "a//b", "", "C:/x", "a\\b", "a\nb", "a/", "./a"])
def test_paths_that_no_installer_may_follow(path: str) -> None:
    with pytest.raises(ConfigError):
        merge_entries([Entry(path, b"")])


def test_two_files_for_one_path_are_both_named(tmp_path: Path) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(name)
    with pytest.raises(ConfigError, match=r"two files claim 'a\.py'.*one\.py and .*two\.py"):
        merge_entries([Entry("a.py", tmp_path / "one.py"), Entry("a.py", tmp_path / "two.py")])
    assert len(merge_entries([Entry("a.py", tmp_path / "one.py"), Entry("a.py", tmp_path / "one.py")])) == 1


def test_a_path_cannot_be_a_file_and_a_directory() -> None:
    with pytest.raises(ConfigError, match="both a file and a directory"):
        merge_entries([Entry("a", b""), Entry("a/b/c", b"")])


@pytest.mark.parametrize("name", ["METADATA", "RECORD", "RECORD.jws", "WHEEL"])
def test_our_own_files_cannot_be_overwritten(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        write_wheel(tmp_path / NAME, [Entry(f"demo-1.0.dist-info/{name}", b"")], metadata(), TAGS)


def test_levels_change_size_not_content(tmp_path: Path) -> None:
    sizes = {}
    for level in (0, 1, 9):
        path = tmp_path / f"demo-{level}-py3-none-any.whl"
        sizes[level] = write_wheel(
            path, [Entry("a", b"abc" * 9999)], metadata(), TAGS, compression=Compression(level=level)
        ).size
        assert wheel_problems(path) == ()
    assert sizes[9] < sizes[1] < sizes[0]
    default = write_wheel(tmp_path / "d.whl", [Entry("a", b"abc" * 9999)], metadata(), TAGS)
    six = write_wheel(
        tmp_path / "d.whl", [Entry("a", b"abc" * 9999)], metadata(), TAGS, compression=Compression(level=6)
    )
    assert default.sha256 == six.sha256


def test_compressions_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="level 10"):
        Compression(level=10)
    with pytest.raises(UsageError, match="lzma"):
        Compression("lzma")  # type: ignore[arg-type]
    if not hasattr(zipfile, "ZIP_ZSTANDARD"):
        with pytest.raises(UsageError, match=r"3\.14"):
            Compression("zstd")
