from __future__ import annotations

import concurrent.futures
import hashlib
import re
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.auditing.elf import Binary, read_binary, read_elf
from matrix.auditing.image import BadBinaryError
from matrix.auditing.symbols import VersionNeed

BASE = 0x40000  # where the files of the elf fixture are loaded
Elf = Callable[..., bytes]
Symbol = Callable[..., Any]


@pytest.fixture(scope="session")
def module(elf: Elf, symbol: Symbol) -> bytes:
    return elf(
        needed=["libgcc_s.so.1", "libc.so.6"],
        soname="_x.so",
        runpath="$ORIGIN/../x.libs:/opt/lib",
        needs={"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.18", "GLIBC_2.34"], "libgcc_s.so.1": ["GCC_3.0"]},
        symbols=[
            symbol("malloc", version="libc.so.6:GLIBC_2.2.5"),
            symbol("__cxa_thread_atexit_impl", weak=True, version="libc.so.6:GLIBC_2.18"),
            symbol("pthread_create", version="libc.so.6:GLIBC_2.34"),
            symbol("gettid", weak=True, version="libc.so.6:GLIBC_2.34"),
            symbol("_Unwind_Backtrace", version="libgcc_s.so.1:GCC_3.0"),
            symbol("PyModule_Create2"),
            symbol("PyInit__x", defined=True),
            symbol("PyInitU_zckt", defined=True),
            symbol("helper", defined=True),
        ],
    )


def test_a_module_is_read_whole(module: bytes) -> None:
    assert read_elf("x/_x.so", module) == Binary(
        file="x/_x.so",
        arch="x86_64",
        bits=64,
        kind="library",
        libc="glibc",
        needed=("libgcc_s.so.1", "libc.so.6"),
        soname="_x.so",
        runpath=("$ORIGIN/../x.libs", "/opt/lib"),
        needs=(
            VersionNeed(library="libc.so.6", version="GLIBC_2.2.5", symbols=("malloc",)),
            VersionNeed(library="libc.so.6", version="GLIBC_2.18", weak=True, symbols=("__cxa_thread_atexit_impl",)),
            VersionNeed(library="libc.so.6", version="GLIBC_2.34", symbols=("pthread_create",)),
            VersionNeed(library="libgcc_s.so.1", version="GCC_3.0", symbols=("_Unwind_Backtrace",)),
        ),
        undefined=("PyModule_Create2", "_Unwind_Backtrace", "malloc", "pthread_create"),
        modules=("_x", "zckt"),
    )


@pytest.mark.parametrize("hashing", ["gnu", "sysv", "none"])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_class_and_byte_order_is_read(elf: Elf, symbol: Symbol, bits: int, order: str, hashing: str) -> None:
    symbols = [
        symbol("free", version="libc.so.6:GLIBC_2.0"),
        symbol("late", weak=True, version="libc.so.6:GLIBC_2.9"),
        symbol("PyInit_m", defined=True),
    ]
    data = elf(
        bits=bits,
        order=order,
        machine=8,
        hashing=hashing,
        needed=["libc.so.6"],
        needs={"libc.so.6": ["GLIBC_2.0", "GLIBC_2.9"]},
        symbols=symbols,
    )
    binary = read_elf("m.so", data)
    assert (binary.arch, binary.bits) == ("mips64" if bits == 64 else "mips", bits)
    assert binary.modules == ("m",)
    assert binary.undefined == ("free",)
    assert [(need.version, need.weak) for need in binary.needs] == [("GLIBC_2.0", False), ("GLIBC_2.9", True)]


@pytest.mark.parametrize("hashing", ["gnu", "sysv", "none"])
def test_symbols_that_are_only_asked_for_are_seen(elf: Elf, symbol: Symbol, hashing: str) -> None:
    data = elf(
        needs={"libc.so.6": ["GLIBC_2.30"]},
        symbols=[symbol("gettid", version="libc.so.6:GLIBC_2.30"), symbol("abort")],
        hashing=hashing,
    )
    binary = read_elf("x.so", data)
    assert binary.undefined == ("abort", "gettid")
    assert binary.needs[0].symbols == ("gettid",)


