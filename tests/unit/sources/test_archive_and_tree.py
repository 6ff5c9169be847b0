"""A source distribution is written the same each time, and unpacked so that only what changed looks new."""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

import pytest

from matrix.archives import Entry, file_entry
from matrix.archives.contents import excluder
from matrix.errors import ConfigError, WheelmatrixError
from matrix.project.fence import Fence
from matrix.sources import sdist_time, unpack_into, write_sdist
from matrix.sources.collect import without_originals
from matrix.sources.links import check_repository
from matrix.sources.place import Shelf, common_directory

LONG = f"src/{'d' * 120}/{'f' * 120}é.rs"


def _entries(text: bytes = b"one") -> list[Entry]:
    return [Entry("Cargo.toml", text), Entry("run.sh", b"#!", executable=True), Entry(LONG, b"two")]


def test_the_archive_is_nobodys_and_the_same_each_time(tmp_path: Path) -> None:
    first = write_sdist(tmp_path / "x-1.0.tar.gz", _entries(), 1_000_000_000)
    (tmp_path / "again").mkdir()
    assert write_sdist(tmp_path / "again" / "x-1.0.tar.gz", _entries(), 1_000_000_000) == first
    assert first.size == (tmp_path / "x-1.0.tar.gz").stat().st_size
    assert (tmp_path / "x-1.0.tar.gz").read_bytes()[4:8] == b"\0\0\0\0"  # gzip's own time
    with tarfile.open(tmp_path / "x-1.0.tar.gz") as tar:
        members = tar.getmembers()
    assert [one.name for one in members] == ["x-1.0/Cargo.toml", "x-1.0/run.sh", f"x-1.0/{LONG}"]
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 1_000_000_000)}
    assert [one.mode for one in members] == [0o644, 0o755, 0o644]
    assert b"path=x-1.0/src/" in gzip.decompress((tmp_path / "x-1.0.tar.gz").read_bytes())  # a PAX record


def test_the_same_bytes_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "x-1.0.tar.gz"
    write_sdist(path, _entries())
    os.utime(path, (1, 1))
    write_sdist(path, _entries())
    assert path.stat().st_mtime == 1
    write_sdist(path, _entries(b"other"))
    assert path.stat().st_mtime > 1


def test_a_source_that_is_gone_leaves_no_half_archive(tmp_path: Path) -> None:
    with pytest.raises(WheelmatrixError, match=r"gone\.rs: No such file"):
        write_sdist(tmp_path / "x-1.0.tar.gz", [Entry("gone.rs", tmp_path / "gone.rs")])
    assert list(tmp_path.iterdir()) == []


def test_the_time_is_what_the_environment_says() -> None:
    assert sdist_time({"SOURCE_DATE_EPOCH": "1600000000"}) == 1_600_000_000
    assert sdist_time({}) == 315_532_800


def test_a_tree_changes_only_where_the_archive_did(tmp_path: Path) -> None:
    tree, archive = tmp_path / "tree", tmp_path / "x-1.0.tar.gz"
    write_sdist(archive, [*_entries(), Entry("old/file.rs", b"")])
    unpack_into(tree, archive)
    for path in (tree / "Cargo.toml", tree / LONG):
        os.utime(path, (1, 1))
    (tree / "left.rs").write_text("from before")
    (tree / "link").symlink_to(tmp_path)
    write_sdist(archive, _entries(b"changed"))
    unpack_into(tree, archive)
    assert (tree / "Cargo.toml").read_bytes() == b"changed"
    assert (tree / "Cargo.toml").stat().st_mtime > 1
    assert (tree / LONG).stat().st_mtime == 1
    assert (tree / "run.sh").stat().st_mode & 0o777 == 0o755
    assert sorted(one.name for one in tree.iterdir()) == ["Cargo.toml", "run.sh", "src"]
    assert archive.exists()


