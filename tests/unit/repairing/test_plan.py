"""Which libraries a wheel brings along, what is rewritten for it, and why one cannot be repaired."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.elf import Elf, Symbol

from matrix.auditing.elf import read_elf
from matrix.auditing.levels import Judgement
from matrix.auditing.verdict import Analysis, analyse
from matrix.model import Compatibility
from matrix.repairing import Places, Repair, Search, Wanted, plan_repair
from matrix.repairing.nouns import Change

AUTO = Compatibility(family="auto")
MODULE = "hello/hello.cpython-312-x86_64-linux-gnu.so"
Place = Callable[..., Path]


def needing(glibc: str, *needed: str, soname: str | None = None, **more: object) -> Elf:
    """A file that needs this glibc and these libraries."""
    symbol = Symbol("memcpy", version=f"libc.so.6:GLIBC_{glibc}")
    fields: dict[str, object] = {"needs": {"libc.so.6": [f"GLIBC_{glibc}"]}, "symbols": [symbol], **more}
    return Elf(needed=[*needed, "libc.so.6"], soname=soname, **fields)  # type: ignore[arg-type]


def audited(files: dict[str, Elf]) -> Analysis:
    return analyse([read_elf(name, one.data) for name, one in files.items()], arch="x86_64", libc="glibc")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Write a library into a directory that is searched."""

    def write(name: str, elf: Elf, folder: str = "lib") -> Path:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(elf.data)
        return path

    return write


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Repair | Judgement | None]:
    def planned(
        files: dict[str, Elf], level: Compatibility = AUTO, *, exclude: Sequence[str] = (), folder: str = "lib"
    ) -> Repair | Judgement | None:
        search = Search("x86_64", "glibc", Places(linked=(tmp_path / folder,)))
        wanted = Wanted(level=level, name="hello", exclude=tuple(exclude))
        return plan_repair(audited(files), wanted, search.find)

    return planned


Planned = Callable[..., "Repair | Judgement | None"]


def repaired(answer: Repair | Judgement | None) -> Repair:
    assert isinstance(answer, Repair), answer
    return answer


def changes(repair: Repair) -> list[Change]:
    return [change for change in repair.changes if isinstance(change, Change)]


def refused(answer: Repair | Judgement | None) -> Judgement:
    assert isinstance(answer, Judgement), answer
    return answer


def test_a_chain_comes_along_and_each_finds_the_next(place: Place, plan: Planned) -> None:
    place("libone.so.1", needing("2.17", "libtwo.so.1", "libz.so.1", soname="libone.so.1"))
    two = place("libtwo.so.1.5", needing("2.17", soname="libtwo.so.1", runpath="/build/lib"))
    (two.parent / "libtwo.so.1").symlink_to(two.name)
    repair = repaired(plan({MODULE: needing("2.17", "libone.so.1", rpath="/build:$ORIGIN/own:$ORIGIN/../../up")}))
    assert str(repair.level) == "manylinux_2_17"
    names = [graft.file for graft in repair.grafts]
    assert [graft.library.soname for graft in repair.grafts] == ["libone.so.1", "libtwo.so.1"]
    for graft in repair.grafts:
        base, _, rest = graft.library.path.name.partition(".")
        assert graft.file == f"hello.libs/{base}-{graft.library.sha256[:8]}.{rest}"
    assert names[1].endswith(".so.1.5"), "the file's own name, not the link's"
    module, one, last = (change.after for change in changes(repair))
    assert module.needed == (Path(names[0]).name, "libc.so.6")
    assert module.rpath == ("$ORIGIN/own", "$ORIGIN/../hello.libs"), "only what stays in site-packages"
    assert (one.soname, one.rpath) == (Path(names[0]).name, ("$ORIGIN",))
    assert one.needed == (Path(names[1]).name, "libz.so.1", "libc.so.6"), "what is allowed is not brought along"
    assert (last.soname, last.rpath, last.runpath) == (Path(names[1]).name, (), ())
    codes = {one.code for one in repair.analysis.verdict.findings if one.severity != "note"}
    assert codes <= {"missing-init"}, "these files export nothing"


def test_a_library_brought_along_lifts_the_level_or_fails_it(place: Place, plan: Planned) -> None:
    path = place("libone.so.1", needing("2.34", soname="libone.so.1"))
    files = {MODULE: needing("2.17", "libone.so.1")}
    assert str(repaired(plan(files)).level) == "manylinux_2_34"
    choice = Compatibility(family="manylinux", among=((2, 17), (2, 28), (2, 34)))
    assert str(repaired(plan(files, choice)).level) == "manylinux_2_34"
    judgement = refused(plan(files, Compatibility(family="manylinux", version=(2, 28))))
    assert judgement.reason == "asked for manylinux_2_28, needs glibc 2.34 in libone.so.1, which it must bring along"
    assert "memcpy@GLIBC_2.34" in judgement.details
    assert str(path) in judgement.details
    assert "--compatibility manylinux_2_34 is met" in (judgement.hint or "")


def test_a_glibc_newer_than_all_levels_is_a_level_of_its_own(place: Place, plan: Planned) -> None:
    place("libone.so.1", needing("2.99", soname="libone.so.1"))
    repair = repaired(plan({MODULE: needing("2.17", "libone.so.1")}))
    assert str(repair.level) == "manylinux_2_99"


