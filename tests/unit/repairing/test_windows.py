"""DLLs that a wheel for Windows brings along: found whatever their case, renamed, beside who needs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.natives import Dll

from matrix.auditing.levels import Judgement
from matrix.auditing.pe import read_pe
from matrix.auditing.windows import analyse_windows
from matrix.errors import ToolError
from matrix.repairing import Places, Repair
from matrix.repairing.nouns import PeChange
from matrix.repairing.pe import rename_imports, rewrite_pe
from matrix.repairing.windows import DllSearch, plan_windows

TAGS = ("win_amd64",)


def planned(folder: Path, files: dict[str, Dll], exclude: tuple[str, ...] = ()) -> Repair | Judgement | None:
    analysis = analyse_windows([read_pe(name, one.data) for name, one in files.items()], TAGS)
    return plan_windows(analysis, TAGS, DllSearch(Places(linked=(folder,))), exclude)


def test_a_chain_lies_beside_each_module_that_needs_it(tmp_path: Path) -> None:
    (tmp_path / "ONE.DLL").write_bytes(Dll(imports=("KERNEL32.dll", "two.dll")).data)
    (tmp_path / "Two.dll").write_bytes(Dll(imports=("vcruntime140.dll",)).data)
    module = Dll(imports=("python3.dll", "One.dll"), delayed=("TWO.dll",))
    program = Dll(imports=("two.dll",), dll=False)
    repair = planned(tmp_path, {"x/x.pyd": module, "x-1.data/scripts/x.exe": program, "y.pyd": module})
    assert isinstance(repair, Repair), repair
    names = [graft.file for graft in repair.grafts]
    assert [Path(name).name.partition("-")[0] for name in sorted(names) if name.startswith("x/")] == ["ONE", "Two"]
    assert sorted(Path(name).parent.as_posix() for name in names) == [".", ".", "x", "x", "x-1.data/scripts"]
    by_file = {change.after.file: change for change in repair.changes}
    renamed = by_file["x/x.pyd"]
    assert isinstance(renamed, PeChange)
    assert [old for old, _ in renamed.replaced] == ["One.dll", "TWO.dll"]
    assert not repair.analysis.verdict.external


def test_what_is_not_found_or_does_not_fit_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.dll").write_bytes(Dll(machine="arm64").data)
    judgement = planned(tmp_path, {"x/x.pyd": Dll(imports=("one.dll", "gone.dll"))})
    assert isinstance(judgement, Judgement)
    assert judgement.reason.startswith("needs one.dll, gone.dll")
    assert f"{tmp_path}/one.dll is for arm64, not for amd64" in judgement.details
    assert planned(tmp_path, {"x/x.pyd": Dll(imports=("one.dll",))}, exclude=("ONE*",)) is None
    assert planned(tmp_path, {"x/x.pyd": Dll()}) is None


@pytest.mark.parametrize("machine", ["amd64", "32", "arm64"])
def test_imports_get_other_names_and_nothing_else_changes(tmp_path: Path, machine: str) -> None:
    made = Dll(machine=machine, imports=("KERNEL32.dll", "one.dll"), delayed=("one.dll", "two.dll"), taken=("f",))
    before = read_pe("x.pyd", made.data)
    names = {"one.dll": "one-0123abcd.dll", "two.dll": "two-4567cdef.dll"}
    data = rename_imports("x.pyd", made.data, names)
    after = read_pe("x.pyd", data)
    assert after.libraries == ("KERNEL32.dll", "one-0123abcd.dll")
    assert after.delayed == ("one-0123abcd.dll", "two-4567cdef.dll")
    assert (after.arch, after.modules, after.kind) == (before.arch, before.modules, before.kind)
    import pefile

    image = pefile.PE(data=data)
    assert not [text for text in image.get_warnings() if "ection" in text]
    assert image.verify_checksum()
    assert image.sections[-1].Name == b".wheels\0"
    file = tmp_path / "x.pyd"
    file.write_bytes(made.data)
    wrong = PeChange(before=before, after=before, replaced=tuple(names.items()))
    with pytest.raises(ToolError, match=r"x\.pyd: its import table cannot be rewritten"):
        rewrite_pe(wrong, file)


def test_a_full_section_table_is_told() -> None:
    data = bytearray(Dll(imports=("one.dll",)).data)
    start = int.from_bytes(data[0x3C:0x40], "little")
    row = start + 24 + int.from_bytes(data[start + 20 : start + 22], "little")
    data[start + 24 + 60 : start + 24 + 64] = (row + 40).to_bytes(4, "little")  # the headers end behind the last row
    with pytest.raises(ToolError, match="no room for another section"):
        rename_imports("x.pyd", bytes(data), {"one.dll": "one-0123abcd.dll"})


@given(st.lists(st.from_regex(r"[A-Za-z0-9_.-]{1,40}\.dll", fullmatch=True), min_size=1, max_size=8, unique=True))
def test_any_names_can_be_given(names: list[str]) -> None:
    made = Dll(imports=tuple(names))
    renamed = {name: f"new-{index}-{name}" for index, name in enumerate(names)}
    after = read_pe("x", rename_imports("x", made.data, renamed))
    assert after.libraries == tuple(renamed.values())
