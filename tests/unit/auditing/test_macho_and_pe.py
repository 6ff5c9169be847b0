from __future__ import annotations

import struct
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.natives import Dll, Dylib, fat

from matrix.auditing.exports import trie_modules
from matrix.auditing.image import BadBinaryError
from matrix.auditing.macho import MachO, Slice, read_macho
from matrix.auditing.pe import Pe, read_pe

Reader = Callable[[str, bytes], Any]
SYSTEM = "/usr/lib/libSystem.B.dylib"
THIN = Dylib(
    needed=[SYSTEM, "@rpath/libz.dylib"],
    weak=["/opt/lib/maybe.dylib"],
    reexported=["/opt/lib/all.dylib"],
    install_name="@rpath/x.so",
    rpath=["@loader_path/../lib", "/opt/lib"],
    exports=["_PyInit_x", "_PyInitU_zckt", "_PyModExport_y", "_PyInit", "_helper", "PyInit_no"],
)
DLL = Dll(imports=["KERNEL32.dll", "python312.dll"], delayed=["late.dll"], exports=["PyInit_x", "PyModExport_y", "a"])


def test_a_thin_file_is_read_whole() -> None:
    expected = Slice(
        arch="arm64",
        kind="library",
        minimum=(11, 0),
        libraries=(SYSTEM, "@rpath/libz.dylib", "/opt/lib/maybe.dylib", "/opt/lib/all.dylib"),
        optional=("/opt/lib/maybe.dylib",),
        install_name="@rpath/x.so",
        rpath=("@loader_path/../lib", "/opt/lib"),
        modules=("x", "y", "zckt"),
    )
    assert read_macho("x.so", THIN.data) == MachO(file="x.so", slices=(expected,))


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(("arch", "order"), [("x86_64", "<"), ("i386", "<"), ("ppc", ">"), ("arm64e", "<")])
def test_every_width_order_and_table_is_read(arch: str, order: str, listed: bool) -> None:
    (one,) = read_macho("x", Dylib(arch=arch, order=order, listed=listed, old=True, minimum=(10, 12)).data).slices
    assert (one.arch, one.minimum, one.modules) == (arch, (10, 12), ("x",))


def test_both_slices_of_a_fat_file_are_read() -> None:
    binary = read_macho("x", fat(Dylib(arch="x86_64", minimum=(10, 12)), Dylib(exports=["_PyInit_y"])))
    assert [(one.arch, one.minimum) for one in binary.slices] == [("x86_64", (10, 12)), ("arm64", (11, 0))]
    assert (binary.arch, binary.modules, binary.libraries) == ("x86_64 and arm64", ("x", "y"), (SYSTEM,))


@pytest.mark.parametrize(
    ("fields", "system", "minimum"),
    [
        ({"platform": 2}, "ios", (11, 0)),
        ({"platform": 7}, "ios simulator", (11, 0)),
        ({"platform": 99}, "platform 99", (11, 0)),
        ({"minimum": None}, "macos", None),
        ({"minimum": (0, 0)}, "macos", None),
        ({"commands": [struct.pack("<6I", 0x32, 24, 6, 14 << 16, 0, 0)]}, "macos", (11, 0)),
    ],
)
def test_the_system_and_its_oldest_version_are_read(
    fields: dict[str, Any], system: str, minimum: tuple[int, int] | None
) -> None:
    (one,) = read_macho("x", Dylib(**fields).data).slices
    assert (one.system, one.minimum) == (system, minimum)


@pytest.mark.parametrize(("kind", "named"), [(1, "object"), (2, "executable"), (6, "library"), (8, "library")])
def test_what_a_mach_o_file_is_for_is_told(kind: int, named: str) -> None:
    assert read_macho("x", Dylib(kind=kind).data).kind == named


def test_a_fat_static_library_is_an_object() -> None:
    data = bytearray(fat(Dylib()))
    data[1 << 14 : (1 << 14) + 8] = b"!<arch>\n"
    assert read_macho("libx.a", bytes(data)) == MachO(file="libx.a", slices=(Slice(arch="arm64", kind="object"),))


@pytest.mark.parametrize("machine", ["amd64", "32", "arm64"])
def test_a_dll_is_read_whole(machine: str) -> None:
    DLL.machine = machine
    try:
        found = read_pe("x.pyd", DLL.data)
    finally:
        DLL.machine = "amd64"
    libraries = ("KERNEL32.dll", "python312.dll")
    expected = Pe(file="x.pyd", arch=machine, kind="library", libraries=libraries, delayed=("late.dll",))
    assert found == Pe(**{**{name: getattr(expected, name) for name in Pe.__struct_fields__}, "modules": ("x", "y")})
    assert found.all_libraries == ("KERNEL32.dll", "python312.dll", "late.dll")


def test_programs_and_managed_code_are_told_from_dlls() -> None:
    assert read_pe("x.exe", Dll(dll=False, exports=[]).data).kind == "executable"
    assert read_pe("x.dll", Dll(managed=True).data).managed
    assert read_pe("x.dll", Dll(imports=[], exports=[]).data).libraries == ()


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (read_macho, b""),
        (read_macho, b"\xcf\xfa\xed\xfe"),
        (read_macho, b"\x7fELF" + bytes(60)),
        (read_macho, b"\xca\xfe\xba\xbe\0\0\0\0"),
        (read_macho, b"\xca\xfe\xba\xbe\0\0\0\x02" + bytes(40)),
        (read_pe, b""),
        (read_pe, b"MZ"),
        (read_pe, b"MZ" + bytes(62)),
        (read_pe, b"MZ" + bytes(58) + b"\xff\xff\xff\xff"),
        (read_pe, b"\x7fELF" + bytes(60)),
    ],
)
def test_what_is_neither_is_our_error(read: Reader, data: bytes) -> None:
    with pytest.raises(BadBinaryError, match=r"^lib/x: "):
        read("lib/x", data)