@pytest.mark.parametrize("hashing", ["sysv", "sysv64", "gnu"])
def test_both_kinds_of_hash_table_of_s390x_are_read(elf: Elf, symbol: Symbol, hashing: str) -> None:
    symbols = [symbol("abort"), symbol("malloc"), symbol("PyInit_m", defined=True)]
    binary = read_elf("m.so", elf(machine=22, order=">", symbols=symbols, hashing=hashing))
    assert (binary.undefined, binary.modules) == (("abort", "malloc"), ("m",))


@pytest.mark.parametrize(
    ("fields", "arch"),
    [
        ({"machine": 62}, "x86_64"),
        ({"machine": 62, "bits": 32}, "x32"),
        ({"machine": 3, "bits": 32}, "i686"),
        ({"machine": 183}, "aarch64"),
        ({"machine": 40, "bits": 32, "flags": 0x05000400}, "armv7l"),
        ({"machine": 40, "bits": 32, "flags": 0x05000200}, "armv5tel"),
        ({"machine": 40, "bits": 32, "flags": 0x04000400}, "armv5tel"),
        ({"machine": 21}, "ppc64le"),
        ({"machine": 21, "order": ">"}, "ppc64"),
        ({"machine": 22, "order": ">"}, "s390x"),
        ({"machine": 243}, "riscv64"),
        ({"machine": 258}, "loongarch64"),
        ({"machine": 247}, "bpf"),
        ({"machine": 0xFEED}, "65261"),
    ],
)
def test_architectures_are_named_as_in_platform_tags(elf: Elf, fields: dict[str, Any], arch: str) -> None:
    assert read_elf("x.so", elf(**fields)).arch == arch


@pytest.mark.parametrize(
    ("fields", "libc"),
    [
        ({"needed": ["libc.so.6"]}, "glibc"),
        ({"needed": ["libm.so.6", "ld-linux-x86-64.so.2"]}, "glibc"),
        ({"interpreter": "/lib64/ld64.so.2"}, "glibc"),
        ({"needed": ["libc.so"]}, "musl"),
        ({"needed": ["libc.musl-x86_64.so.1"]}, "musl"),
        ({"interpreter": "/lib/ld-musl-armhf.so.1", "needed": ["libc.so"]}, "musl"),
        ({"needed": ["libdl.so", "libc.so"]}, "bionic"),
        (
            {"needed": ["libc.so"], "note": struct.pack("<III8sI", 8, 4, 1, b"Android\0", 24)},
            "bionic",
        ),
        ({}, ""),
        ({"needed": ["libz.so.1"]}, ""),
    ],
)
def test_the_c_library_is_told(elf: Elf, fields: dict[str, Any], libc: str) -> None:
    assert read_elf("x.so", elf(**fields)).libc == libc


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"kind": 3}, "library"),
        ({"kind": 2}, "executable"),
        ({"kind": 3, "interpreter": "/lib64/ld-linux-x86-64.so.2"}, "executable"),
        ({"kind": 3, "pie": True}, "executable"),
        ({"kind": 1}, "object"),
        ({"kind": 4}, "object"),
    ],
)
def test_what_a_file_is_for_is_told(elf: Elf, fields: dict[str, Any], kind: str) -> None:
    assert read_elf("x", elf(**fields)).kind == kind


@pytest.mark.parametrize(
    ("bits", "isa"), [(0, None), (1, None), (3, "x86-64-v2"), (4, "x86-64-v3"), (15, "x86-64-v4"), (16, None)]
)
def test_the_instruction_set_level_is_read(elf: Elf, bits: int, isa: str | None) -> None:
    assert read_elf("x.so", elf(isa=bits)).isa == isa


