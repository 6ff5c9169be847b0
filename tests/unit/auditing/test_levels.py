from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matrix.auditing import Judgement, audit_binaries, flag_weak_needs, meets
from matrix.model import Compatibility, Target
from matrix.platforms import parse_target

AUTO = Compatibility(family="auto")
PLAIN = Compatibility(family="linux")
LOCAL = "--compatibility linux to keep the wheel local"

Elf = Callable[..., bytes]
Symbol = Callable[..., Any]
Ask = Callable[..., Judgement]


def manylinux(minor: int) -> Compatibility:
    return Compatibility(family="manylinux", version=(2, minor))


@pytest.fixture
def ask(elf: Elf, tmp_path: Path) -> Ask:
    def judged(wish: Compatibility, triple: str = "x86_64-unknown-linux-gnu", **fields: Any) -> Judgement:
        path = tmp_path / "x.so"
        path.write_bytes(elf(**{"needed": ["libc.so.6"], **fields}))
        target = parse_target(triple)
        return meets(audit_binaries([("m/x.so", path)], target), wish, target)

    return judged


@pytest.fixture
def modern(symbol: Symbol) -> dict[str, Any]:
    names = ["__libc_start_main", "dlopen", "dlsym", "pthread_create", "pthread_join"]
    symbols = [symbol(name, version="libc.so.6:GLIBC_2.34") for name in names]
    symbols.append(symbol("statx", version="libc.so.6:GLIBC_2.28"))
    return {"needs": {"libc.so.6": ["GLIBC_2.28", "GLIBC_2.34"]}, "symbols": symbols}


def test_auto_gets_the_best_level(ask: Ask, modern: dict[str, Any]) -> None:
    assert ask(AUTO, **modern) == Judgement(ok=True, level=manylinux(34))


def test_auto_never_goes_below_rust_s_floor(ask: Ask) -> None:
    assert ask(AUTO) == Judgement(ok=True, level=manylinux(17))


def test_auto_falls_back_to_plain_linux(ask: Ask) -> None:
    assert ask(AUTO, needed=["libfoo.so.1", "libc.so.6"]) == Judgement(ok=True, level=PLAIN)


def test_auto_refuses_a_module_that_links_libpython(ask: Ask, symbol: Symbol) -> None:
    needed = ["libpython3.12.so.1.0", "libc.so.6"]
    judged = ask(AUTO, needed=needed, symbols=[symbol("PyInit_x", defined=True)])
    assert judged.reason == "links libpython3.12.so.1.0, which an extension module must not"
    assert ask(AUTO, needed=needed, kind=2).level == Compatibility(family="manylinux", version=(2, 17)), "a program may"
    assert ask(PLAIN, needed=needed, symbols=[symbol("PyInit_x", defined=True)]).ok


def test_a_level_that_is_not_met_names_the_symbols(ask: Ask, modern: dict[str, Any]) -> None:
    assert ask(manylinux(17), **modern) == Judgement(
        ok=False,
        reason="asked for manylinux_2_17, needs glibc 2.34",
        details="__libc_start_main@GLIBC_2.34, dlopen@GLIBC_2.34, dlsym@GLIBC_2.34 (3 more)",
        hint="build on a system with an older glibc, such as an image of that level; "
        f"--compatibility manylinux_2_34 is met, {LOCAL}",
    )


def test_levels_between_and_above_the_known_ones_are_exact(ask: Ask, modern: dict[str, Any]) -> None:
    assert not ask(manylinux(33), **modern).ok
    assert ask(manylinux(34), **modern).level == manylinux(34)
    assert ask(manylinux(50), **modern).level == manylinux(50)
    needs = {"needs": {"libc.so.6": ["GLIBC_2.20"]}}
    assert not ask(manylinux(19), **needs).ok
    assert ask(manylinux(20), **needs).ok


