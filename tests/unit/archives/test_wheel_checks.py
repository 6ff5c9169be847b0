"""A wheel whose RECORD lies, or that is no wheel, is found out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrix.archives.entries import Entry
from matrix.archives.metadata import CoreMetadata
from matrix.archives.record import Row, read_record, record_text
from matrix.archives.verify import is_unchanged, wheel_problems
from matrix.archives.wheel import write_wheel
from matrix.model import Wheel

RECORD = "demo-1.0.dist-info/RECORD"
META = CoreMetadata(name="demo", version="1.0", distribution="demo-1.0", text="Metadata-Version: 2.4\n\n")


@pytest.fixture
def good(tmp_path: Path) -> Wheel:
    return write_wheel(tmp_path / "demo-1.0-py3-none-any.whl", [Entry("a.py", b"1"), Entry("b.py", b"2")], META, ["t"])


def rewritten(source: Path, *, drop: str = "", change: str = "", add: str = "", record: str = "") -> Path:
    target = source.with_name("changed.whl")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name == drop:
                continue
            data = old.read(name)
            new.writestr(name, b"other" if name == change else record.encode() if record and name == RECORD else data)
        if add:
            new.writestr(add, b"")
    return target


def test_a_good_wheel_has_no_problem(good: Wheel, tmp_path: Path) -> None:
    assert wheel_problems(tmp_path / good.file) == ()


def test_what_is_wrong_is_named(good: Wheel, tmp_path: Path) -> None:
    path = tmp_path / good.file
    assert wheel_problems(rewritten(path, drop="a.py")) == ("a.py: in RECORD, not in the archive",)
    assert wheel_problems(rewritten(path, add="c.py")) == ("c.py: in the archive, not in RECORD",)
    assert wheel_problems(rewritten(path, change="b.py")) == (
        "b.py: the content is not what RECORD says",
        "b.py: 5 bytes, RECORD says 1",
    )
    assert wheel_problems(rewritten(path, drop=RECORD)) == ("0 RECORD files, not one",)
    assert wheel_problems(rewritten(path, add="demo-1.0.dist-info/RECORD.jws")) == ()
    assert "row 1 has 2 fields" in wheel_problems(rewritten(path, record="a,b\n"))[0]
    odd = "a.py,md5=x,1\nb.py,,\n" + f"{META.dist_info}/METADATA,,\n{META.dist_info}/WHEEL,,\n{RECORD},,\n"
    assert wheel_problems(rewritten(path, record=odd))[:2] == (
        "a.py: RECORD gives a md5 digest, not sha256",
        "b.py: RECORD gives no digest",
    )


def test_no_archive_at_all(tmp_path: Path) -> None:
    assert wheel_problems(tmp_path / "missing.whl")[0].startswith("not a readable archive")
    (tmp_path / "text.whl").write_text("hello")
    assert wheel_problems(tmp_path / "text.whl")[0].startswith("not a readable archive")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_makes_the_check_itself_fail(good: Wheel, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray((tmp_path / good.file).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "mutated.whl").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    wheel_problems(tmp_path / "mutated.whl")


def test_is_unchanged_compares_every_byte(good: Wheel, tmp_path: Path) -> None:
    path = tmp_path / good.file
    assert is_unchanged(tmp_path, good)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert not is_unchanged(tmp_path, good)
    path.unlink()
    assert not is_unchanged(tmp_path, good)
    path.mkdir()
    assert not is_unchanged(tmp_path, good)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1), st.text("abc="), st.text("123")
        ),
        max_size=6,
    )
)
def test_record_reads_back_what_it_wrote(rows: list[tuple[str, str, str]]) -> None:
    wanted = tuple(Row(*row) for row in rows)
    assert read_record(record_text(wanted)) == wanted