def test_oddities_are_read(elf: Elf) -> None:
    binary = read_elf("x.so", elf(executable_stack=True, text_relocations=True, rpath="/a:$ORIGIN", system=9))
    assert binary.executable_stack
    assert binary.text_relocations
    assert binary.rpath == ("/a", "$ORIGIN")
    assert binary.system == "freebsd"
    plain = read_elf("x.so", elf())
    assert not plain.executable_stack
    assert not plain.text_relocations
    assert plain.static


@pytest.mark.parametrize(
    ("library", "offends"),
    [
        ("libpython3.12.so.1.0", True),
        ("libpython3.so", True),
        ("libpython3.14t.so.1.0", True),
        ("libpypy3.11-c.so", True),
        ("libpythonic.so.1", False),
        ("libc.so.6", False),
    ],
)
def test_libpython_is_recognised(elf: Elf, library: str, offends: bool) -> None:
    assert (read_elf("x.so", elf(needed=[library])).libpython is not None) == offends


def test_a_need_flagged_weak_or_without_symbols(elf: Elf) -> None:
    data = elf(needs={"libc.so.6": ["GLIBC_2.36", "GLIBC_ABI_DT_RELR"]}, weak_needs=["GLIBC_2.36"])
    weak, counted = read_elf("x.so", data).needs
    assert (weak.weak, weak.flagged) == (True, True)
    assert not counted.weak


def test_files_and_paths_are_read_alike(module: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.so"
    path.write_bytes(module)
    assert read_binary("x.so", path) == read_elf("x.so", module)
    with path.open("rb") as file:
        assert read_binary("x.so", file) == read_elf("x.so", module)
    path.write_bytes(b"")
    with pytest.raises(BadBinaryError, match="empty"):
        read_binary("x.so", path)


def test_many_threads_read_alike(module: bytes) -> None:
    expected = read_elf("x.so", module)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(lambda _: read_elf("x.so", module), range(200)))


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ" * 50, b"\x7fELF\3\1" + bytes(80), b"\x7fELF\2\1" + bytes(20)])
def test_what_is_no_elf_file_is_our_error(data: bytes) -> None:
    with pytest.raises(BadBinaryError, match=r"^lib/x\.so: "):
        read_elf("lib/x.so", data)


def timed(data: bytes) -> None:
    began = time.monotonic()
    try:
        read_elf("x.so", data)
    except BadBinaryError as error:
        assert error.message.startswith("x.so: ")  # noqa: PT017 - it need not be raised
    assert time.monotonic() - began < 2