def test_a_choice_gets_the_first_level_that_is_met(ask: Ask, modern: dict[str, Any]) -> None:
    choice = Compatibility(family="manylinux", among=((2, 17), (2, 34), (2, 39)))
    assert ask(choice, **modern).level == manylinux(34)
    neither = ask(Compatibility(family="manylinux", among=((2, 17), (2, 28))), **modern)
    assert neither.reason == "asked for manylinux_2_17-or-2_28, needs glibc 2.34"


@pytest.mark.parametrize(
    ("fields", "reason", "details"),
    [
        ({"needed": ["libb.so", "liba.so"]}, "needs liba.so, libb.so", "libb.so, liba.so"),
        ({"needed": ["libpython3.12.so.1.0"]}, "links libpython3.12.so.1.0", "libpython3.12.so.1.0"),
        ({"isa": 4}, "runs on x86-64-v3 processors only", "x86-64-v3"),
        ({"needs": {"libstdc++.so.6": ["GLIBCXX_3.4.30"]}}, "needs GLIBCXX_3.4.30", "GLIBCXX_3.4.30"),
        (
            {"needed": ["liba.so"], "needs": {"libc.so.6": ["GLIBC_2.30"]}},
            "needs glibc 2.30",
            "GLIBC_2.30\nliba.so",
        ),
    ],
)
def test_every_offence_has_its_words(ask: Ask, fields: dict[str, Any], reason: str, details: str) -> None:
    judged = ask(manylinux(17), **fields)
    assert (judged.ok, judged.level) == (False, None)
    assert judged.reason == f"asked for manylinux_2_17, {reason}"
    assert judged.details == details
    assert judged.hint is not None
    assert judged.hint.endswith(LOCAL)


def test_a_forbidden_symbol_is_named(ask: Ask, symbol: Symbol) -> None:
    judged = ask(manylinux(17), symbols=[symbol("__issignaling")])
    assert judged.reason == "asked for manylinux_2_17, uses __issignaling of libc.so.6"
    assert ask(manylinux(24), symbols=[symbol("__issignaling")]).ok


def test_linux_claims_nothing_but_the_architecture(ask: Ask, modern: dict[str, Any]) -> None:
    assert ask(PLAIN, needed=["libfoo.so"], **modern) == Judgement(ok=True, level=PLAIN)
    judged = ask(PLAIN, triple="aarch64-unknown-linux-gnu")
    assert not judged.ok
    assert judged.reason == "built for x86_64, but aarch64-unknown-linux-gnu is aarch64"


def test_the_other_libc_is_refused(ask: Ask) -> None:
    musl = Compatibility(family="musllinux", version=(1, 2))
    assert ask(musl).reason == "asked for musllinux_1_2, but it is linked against glibc"
    judged = ask(manylinux(17), triple="x86_64-unknown-linux-musl", needed=["libc.so"])
    assert judged.reason == "asked for manylinux_2_17, but it is linked against musl"
    assert ask(musl, triple="x86_64-unknown-linux-musl", needed=["libc.so"]).level == musl
    assert ask(AUTO, triple="x86_64-unknown-linux-musl", needed=["libc.so"]).level == musl


@pytest.mark.parametrize("wish", [AUTO, PLAIN, manylinux(17)])
def test_a_musl_binary_for_a_glibc_target_is_refused_whatever_is_asked_for(ask: Ask, wish: Compatibility) -> None:
    judged = ask(wish, needed=["libc.so"])
    assert not judged.ok
    assert judged.reason == "linked against musl, but x86_64-unknown-linux-gnu has glibc"
    assert judged.hint is not None
    assert "build.target" in judged.hint
    assert ask(AUTO, "x86_64-unknown-linux-musl", needed=["libc.so"]).ok


@pytest.mark.parametrize("wish", [AUTO, PLAIN])
def test_a_glibc_binary_for_a_musl_target_is_refused_and_a_static_one_fits_both(ask: Ask, wish: Compatibility) -> None:
    judged = ask(wish, "x86_64-unknown-linux-musl")
    assert (judged.ok, judged.level) == (False, None)
    assert judged.reason == "linked against glibc, but x86_64-unknown-linux-musl has musl"
    for triple in ("x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"):
        assert ask(wish, triple, needed=[], kind=2).ok
    assert not ask(wish, "armv7-unknown-linux-gnueabihf", machine=40, bits=32, flags=0x400, needed=["libc.so"]).ok


