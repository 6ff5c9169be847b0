"""Libraries that a wheel for macOS brings along: slices, install names, and signatures."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from support.natives import Dylib, fat

from matrix.auditing.levels import Judgement
from matrix.auditing.macho import read_macho
from matrix.auditing.macos import analyse_macos
from matrix.errors import ToolError
from matrix.repairing import Patchelf, Places, Repair, carry_out
from matrix.repairing.macho import Names, rename_libraries
from matrix.repairing.macos import DylibSearch, plan_macos
from matrix.repairing.nouns import MachChange
from matrix.repairing.signature import signed

SYSTEM = "/usr/lib/libSystem.B.dylib"
MODULE = "x/x.cpython-312-darwin.so"


def planned(
    files: dict[str, bytes],
    *folders: Path,
    tags: tuple[str, ...] = ("macosx_11_0_arm64",),
    exclude: tuple[str, ...] = (),
) -> Repair | Judgement | None:
    analysis = analyse_macos([read_macho(name, data) for name, data in files.items()], tags)
    return plan_macos(analysis, tags, "x", DylibSearch(Places(linked=folders)), exclude)


def made(path: Path, library: Dylib) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(library.data)
    return path


def test_a_chain_lies_in_one_folder_and_each_finds_the_next(tmp_path: Path) -> None:
    two = made(tmp_path / "libtwo.2.dylib", Dylib(install_name="@rpath/libtwo.2.dylib", needed=(SYSTEM,)))
    one = Dylib(install_name="/opt/lib/libone.dylib", needed=("@rpath/libtwo.2.dylib", SYSTEM), rpath=("/opt/lib",))
    made(tmp_path / "libone.dylib", one)
    module = Dylib(needed=("/opt/lib/libone.dylib", SYSTEM), rpath=("/build", "@loader_path"))
    repair = planned({MODULE: module.data, "y.so": Dylib().data}, tmp_path)
    assert isinstance(repair, Repair), repair
    first, second = (graft.file for graft in repair.grafts)
    assert first.startswith("x.dylibs/libone-")
    digest = hashlib.sha256(two.read_bytes()).hexdigest()[:8]
    assert second == f"x.dylibs/libtwo-{digest}.2.dylib"
    changes = {change.after.file: change for change in repair.changes if isinstance(change, MachChange)}
    own = changes[MODULE].after
    assert own.slices[0].libraries == (f"@loader_path/../{first}", SYSTEM)
    assert own.slices[0].rpath == ("@loader_path",)
    grafted = changes[first].after.slices[0]
    assert (grafted.install_name, grafted.rpath) == (f"@rpath/{Path(first).name}", ())
    assert grafted.libraries == (f"@loader_path/{Path(second).name}", SYSTEM)
    assert repair.analysis.verdict.external == ()
    assert "y.so" not in changes


def test_slices_of_two_files_become_one_library(tmp_path: Path) -> None:
    needed = ("/opt/libone.dylib", SYSTEM)
    intel, arm = Dylib(arch="x86_64", minimum=(10, 12), needed=needed), Dylib(needed=needed)
    for library in (Dylib(arch="x86_64", minimum=(10, 12)), Dylib(arch="arm64")):
        library.install_name = "/opt/libone.dylib"
        made(tmp_path / library.arch / "libone.dylib", library)
    tags = ("macosx_10_12_universal2",)
    folders = (tmp_path / "x86_64", tmp_path / "arm64")
    repair = planned({MODULE: fat(intel, arm)}, *folders, tags=tags)
    assert isinstance(repair, Repair), repair
    (graft,) = repair.grafts
    paths = [tmp_path / arch / "libone.dylib" for arch in ("arm64", "x86_64")]
    assert [path for path, _ in graft.library.files] == paths
    assert [one.source for one in repair.bundled] == [str(path) for path, _ in graft.library.files]
    judgement = planned({MODULE: fat(intel, arm)}, tmp_path / "arm64", tags=tags)
    assert isinstance(judgement, Judgement)
    assert "has no slice for x86_64" in judgement.details


def test_what_is_not_found_libpython_and_excluded_ones(tmp_path: Path) -> None:
    made(tmp_path / "libone.dylib", Dylib(arch="x86_64"))
    judgement = planned({MODULE: Dylib(needed=("/opt/libone.dylib", "@rpath/gone.dylib")).data}, tmp_path)
    assert isinstance(judgement, Judgement)
    assert f"{tmp_path}/libone.dylib is for x86_64, not for arm64" in judgement.details
    python = "/opt/Python.framework/Versions/3.12/Python"
    assert planned({MODULE: Dylib(needed=(python,)).data}, tmp_path) is None
    module = Dylib(needed=("/opt/libone.dylib",)).data
    assert planned({MODULE: module}, tmp_path, exclude=("libone*",)) is None


def test_names_that_do_not_fit_are_told() -> None:
    data = Dylib(needed=("/a.dylib", SYSTEM)).data
    shorter = rename_libraries("x", data, Names(None, {"/a.dylib": "/b.dylib"}))
    assert read_macho("x", shorter).libraries == ("/b.dylib", SYSTEM)
    with pytest.raises(ToolError, match="bytes for load commands") as caught:
        rename_libraries("x", data, Names(None, {"/a.dylib": "/" + "b" * 80}))
    assert "headerpad_max_install_names" in (caught.value.hint or "")


def test_paths_of_the_machine_leave_room_for_names(tmp_path: Path) -> None:
    library = Dylib(install_name="/opt/l.dylib", rpath=("/a/long/path/of/the/machine/that/built/it/" + "x" * 80,))
    made(tmp_path / "l.dylib", library)
    needed = ("/opt/l.dylib", SYSTEM)
    module = Dylib(arch="x86_64", needed=needed, rpath=("/another/long/path/of/that/machine/" + "y" * 80,))
    made(tmp_path / "l.dylib", Dylib(arch="x86_64", install_name="/opt/l.dylib", rpath=library.rpath))
    repair = planned({MODULE: module.data}, tmp_path, tags=("macosx_11_0_x86_64",))
    assert isinstance(repair, Repair), repair
    source = tmp_path / "module"
    source.write_bytes(module.data)
    entries = carry_out(repair, {MODULE: source}, tmp_path / "new", Patchelf(None))
    assert set(entries) == {MODULE, repair.grafts[0].file}
    written = entries[MODULE].source
    assert isinstance(written, Path)
    assert read_macho(MODULE, written.read_bytes()).libraries[0] == f"@loader_path/../{repair.grafts[0].file}"
    assert source.read_bytes() == module.data, "only copies are written"


def test_intel_needs_no_signature_and_apple_silicon_gets_one() -> None:
    intel = Dylib(arch="x86_64").data
    assert signed(intel, "x") == intel
    with pytest.raises(ToolError, match="no room for a signature"):
        signed(Dylib().data, "x")