def test_a_file_takes_the_place_of_a_directory_and_back(tmp_path: Path) -> None:
    tree, archive = tmp_path / "tree", tmp_path / "x-1.0.tar.gz"
    for entries in ([Entry("a/b", b"1")], [Entry("a", b"2")], [Entry("a/b", b"3")]):
        write_sdist(archive, entries)
        unpack_into(tree, archive)
        assert (tree / entries[0].path).read_bytes() == entries[0].source


def test_a_link_inside_the_project_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.py").write_text("x")
    (tmp_path / "link.py").symlink_to("real.py")
    fence = Fence([tmp_path])
    assert fence.check(tmp_path / "link.py").read_text() == "x"


@pytest.mark.parametrize(
    ("target", "words"),
    [("link", r"in a circle or nowhere \(link\)"), ("gone", r"nowhere \(gone\)"), ("/etc/hostname", "leads out of")],
)
def test_other_links_are_errors(tmp_path: Path, target: str, words: str) -> None:
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(ConfigError, match=words) as caught:
        Fence([tmp_path]).check(tmp_path / "link")
    assert caught.value.hint == "remove it, or replace it by what it means"


def test_crates_outside_the_repository_are_refused(tmp_path: Path) -> None:
    root, inside, outside = tmp_path / "work" / "project", tmp_path / "work" / "core", tmp_path / "far"
    manifests = [root / "Cargo.toml", inside / "Cargo.toml", outside / "Cargo.toml"]
    check_repository(root, manifests)  # in no repository
    (root / ".git").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"core/Cargo.toml: .*outside the repository .*project"):
        check_repository(root, manifests)
    (tmp_path / "work" / ".git").mkdir()  # the project is a submodule
    check_repository(root, manifests[:2])
    with pytest.raises(ConfigError, match=r"far/Cargo.toml: .*outside the repository .*work"):
        check_repository(root, manifests)


def test_a_repository_counts_whole(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "LICENSE").write_text("MIT")
    project = tmp_path / "project"
    project.mkdir()
    (project / "LICENSE").symlink_to("../LICENSE")
    assert Fence([project]).check(project / "LICENSE").read_text() == "MIT"


def test_what_pyproject_names_moves_to_the_top() -> None:
    shelf = Shelf(Path("/repo"), Path("/repo/bindings/python"))
    assert shelf.crate_file(Path("/repo/bindings/python/Cargo.toml")) == "bindings/python/Cargo.toml"
    assert shelf.project_file(Path("/repo/bindings/python/pkg/a.py")) == "pkg/a.py"
    assert shelf.project_file(Path("/repo/shared/pkg/a.py")) == "shared/pkg/a.py"
    assert common_directory([Path("/repo/a"), Path("/repo/b/c")]) == Path("/repo")


def test_exclude_knows_both_places(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.txt", "deep/b.txt", "c.rs"):
        (tmp_path / name).write_text("")
    excluded = excluder(["/deep/*.{txt,md}", "moved/*"], tmp_path)
    assert excluded(file_entry("elsewhere/b.txt", tmp_path / "deep" / "b.txt"))
    assert excluded(file_entry("moved/c.rs", tmp_path / "c.rs"))
    assert not excluded(file_entry("a.txt", tmp_path / "a.txt"))


def test_a_manifest_that_include_names_too_is_packed_as_it_was_rewritten(tmp_path: Path) -> None:
    manifest, other = tmp_path / "Cargo.toml", tmp_path / "other.toml"
    rewritten = Entry("Cargo.toml", b"[workspace]")
    entries = [rewritten, Entry("Cargo.toml", manifest), Entry("old/Cargo.toml", manifest), Entry("other.toml", other)]
    assert without_originals(entries, {manifest: "Cargo.toml", None: "pyproject.toml"}) == [rewritten, entries[3]]
    stranger = [rewritten, Entry("Cargo.toml", other)]
    assert without_originals(stranger, {manifest: "Cargo.toml"}) == stranger, "a file of its own is a second claim"
    plain = [Entry("a/Cargo.toml", manifest), Entry("Cargo.toml", manifest)]
    assert without_originals(plain, {manifest: "a/Cargo.toml"}) == plain[:1], "its own place alone"
