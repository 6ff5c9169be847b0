from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from matrix.archives.contents import Contents
from matrix.archives.editable import editable_contents, parted, place_in_tree, tree_of
from matrix.archives.entries import Entry
from matrix.archives.layout import Layout
from matrix.errors import ConfigError

NAME = "my_pkg-1.0"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    source = tmp_path / "python"
    (source / "pkg").mkdir(parents=True)
    return Layout(
        root=tmp_path, module="_rust", directory="pkg", top="pkg", crate="my-pkg", python_source=source, mixed=True
    )


CONTENTS = Contents(
    (Entry("pkg/__init__.py", b""), Entry("pkg/data.txt", b"x"), Entry(f"{NAME}.data/scripts/tool", b"#!python\n"))
)


def test_a_path_file_stands_for_every_package(layout: Layout) -> None:
    found = editable_contents(layout, CONTENTS, NAME)
    assert [entry.path for entry in found.entries] == [f"{NAME}.data/scripts/tool", "my_pkg.pth"]
    assert found.entries[-1].source == f"{layout.python_source}\n".encode()


def test_a_project_without_python_code_gets_an_ordinary_wheel(layout: Layout) -> None:
    pure = replace(layout, mixed=False)
    assert tree_of(pure) is None
    assert editable_contents(pure, CONTENTS, NAME) is CONTENTS
    assert tree_of(replace(pure, python_packages=("more",))) == layout.python_source


@pytest.mark.parametrize("name", ["import x", "a\nb", "a\x0cb"])
def test_a_path_that_python_would_read_otherwise_is_refused(layout: Layout, name: str) -> None:
    odd = replace(layout, python_source=Path(name))
    with pytest.raises(ConfigError, match=r"cannot stand in a \.pth file"):
        editable_contents(odd, CONTENTS, NAME)


def test_what_is_made_goes_into_the_tree_and_programs_into_the_wheel(layout: Layout) -> None:
    made = [*editable_contents(layout, CONTENTS, NAME).entries, Entry("pkg/_rust.so", b"elf")]
    packed, placed = parted([*made, Entry(f"{NAME}.data/scripts/bin", b"elf")], NAME)
    assert [entry.path for entry in packed] == [f"{NAME}.data/scripts/tool", "my_pkg.pth", f"{NAME}.data/scripts/bin"]
    assert [entry.path for entry in placed] == ["pkg/_rust.so"]


def test_a_file_in_the_tree_is_replaced_whole_and_only_when_it_differs(layout: Layout, tmp_path: Path) -> None:
    binary, tree = tmp_path / "lib.so", layout.python_source
    binary.write_bytes(b"one")
    entries = [Entry("pkg/sub/_rust.so", binary, executable=True), Entry("pkg/gen.py", b"x = 1\n")]
    place_in_tree(entries, tree)
    there = tree / "pkg" / "sub" / "_rust.so"
    assert (there.read_bytes(), there.stat().st_mode & 0o777) == (b"one", 0o755)
    first = there.stat()
    with there.open("rb") as program:
        place_in_tree(entries, tree)
        assert there.stat().st_ino == first.st_ino
        binary.write_bytes(b"two")
        place_in_tree(entries, tree)
        assert there.read_bytes() == b"two"
        assert program.read() == b"one", "who has it open keeps it"
    assert not list(tree.rglob(".wheelmatrix-*"))
