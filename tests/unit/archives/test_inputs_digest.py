"""The digest of a wheel's inputs changes with each of them, and with nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from matrix.archives.compression import Compression, dos_time
from matrix.archives.digest import inputs_digest
from matrix.archives.entries import Entry
from matrix.archives.metadata import CoreMetadata
from matrix.errors import WheelmatrixError

META = CoreMetadata(name="demo", version="1.0", distribution="demo-1.0", text="Metadata-Version: 2.4\n\n")
TAGS = ("cp312-cp312-linux_x86_64",)


def test_where_and_in_what_order_does_not_count(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"same")
    first = inputs_digest([Entry("a", tmp_path / "one"), Entry("b", b"2")], META, TAGS)
    assert first == inputs_digest([Entry("b", b"2"), Entry("a", tmp_path / "two")], META, TAGS)
    assert first == inputs_digest([Entry("b", b"2"), Entry("a", b"same")], META, TAGS)
    assert len(first) == 64


def test_every_input_counts(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text("MIT\n")
    licensed = msgspec.structs.replace(META, license_files=((tmp_path / "LICENSE", "LICENSE"),))
    variants = [
        inputs_digest([Entry("a", b"1")], META, TAGS),
        inputs_digest([Entry("a", b"2")], META, TAGS),
        inputs_digest([Entry("b", b"1")], META, TAGS),
        inputs_digest([Entry("a", b"1", executable=True)], META, TAGS),
        inputs_digest([Entry("a", b"1"), Entry("b", b"")], META, TAGS),
        inputs_digest([Entry("a", b"1")], msgspec.structs.replace(META, text="other"), TAGS),
        inputs_digest([Entry("a", b"1")], msgspec.structs.replace(META, entry_points=""), TAGS),
        inputs_digest([Entry("a", b"1")], licensed, TAGS),
        inputs_digest([Entry("a", b"1")], META, ("cp312-cp312-manylinux_2_17_x86_64",)),
        inputs_digest([Entry("a", b"1")], META, TAGS, compression=Compression(level=9)),
        inputs_digest([Entry("a", b"1")], META, TAGS, compression=Compression("stored")),
        inputs_digest([Entry("a", b"1")], META, TAGS, modified=dos_time(1_700_000_000)),
    ]
    assert len(set(variants)) == len(variants)


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(WheelmatrixError, match=r"gone\.so"):
        inputs_digest([Entry("a", tmp_path / "gone.so")], META, TAGS)