def test_every_truncation_is_quick_and_our_error(module: bytes) -> None:
    for size in range(0, len(module), 3):
        timed(module[:size])


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_mutations_are_quick_and_our_error(module: bytes, data: st.DataObject) -> None:
    mutated = bytearray(module)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(module) - 8))
        width = data.draw(st.sampled_from([1, 2, 4, 8]))
        value = data.draw(
            st.one_of(st.integers(0, 256**width - 1), st.sampled_from([0, 1, 256**width - 1, 256**width // 2]))
        )
        mutated[place : place + width] = value.to_bytes(width, "little")
    timed(bytes(mutated))


@settings(max_examples=100, deadline=None)
@given(tail=st.binary(max_size=400), bits=st.sampled_from([1, 2]), order=st.sampled_from([1, 2]))
def test_noise_behind_a_good_ident_is_our_error(tail: bytes, bits: int, order: int) -> None:
    timed(b"\x7fELF" + bytes((bits, order, 1)) + bytes(9) + tail)


def patched(module: bytes, tag: int, value: int) -> bytes:
    """Return the module with the value of a dynamic tag replaced."""
    place = module.index(struct.pack("<qQ", tag, struct.unpack_from("<Q", module, find(module, tag) + 8)[0]))
    return module[: place + 8] + struct.pack("<Q", value) + module[place + 16 :]


def find(module: bytes, tag: int) -> int:
    header = struct.unpack_from("<IIQQQQQQ", module, 64 + 56)
    start, size = header[2], header[5]
    return next(at for at in range(start, start + size, 16) if struct.unpack_from("<q", module, at)[0] == tag)


@pytest.mark.parametrize("value", [0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1])
@pytest.mark.parametrize("tag", [5, 6, 10, 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFE, 0x6FFFFFFF])
def test_tables_anywhere_are_quick_and_our_error(module: bytes, tag: int, value: int) -> None:
    timed(patched(module, tag, value))


def test_version_needs_that_point_at_themselves_end(module: bytes) -> None:
    at = module.index(struct.pack("<HH", 1, 3), 64)
    for step in (0, 1, 16, 2**32 - 1):
        looped = bytearray(module) + bytes(100_000)
        struct.pack_into("<HHIII", looped, at, 1, 0xFFFF, 0, step, step)
        timed(bytes(looped))


def test_a_huge_claim_costs_no_memory(elf: Elf) -> None:
    data = bytearray(elf(hashing="sysv"))
    at = data.index(struct.pack("<4I", 1, 1, 0, 0))
    struct.pack_into("<4I", data, at, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0)
    timed(bytes(data))


def rebuilt(module: bytes, **parts: bytes) -> bytes:
    """Return the module with tables of its dynamic segment put anew at its end: strings, symbols, hash."""
    data = bytearray(module) + bytes(-len(module) % 8)
    for name, tag in (("strings", 5), ("symbols", 6), ("hash", 4), ("needs", 0x6FFFFFFE)):
        if name in parts:
            struct.pack_into("<Q", data, find(module, tag) + 8, BASE + len(data))
            data += parts[name] + bytes(-len(parts[name]) % 8)
    struct.pack_into("<Q", data, find(module, 10) + 8, len(parts.get("strings", b"")) or 2**40)
    struct.pack_into("<Q", data, 64 + 32, len(data))
    return bytes(data)


@pytest.fixture(scope="session")
def hashed(elf: Elf) -> bytes:
    return elf(hashing="sysv", needed=["libc.so.6"], needs={"libc.so.6": ["GLIBC_2.2"]})


def symbol_rows(names: Iterable[int], section: int = 0) -> bytes:
    return b"".join(struct.pack("<IBBHQQ", name, 0x12, 0, section, 0, 0) for name in names)


def test_names_that_overlap_cost_no_memory(hashed: bytes) -> None:
    letters = hashlib.shake_128(b"no two parts alike").digest(200_000).replace(b"\0", b"x")
    rows = symbol_rows(range(1, 190_001))
    data = rebuilt(hashed, strings=letters, symbols=rows, hash=struct.pack("<II", 1, 190_000))
    tracemalloc.start()
    with pytest.raises(BadBinaryError, match="overlap"):
        read_elf("x.so", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30 << 20


def test_entry_points_without_end_are_quick(hashed: bytes) -> None:
    rows = symbol_rows(range(0, 700_000, 7), section=7)
    timed(rebuilt(hashed, strings=b"PyInit_" * 100_000, symbols=rows, hash=struct.pack("<II", 1, 100_000)))


def test_thousands_of_needs_share_their_symbols(hashed: bytes) -> None:
    names = b"\0" + b"".join(b"s%d\0" % number for number in range(50_000))
    places = [match.start() + 1 for match in re.finditer(rb"\0(?=s)", names)]
    record = struct.pack("<HHIII", 1, 0xFFFF, 1, 16, 0) + struct.pack("<IHHII", 0, 0, 1, 1, 16) * 3_000
    parts = {"strings": names, "symbols": bytes(24) + symbol_rows(places), "hash": struct.pack("<II", 1, 50_001)}
    timed(rebuilt(hashed, needs=record, **parts))


def test_many_symbols_are_read_quickly(elf: Elf, symbol: Symbol) -> None:
    symbols = [symbol(f"name_{number}", defined=number % 2 == 0) for number in range(20_000)]
    data = elf(symbols=symbols)
    began = time.monotonic()
    assert len(read_elf("x.so", data).undefined) == 10_000
    assert time.monotonic() - began < 1
