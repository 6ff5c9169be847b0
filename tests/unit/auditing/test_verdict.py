from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matrix.auditing.elf import Binary
from matrix.auditing.symbols import VersionNeed
from matrix.auditing.verdict import analyse, judge
from matrix.model import Verdict

GLIBC = ("libc.so.6",)


def need(version: str, *symbols: str, library: str = "libc.so.6", weak: bool = False) -> VersionNeed:
    return VersionNeed(library=library, version=version, symbols=symbols, weak=weak)


def binary(file: str = "m/x.so", **fields: Any) -> Binary:
    known: dict[str, Any] = {"arch": "x86_64", "bits": 64, "kind": "library", "libc": "glibc", "needed": GLIBC}
    return Binary(file=file, **{**known, **fields})


def codes(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.code, finding.severity) for finding in verdict.findings]


@pytest.mark.parametrize(
    ("versions", "tag"),
    [
        (["GLIBC_2.2.5"], "manylinux_2_5_x86_64"),
        (["GLIBC_2.17"], "manylinux_2_17_x86_64"),
        (["GLIBC_2.18"], "manylinux_2_24_x86_64"),
        (["GLIBC_2.34", "GCC_3.0"], "manylinux_2_34_x86_64"),
        (["GLIBC_2.2.5", "GLIBCXX_3.4.29"], "manylinux_2_34_x86_64"),
        (["GLIBC_ABI_DT_RELR"], "manylinux_2_36_x86_64"),
        (["GLIBC_2.41"], "manylinux_2_41_x86_64"),
        (["GLIBC_2.43"], "manylinux_2_43_x86_64"),
        (["GLIBC_2.43", "GLIBCXX_3.4.99"], "linux_x86_64"),
        (["GLIBC_PRIVATE"], "linux_x86_64"),
        (["GLIBC_2.99999"], "linux_x86_64"),
        (["OPENSSL_9.9"], "manylinux_2_5_x86_64"),
    ],
)
def test_symbol_versions_decide(versions: list[str], tag: str) -> None:
    verdict = judge([binary(needs=tuple(need(version, "f") for version in versions))])
    assert (verdict.overall_tag, verdict.sym_tag) == (tag, tag)


def test_weak_versions_do_not_count() -> None:
    weak = need("GLIBC_2.18", "__cxa_thread_atexit_impl", weak=True)
    verdict = judge([binary(needs=(need("GLIBC_2.17", "clock_gettime"), weak))])
    assert verdict.overall_tag == "manylinux_2_17_x86_64"
    assert verdict.symbols == {"libc.so.6": ("GLIBC_2.17",)}
    assert codes(verdict) == [("weak-symbol-version", "warning")]
    assert "__cxa_thread_atexit_impl@GLIBC_2.18" in verdict.findings[0].message


def test_an_external_library_makes_it_plain_linux() -> None:
    verdict = judge([binary(needed=("libbz2.so.1.0", *GLIBC), needs=(need("GLIBC_2.4", "f"),))])
    assert verdict.overall_tag == "linux_x86_64"
    assert verdict.sym_tag == "manylinux_2_5_x86_64"
    assert verdict.external == ("libbz2.so.1.0",)
    assert codes(verdict) == [("external-library", "warning")]


def test_a_library_of_a_later_level_raises_the_level() -> None:
    assert judge([binary(needed=("libexpat.so.1", *GLIBC))]).overall_tag == "manylinux_2_12_x86_64"
    assert judge([binary(needed=("libmvec.so.1", *GLIBC))]).overall_tag == "manylinux_2_24_x86_64"


def test_loaders_are_never_external() -> None:
    for loader in ("ld-linux-x86-64.so.2", "ld64.so.2", "ld-linux.so.2", "ld-linux-armhf.so.3"):
        assert judge([binary(needed=(loader, *GLIBC))]).overall_tag == "manylinux_2_5_x86_64"


@pytest.mark.parametrize("own", [{"file": "x.libs/libfoo-1.so"}, {"file": "x.libs/other.so", "soname": "libfoo-1.so"}])
def test_libraries_of_the_wheel_are_part_of_it(own: dict[str, Any]) -> None:
    versions = (need("ZLIB_1.2.99", "f", library="libfoo-1.so"),)
    verdict = judge([binary(needed=("libfoo-1.so", *GLIBC), needs=versions), binary(**own)])
    assert verdict.overall_tag == "manylinux_2_5_x86_64"
    assert verdict.external == ()
    assert verdict.symbols == {}


@pytest.mark.parametrize(
    ("file", "rpath", "reached"),
    [
        ("m/x.so", ("$ORIGIN/../x.libs",), True),
        ("m/x.so", ("/nowhere", "${ORIGIN}/../x.libs/"), True),
        ("x.so", ("$ORIGIN/x.libs",), True),
        ("x-1.data/platlib/m/x.so", ("$ORIGIN/../x.libs",), True),
        ("m/x.so", ("$ORIGIN/../y.libs",), False),
        ("m/x.so", ("$ORIGINAL/../x.libs",), False),
        ("m/x.so", (), False),
    ],
)
def test_libraries_of_the_wheel_must_be_found(file: str, rpath: tuple[str, ...], reached: bool) -> None:
    module = binary(file=file, needed=("libfoo-1.so", *GLIBC), rpath=rpath)
    verdict = judge([module, binary(file="x.libs/libfoo-1.so")])
    assert verdict.overall_tag == "manylinux_2_5_x86_64"
    assert ("library-not-reached" not in {finding.code for finding in verdict.findings}) == reached