def test_a_static_program_may_carry_both_families(ask: Ask) -> None:
    old_musl = Compatibility(family="musllinux", version=(1, 1))
    for wish in (old_musl, manylinux(17)):
        assert ask(wish, needed=[], kind=2).level == wish
        assert ask(wish, triple="x86_64-unknown-linux-musl", needed=[], kind=2).level == wish


def test_an_architecture_without_the_level_is_refused(ask: Ask) -> None:
    judged = ask(manylinux(17), triple="mips64-unknown-linux-gnuabi64", machine=8, order=">")
    assert judged.reason == "asked for manylinux_2_17, which does not exist for mips64"


def test_hard_float_arm_is_told_by_its_flags(ask: Ask) -> None:
    triple, arm = "armv7-unknown-linux-gnueabihf", {"machine": 40, "bits": 32}
    assert ask(manylinux(17), triple=triple, flags=0x05000400, **arm).ok
    assert not ask(manylinux(17), triple=triple, flags=0x05000200, **arm).ok


def test_other_formats_and_systems_are_said_not_to_be_audited(elf: Elf, linux: Target, tmp_path: Path) -> None:
    contents = {
        "a.so": b"\xcf\xfa\xed\xfe" + bytes(60),
        "b.pyd": b"MZ" + bytes(60),
        "c.bpf": elf(machine=247),
        "d.py": b"import x",
        "e.class": b"\xca\xfe\xba\xbe\0\0\0\x3d",
        "x.so": elf(),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    *members, own = [(name, tmp_path / name) for name in contents]
    verdict = audit_binaries(members, linux).verdict
    assert (verdict.overall_tag, verdict.sym_tag) == ("", "")
    assert [(finding.code, finding.file) for finding in verdict.findings] == [
        ("not-audited", "a.so"),
        ("not-audited", "b.pyd"),
        ("not-audited", "c.bpf"),
    ]
    elsewhere = audit_binaries([own], parse_target("x86_64-unknown-freebsd")).verdict
    assert elsewhere.overall_tag == ""
    assert [finding.code for finding in elsewhere.findings] == ["not-audited"]


def test_another_system_has_no_levels(elf: Elf) -> None:
    target = parse_target("aarch64-apple-darwin")
    analysis = audit_binaries([], target)
    assert meets(analysis, AUTO, target) == Judgement(ok=True, level=PLAIN)


@pytest.mark.parametrize(("bits", "order", "machine", "arch"), [(64, "<", 62, "x86_64"), (64, ">", 22, "s390x")])
def test_weak_versions_above_the_level_are_flagged_for_the_loader(
    elf: Elf, symbol: Symbol, tmp_path: Path, bits: int, order: str, machine: int, arch: str
) -> None:
    path = tmp_path / "x.so"
    versions = ["GLIBC_2.14", "GLIBC_2.18", "GLIBC_2.39"]
    symbols = [symbol(f"f{version}", weak=True, version=f"libc.so.6:{version}") for version in versions]
    needed = {"needed": ["libc.so.6"], "needs": {"libc.so.6": versions}}
    path.write_bytes(elf(bits=bits, order=order, machine=machine, symbols=symbols, **needed))
    before = path.read_bytes()
    target = parse_target(f"{arch}-unknown-linux-gnu")
    assert flag_weak_needs(path, PLAIN, arch) == ()
    assert flag_weak_needs(path, manylinux(40), arch) == ()
    assert path.read_bytes() == before
    assert flag_weak_needs(path, manylinux(17), arch) == ("GLIBC_2.18", "GLIBC_2.39")
    assert sum(old != new for old, new in zip(before, path.read_bytes(), strict=True)) == 2
    analysis = audit_binaries([("x.so", path)], target)
    assert [need.flagged for need in analysis.binaries[0].needs] == [False, True, True]
    assert analysis.verdict.findings == ()
    assert flag_weak_needs(path, manylinux(17), arch) == ()