def test_what_is_not_found_says_where_it_was_looked_for(tmp_path: Path, place: Place, plan: Planned) -> None:
    place("libone.so.1", needing("2.17", "libtwo.so.1", soname="libone.so.1"))
    place("libtwo.so.1", needing("2.17", soname="libtwo.so.1", machine=183))
    judgement = refused(plan({MODULE: needing("2.17", "libone.so.1", "libgone.so.3")}))
    assert judgement.reason == "needs libgone.so.3, libtwo.so.1, but the file found is of no use"
    assert f"{tmp_path}/lib/libtwo.so.1 is for aarch64, not for x86_64" in judgement.details
    assert f"libtwo.so.1 is needed by {tmp_path}/lib/libone.so.1" in judgement.details
    assert f"searched: {tmp_path}/lib" in judgement.details
    judgement = refused(plan({MODULE: needing("2.17", "libgone.so.3")}, folder="nowhere"))
    assert judgement.reason == "needs libgone.so.3, which was not found"


def test_a_library_of_another_libc_will_not_do(place: Place, plan: Planned) -> None:
    place("libone.so.1", Elf(needed=["libc.musl-x86_64.so.1"], soname="libone.so.1"))
    judgement = refused(plan({MODULE: needing("2.17", "libone.so.1")}))
    assert "is linked against musl, not against glibc" in judgement.details


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ({"isa": 8}, "x86-64-v4"),
        ({"needed": ["libpython3.12.so.1.0"]}, "libpython3.12"),
    ],
)
def test_a_library_that_no_level_allows_is_named(
    place: Place, plan: Planned, library: dict[str, object], reason: str
) -> None:
    place("libone.so.1", Elf(soname="libone.so.1", **library))  # type: ignore[arg-type]
    judgement = refused(plan({MODULE: needing("2.17", "libone.so.1")}))
    assert judgement.reason.startswith("cannot meet even manylinux_2_")
    assert reason in judgement.reason
    assert "in libone.so.1" in judgement.reason


def test_nothing_to_bring_along_is_no_repair(plan: Planned) -> None:
    assert plan({MODULE: needing("2.17", "libz.so.1")}) is None
    assert plan({MODULE: needing("2.17", "libpython3.12.so.1.0")}) is None, "libpython never comes along"
    own = needing("2.17", soname="libown.so.1")
    assert plan({MODULE: needing("2.17", "libown.so.1"), "hello.libs/libown.so.1": own}) is None


def test_what_others_bring_counts_as_there(plan: Planned) -> None:
    files = {MODULE: needing("2.28", "libcuda.so.1")}
    assert refused(plan(files)).ok is False
    repair = repaired(plan(files, exclude=["libcu*"]))
    assert (str(repair.level), repair.grafts, changes(repair)) == ("manylinux_2_28", (), [])


def test_programs_move_beside_their_libraries(place: Place, plan: Planned) -> None:
    place("libone.so.1", needing("2.17", soname="libone.so.1"))
    program = needing("2.17", "libone.so.1", interpreter="/lib64/ld-linux-x86-64.so.2")
    repair = repaired(plan({"hello-1.0.data/scripts/hello": program}))
    assert repair.moved == {"hello-1.0.data/scripts/hello": "hello.scripts/hello"}
    assert changes(repair)[0].after.file == "hello.scripts/hello"
    assert changes(repair)[0].after.rpath == ("$ORIGIN/../hello.libs",)


def test_members_of_schemes_without_a_path_are_refused(place: Place, plan: Planned) -> None:
    place("libone.so.1", needing("2.17", soname="libone.so.1"))
    judgement = refused(plan({"hello-1.0.data/data/lib/x.so": needing("2.17", "libone.so.1")}))
    assert "hello-1.0.data/data/lib/x.so" in judgement.reason
    repair = repaired(plan({"hello-1.0.data/platlib/hello/x.so": needing("2.17", "libone.so.1")}))
    assert changes(repair)[0].after.rpath == ("$ORIGIN/../hello.libs",)


def test_one_file_under_two_names_comes_once(place: Place, plan: Planned) -> None:
    one = place("libone.so.1", needing("2.17", soname="libone.so.1"))
    (one.parent / "libone.so").symlink_to(one.name)
    repair = repaired(plan({MODULE: needing("2.17", "libone.so.1"), "hello/y.so": needing("2.17", "libone.so")}))
    assert len(repair.grafts) == 1
    assert {change.after.needed[0] for change in changes(repair)[:2]} == {Path(repair.grafts[0].file).name}


def test_musl_s_newest_level_is_the_one_claimed(place: Place, tmp_path: Path) -> None:
    musl = "libc.musl-x86_64.so.1"
    place("libone.so.1", Elf(needed=[musl], soname="libone.so.1"))
    module = read_elf(MODULE, Elf(needed=["libone.so.1", musl]).data)
    search = Search("x86_64", "musl", Places(linked=(tmp_path / "lib",)))
    analysis = analyse([module], arch="x86_64", libc="musl")
    repair = repaired(plan_repair(analysis, Wanted(level=AUTO, name="hello"), search.find))
    assert str(repair.level) == "musllinux_1_2"
    lower = Compatibility(family="musllinux", version=(1, 1))
    assert str(repaired(plan_repair(analysis, Wanted(level=lower, name="hello"), search.find)).level) == "musllinux_1_1"


def test_weak_versions_of_libraries_count_where_those_of_the_wheel_do(place: Place, tmp_path: Path) -> None:
    symbols = [Symbol("statx", weak=True, version="libc.so.6:GLIBC_2.28")]
    weak = Elf(needed=["libc.so.6"], soname="libone.so.1", needs={"libc.so.6": ["GLIBC_2.28"]}, symbols=symbols)
    place("libone.so.1", weak)
    module = read_elf(MODULE, needing("2.17", "libone.so.1").data)
    search = Search("x86_64", "glibc", Places(linked=(tmp_path / "lib",)))
    for counts, level in ((False, "manylinux_2_17"), (True, "manylinux_2_28")):
        analysis = analyse([module], arch="x86_64", libc="glibc", weak=counts)
        assert str(repaired(plan_repair(analysis, Wanted(level=AUTO, name="hello"), search.find)).level) == level
