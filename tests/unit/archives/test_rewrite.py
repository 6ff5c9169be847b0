"""A finished wheel written anew: what changes, and all that does not."""

from __future__ import annotations

import zipfile
from pathlib import Path

from matrix.archives import Entry, wheel_problems
from matrix.archives.rewrite import rewrite_wheel

INFO = "x-1.dist-info"
TIME = (2020, 2, 2, 2, 2, 2)


def write(path: Path, members: dict[str, bytes], *, mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, TIME)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


def test_changed_members_keep_their_place_and_the_rest_its_bytes(tmp_path: Path) -> None:
    old = write(
        tmp_path / "x-1-py3-none-linux_x86_64.whl",
        {
            "x/": b"",
            "x/a.so": b"old",
            "x/b.py": b"b = 1\n",
            f"{INFO}/WHEEL": b"Wheel-Version: 1.0\r\nTag: py3-none-linux_x86_64\r\nBuild: 7\r\n",
            f"{INFO}/RECORD.jws": b"{}",
            f"{INFO}/RECORD": b"",
            f"{INFO}/zz.txt": b"after RECORD",
        },
        mode=0o100755,
    )
    before = old.read_bytes()
    new = tmp_path / "new.whl"
    added = [Entry("x.libs/l.so", b"lib"), Entry(f"{INFO}/sboms/s.json", b"{}")]
    wheel = rewrite_wheel(
        old,
        new,
        changed={"x/a.so": Entry("x/a.so", b"new", executable=True)},
        added=added,
        tags=["py3-none-b", "py3-none-a"],
    )
    assert old.read_bytes() == before
    assert wheel_problems(new) == ()
    assert (wheel.tags, wheel.file, wheel.size) == (("py3-none-a", "py3-none-b"), "new.whl", new.stat().st_size)
    with zipfile.ZipFile(new) as archive:
        assert archive.namelist() == [
            *("x/a.so", "x/b.py", "x.libs/l.so", f"{INFO}/WHEEL", f"{INFO}/zz.txt"),
            *(f"{INFO}/sboms/s.json", f"{INFO}/RECORD"),
        ]
        assert archive.read("x/a.so") == b"new"
        assert (
            archive.read(f"{INFO}/WHEEL").decode() == "Wheel-Version: 1.0\nBuild: 7\nTag: py3-none-a\nTag: py3-none-b\n"
        )
        assert {info.date_time for info in archive.infolist()} == {TIME}
        assert archive.getinfo("x/b.py").external_attr >> 16 == 0o100755
        assert archive.getinfo(f"{INFO}/sboms/s.json").external_attr >> 16 == 0o100644
    again = tmp_path / "again.whl"
    rewrite_wheel(new, again, changed={}, added=(), tags=wheel.tags)
    assert again.read_bytes() == new.read_bytes()