def test_a_library_beside_the_module_is_found() -> None:
    module = binary(file="x.so", needed=("libfoo.so", *GLIBC), runpath=("$ORIGIN",), rpath=("/other",))
    assert not judge([module, binary(file="libfoo.so")]).findings[1:]


def test_a_needed_name_that_only_an_executable_has_is_external() -> None:
    verdict = judge([binary(needed=("tool",)), binary(file="x.data/scripts/tool", kind="executable")])
    assert verdict.external == ("tool",)


def test_forbidden_symbols_raise_the_level_or_end_it() -> None:
    below = judge([binary(undefined=("__issignaling",))])
    assert below.overall_tag == "manylinux_2_24_x86_64"
    never = judge([binary(needed=("libz.so.1", *GLIBC), undefined=("inflate_table",))])
    assert never.overall_tag == "linux_x86_64"
    assert codes(never) == [("forbidden-symbol", "warning")]
    unrelated = judge([binary(undefined=("inflate_table",))])
    assert unrelated.overall_tag == "manylinux_2_5_x86_64"


def test_an_extension_module_must_not_link_libpython() -> None:
    module = judge([binary(needed=("libpython3.12.so.1.0", *GLIBC), modules=("x",))])
    assert module.overall_tag == "linux_x86_64"
    assert module.links_libpython
    assert codes(module) == [("links-libpython", "error")]
    program = judge([binary(kind="executable", needed=("libpython3.12.so.1.0", *GLIBC))])
    assert codes(program) == [("links-libpython", "note")]


def test_an_instruction_set_level_makes_it_plain_linux() -> None:
    verdict = judge([binary(isa="x86-64-v2"), binary(file="y.so", isa="x86-64-v3")])
    assert (verdict.overall_tag, verdict.isa) == ("linux_x86_64", "x86-64-v3")
    assert codes(verdict) == [("isa-level", "warning")] * 2


def test_fpectl_makes_it_plain_linux() -> None:
    assert judge([binary(undefined=("PyFPE_jbuf",))]).overall_tag == "linux_x86_64"


@pytest.mark.parametrize("libc", ["libc.so", "libc.musl-x86_64.so.1"])
def test_musl_binaries_get_the_newest_musl_level(libc: str) -> None:
    verdict = judge([binary(libc="musl", needed=(libc, "libz.so.1"))])
    assert (verdict.overall_tag, verdict.sym_tag) == ("musllinux_1_2_x86_64", "musllinux_1_2_x86_64")


def test_musl_allows_no_gcc_library() -> None:
    verdict = judge([binary(libc="musl", needed=("libc.so", "libgcc_s.so.1"))])
    assert verdict.overall_tag == "linux_x86_64"
    assert verdict.external == ("libgcc_s.so.1",)


def test_two_c_libraries_do_not_mix() -> None:
    verdict = judge([binary(), binary(file="y.so", libc="musl", needed=("libc.so",))])
    assert verdict.overall_tag == "linux_x86_64"
    assert ("mixed-libc", "error") in codes(verdict)


def test_a_static_program_takes_the_family_it_is_asked_for() -> None:
    static = binary(kind="executable", libc="", needed=())
    assert judge([static]).overall_tag == "manylinux_2_5_x86_64"
    assert judge([static], libc="musl").overall_tag == "musllinux_1_2_x86_64"


def test_another_architecture_is_an_error_and_judged_apart() -> None:
    analysis = analyse([binary(), binary(file="y.so", arch="aarch64", needed=("libfoo.so",))], arch="x86_64")
    assert analysis.verdict.overall_tag == "linux_x86_64"
    assert analysis.verdict.external == ()
    assert codes(analysis.verdict) == [("wrong-architecture", "error")]
    assert [found.file for found in analysis.foreign] == ["y.so"]


def test_armv6_and_armv7_share_their_abi() -> None:
    assert not analyse([binary(arch="armv7l", bits=32)], arch="armv6l").foreign
    soft = analyse([binary(arch="armv5tel", bits=32)], arch="armv7l")
    assert codes(soft.verdict) == [("wrong-architecture", "error")]


def test_an_architecture_without_levels_stays_plain_linux() -> None:
    verdict = judge([binary(arch="mips64")])
    assert (verdict.overall_tag, verdict.sym_tag) == ("linux_mips64", "linux_mips64")
    assert codes(verdict) == [("no-policy", "note")]


def test_objects_and_nothing_at_all_claim_nothing() -> None:
    assert judge([]) == Verdict(overall_tag="", sym_tag="")
    assert judge([binary(kind="object", needed=("libfoo.so",))]).overall_tag == ""


def test_oddities_are_told() -> None:
    odd = binary(runpath=("/home/me/lib", "$ORIGIN", "${ORIGIN}/x"), executable_stack=True, text_relocations=True)
    assert codes(judge([odd])) == [
        ("absolute-rpath", "warning"),
        ("executable-stack", "warning"),
        ("text-relocations", "warning"),
    ]


def test_the_verdict_says_what_holds_the_level() -> None:
    needs = (need("GLIBC_2.28", "statx"), need("GLIBC_2.34", "pthread_create", "dlopen"))
    verdict = judge([binary(needs=needs)])
    assert codes(verdict) == [("level-set-by", "note")]
    assert "pthread_create@GLIBC_2.34" in verdict.findings[0].message
    assert "manylinux_2_34" in verdict.findings[0].message


def test_the_verdict_does_not_depend_on_the_order_of_files(elf: Callable[..., bytes]) -> None:
    files = [binary(file=f"{number}.so", needed=(f"lib{number}.so", *GLIBC)) for number in range(4)]
    one, other = judge(files), judge(files[::-1])
    assert (one.overall_tag, one.external, one.libraries) == (other.overall_tag, other.external, other.libraries)