def timed(read: Reader, data: bytes) -> None:
    began = time.monotonic()
    try:
        read("x", data)
    except BadBinaryError as error:
        assert error.message.startswith("x: ")  # noqa: PT017 - it need not be raised
    assert time.monotonic() - began < 2


SAMPLES: list[tuple[Reader, bytes]] = [
    (read_macho, THIN.data),
    (read_macho, Dylib(arch="x86_64", listed=True, old=True).data),
    (read_macho, fat(Dylib(arch="x86_64"), THIN, align=6)),
    (read_pe, DLL.data),
    (read_pe, Dll(machine="32", delayed=["a.dll"]).data),
    (read_macho, Dylib(undefined=["_PyList_New", "?_PyWeak"]).data),
    (read_pe, Dll(imports=["python3.dll", "KERNEL32.dll"], taken=["PyList_New", "_Py_Dealloc"]).data),
]


@pytest.mark.parametrize(("read", "data"), SAMPLES)
def test_every_truncation_is_quick_and_our_error(read: Reader, data: bytes) -> None:
    for size in range(0, len(data), 3):
        timed(read, data[:size])


@settings(max_examples=500, deadline=None)
@given(sample=st.sampled_from(SAMPLES), data=st.data())
def test_mutations_are_quick_and_our_error(sample: tuple[Reader, bytes], data: st.DataObject) -> None:
    read, whole = sample
    mutated = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(whole) - 8))
        width = data.draw(st.sampled_from([1, 2, 4, 8]))
        limits = st.sampled_from([0, 1, 256**width - 1, 256**width // 2])
        value = data.draw(st.one_of(st.integers(0, 256**width - 1), limits))
        mutated[place : place + width] = value.to_bytes(width, "little")
    timed(read, bytes(mutated))


@settings(max_examples=200, deadline=None)
@given(head=st.sampled_from([b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ"]), tail=st.binary(max_size=400))
def test_noise_behind_a_good_magic_is_our_error(head: bytes, tail: bytes) -> None:
    timed(read_pe if head == b"MZ" else read_macho, head + tail)


@settings(max_examples=300, deadline=None)
@given(trie=st.binary(max_size=200))
def test_any_export_trie_ends(trie: bytes) -> None:
    try:
        assert isinstance(trie_modules(trie), tuple)
    except BadBinaryError as error:
        assert "export trie" in error.message  # noqa: PT017 - it need not be raised


def test_an_export_trie_that_points_at_itself_has_no_end() -> None:
    with pytest.raises(BadBinaryError, match="no end"):
        trie_modules(b"\0\1_Py\0\0")


@pytest.mark.parametrize("second", [{"arch": "arm64"}, {"arch": "arm64", "kind": 2}])
def test_two_slices_for_one_architecture_are_refused(second: dict[str, Any]) -> None:
    with pytest.raises(BadBinaryError, match="two of its slices"):
        read_macho("x", fat(Dylib(), Dylib(**second)))


def test_slices_that_overlap_or_lie_are_refused() -> None:
    whole = bytearray(fat(Dylib(arch="x86_64"), Dylib()))
    struct.pack_into(">I", whole, 8 + 20 + 8, 1 << 14)  # the second begins where the first does
    with pytest.raises(BadBinaryError, match="overlap"):
        read_macho("x", bytes(whole))
    lying = bytearray(fat(Dylib(arch="x86_64")))
    struct.pack_into(">II", lying, 8, 0x0100000C, 0)
    with pytest.raises(BadBinaryError, match="said to be for arm64"):
        read_macho("x", bytes(lying))


def test_tables_of_a_dll_without_an_end_cost_little() -> None:
    names = ["a.dll"] * 3_999
    assert read_pe("x", Dll(imports=names).data).libraries == ("a.dll",)
    with pytest.raises(BadBinaryError, match="no end"):
        read_pe("x", Dll(imports=[*names, "b.dll", "c.dll"]).data)


def test_many_entry_points_cost_no_memory() -> None:
    names = [f"PyInit_{number}" for number in range(10_002)]
    data = Dll(exports=names).data
    tracemalloc.start()
    with pytest.raises(BadBinaryError, match="more entry points"):
        read_pe("x", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 << 20


def test_many_symbols_and_sections_are_read_quickly() -> None:
    symbols = [f"_name_{number}" for number in range(20_000)]
    timed(read_macho, Dylib(exports=symbols, listed=True).data)
    crowded = bytearray(DLL.data)
    struct.pack_into("<H", crowded, 64 + 4 + 2, 2_048)
    timed(read_pe, bytes(crowded) + bytes(200_000))


@pytest.mark.parametrize("ranged", [True, False])
@pytest.mark.parametrize("arch", ["arm64", "i386"])
def test_what_a_dylib_takes_from_python(arch: str, ranged: bool) -> None:
    names = ["_PyList_New", "__Py_Dealloc", "_malloc", "?_PyMaybe_Later", "_Pyramid"]
    binary = read_macho("x", Dylib(arch=arch, undefined=names, ranged=ranged).data)
    assert binary.python == ("PyList_New", "Pyramid", "_Py_Dealloc")
    assert binary.modules == ("x",)


@pytest.mark.parametrize("machine", ["amd64", "32", "arm64"])
def test_what_a_dll_takes_from_python(machine: str) -> None:
    imports = ["KERNEL32.dll", "PYTHON312.dll"]
    assert read_pe("x", Dll(machine=machine, imports=imports, taken=["PyList_New"]).data).python == ("PyList_New",)
    assert read_pe("x", Dll(machine=machine, imports=["KERNEL32.dll"], taken=["PyList_New"]).data).python == ()
