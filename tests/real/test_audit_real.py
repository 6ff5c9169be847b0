"""The audit against real binaries: wheels from PyPI that auditwheel judges too, files made by gcc, and this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.auditors import abi3audit_says, auditwheel_fields, auditwheel_says, our_fields
from support.projects import fetch_wheel
from support.tools import lacking, need, run
from support.wheels_of_pypi import fetch

from matrix.auditing import audit_binaries, audit_wheel, flag_weak_needs, meets
from matrix.auditing.elf import read_binary, read_elf
from matrix.auditing.verdict import analyse
from matrix.model import Compatibility, Target
from matrix.platforms import parse_target

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="ELF files and auditwheel"),
]

WHEELS: dict[str, set[str]] = {
    # small ones of every kind, with the errors they have; tests/long has many more
    "markupsafe-3.0.4-cp314-cp314t-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl": set(),
    "MarkupSafe-1.1.1-cp27-cp27m-manylinux1_x86_64.whl": set(),
    "markupsafe-3.0.4-cp312-cp312-musllinux_1_2_aarch64.whl": set(),
    "orjson-3.13.0-cp312-cp312-manylinux2014_i686.manylinux_2_17_i686.whl": set(),
    "orjson-3.11.9-cp312-cp312-manylinux_2_17_s390x.manylinux2014_s390x.whl": set(),
    "rpds_py-2026.9.1-cp312-cp312-manylinux_2_31_riscv64.whl": set(),
    "jiter-0.19.0-cp312-cp312-manylinux2014_ppc64le.manylinux_2_17_ppc64le.whl": set(),
    "bcrypt-5.0.0-cp39-abi3-manylinux_2_28_armv7l.manylinux_2_31_armv7l.whl": set(),  # weak symbols count
    "ninja-1.13.2-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl": set(),  # a program
    "wrapt-2.5.2-cp312-cp312-musllinux_1_2_x86_64.whl": set(),
    "pyzmq-27.3.0-cp312-abi3-manylinux_2_26_x86_64.manylinux_2_28_x86_64.whl": set(),  # brings libraries along
    "pyodbc-5.5.0-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl": {"tag-not-met"},
}
MUSL = "rpds_py-2026.9.1-cp312-cp312-musllinux_1_2_x86_64.whl"
"""Needs plain libc.so, as zig and Rust write it and musl's loader takes for itself."""

STABLE = (
    "procmaps-0.5.0-cp36-abi3-manylinux2010_x86_64.whl",
    "bcrypt-5.0.0-cp39-abi3-manylinux_2_28_armv7l.manylinux_2_31_armv7l.whl",
)
GNU = parse_target("x86_64-unknown-linux-gnu")
MODULE = "int PyInit_x(void) { return 0; }\n"
Compile = Callable[..., Path]


@pytest.mark.parametrize("name", WHEELS)
def test_auditwheel_says_the_same_of_wheels_from_pypi(name: str) -> None:
    audit = audit_wheel(fetch(name))
    assert our_fields(audit) == auditwheel_fields(auditwheel_says(fetch(name)))
    assert {finding.code for finding in audit.findings if finding.severity == "error"} == WHEELS[name]


def test_a_musl_wheel_that_needs_plain_libc_so_is_one() -> None:
    """auditwheel, whose policy knows Alpine's name of it alone, calls it an external library."""
    theirs = auditwheel_fields(auditwheel_says(fetch(MUSL)))
    assert (theirs["overall_tag"], theirs["external_libs"]) == ("linux_x86_64", {"libc.so": None})
    audit = audit_wheel(fetch(MUSL))
    assert (audit.overall_tag, audit.external_libs, audit.failed) == ("musllinux_1_2_x86_64", {}, False)


def test_abi3audit_finds_the_same_symbols() -> None:
    wheels = {name: fetch(name) for name in STABLE}
    said = abi3audit_says(wheels.values())
    assert {wheel for (wheel, _), symbols in said.items() if symbols} == {STABLE[0]}
    for name, path in wheels.items():
        found = [one.message for one in audit_wheel(path).findings if one.severity == "error"]
        assert found == (["the tag says Python 3.6, but it uses PyUnicode_AsUTF8AndSize (3.10)"] * (name == STABLE[0]))


def test_every_wheel_keeps_what_it_claims_and_no_more() -> None:
    wheel = fetch_wheel("cryptography", "50.0.2", "manylinux_2_34_x86_64")
    lower = wheel.with_name(wheel.name.replace("_2_34_", "_2_28_"))
    lower.unlink(missing_ok=True)
    lower.hardlink_to(wheel)
    try:
        audit = audit_wheel(lower)
    finally:
        lower.unlink()
    (finding,) = [finding for finding in audit.findings if finding.severity == "error"]
    assert finding.message.startswith("claims manylinux_2_28, needs glibc 2.34: ")


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    def compiled(*flags: str | Path, source: str = MODULE, name: str = "x.so") -> Path:
        file = tmp_path / f"{name}.c"
        file.write_text(source)
        arguments = [need("gcc"), "-shared", "-fPIC", "-o", tmp_path / name, file, *flags]
        run(arguments, cwd=tmp_path, check=True)
        return tmp_path / name

    return compiled


def judged(path: Path, target: Target = GNU) -> Any:
    return audit_binaries([(path.name, path)], target).verdict


def found(path: Path) -> set[str]:
    return {finding.code for finding in judged(path).findings}


WEAK = """
extern int __cxa_thread_atexit_impl(void *, void *, void *) __attribute__((weak));
int PyInit_x(void) { return __cxa_thread_atexit_impl ? __cxa_thread_atexit_impl(0, 0, 0) : 0; }
"""


def test_a_weak_versioned_symbol_does_not_raise_the_level(compiled: Compile) -> None:
    weak = compiled("-Wl,--no-as-needed", "-lc", source=WEAK)
    (need_,) = [need for need in read_binary("x.so", weak).needs if need.version == "GLIBC_2.18"]
    assert (need_.weak, need_.symbols) == (True, ("__cxa_thread_atexit_impl",))
    verdict = judged(weak)
    assert verdict.overall_tag == "manylinux_2_5_x86_64"
    assert [finding.code for finding in verdict.findings] == ["weak-symbol-version"]
    strong = compiled("-Wl,--no-as-needed", "-lc", source=WEAK.replace(" __attribute__((weak))", ""), name="y.so")
    assert judged(strong).overall_tag == "manylinux_2_24_x86_64"


def test_an_external_library_and_libpython_are_seen(compiled: Compile, tmp_path: Path) -> None:
    for library in ("libours.so.1", "libpython3.12.so.1.0"):
        stub = compiled(f"-Wl,-soname,{library}", source="int stub(void) { return 1; }", name=library)
        caller = "int stub(void); int PyInit_x(void) { return stub(); }"
        module = compiled(stub, "-Wl,--no-as-needed", "-lc", source=caller, name=f"{library}-user.so")
        verdict = judged(module)
        assert (verdict.overall_tag, verdict.external) == ("linux_x86_64", (library,))
        assert verdict.links_libpython == library.startswith("libpython")
        asked = meets(audit_binaries([("x.so", module)], GNU), Compatibility(family="manylinux", version=(2, 17)), GNU)
        assert not asked.ok
        assert library in asked.reason
        both = analyse([read_binary("x.so", module), read_binary(library, stub)])
        assert both.verdict.external == (), "a library of the wheel itself is not external"


def test_an_rpath_and_a_runpath_are_seen(compiled: Compile) -> None:
    old = compiled("-Wl,-rpath,/opt/ours/lib:$ORIGIN/../x.libs", "-Wl,--disable-new-dtags")
    assert read_binary("x.so", old).rpath == ("/opt/ours/lib", "$ORIGIN/../x.libs")
    new = compiled("-Wl,-rpath,/opt/ours/lib", "-Wl,--enable-new-dtags")
    assert read_binary("x.so", new).runpath == ("/opt/ours/lib",)
    assert found(new) == {"absolute-rpath"}


def test_stack_text_and_instruction_set_are_seen(compiled: Compile) -> None:
    assert not found(compiled())
    assert found(compiled("-Wl,-z,execstack")) == {"executable-stack"}
    level = compiled("-Wl,-z,x86-64-v3")
    assert read_binary("x.so", level).isa == "x86-64-v3"
    assert judged(level).overall_tag == "linux_x86_64"
    fixed = 'asm(".text\\n.globl word\\nword: .quad PyInit_x\\n"); int PyInit_x(void) { return 0; }'
    assert found(compiled("-Wl,-z,notext", source=fixed)) == {"text-relocations"}


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
@pytest.mark.parametrize("defined", [True, False])
def test_every_hash_style_is_read_and_section_headers_are_not_needed(
    compiled: Compile, style: str, defined: bool
) -> None:
    source = "int puts(const char *); " + (
        'int PyInit_x(void) { return puts("x"); }'
        if defined
        else 'static int f(void) { return puts("x"); } __attribute__((constructor)) static void g(void) { f(); }'
    )
    path = compiled(f"-Wl,--hash-style={style}", source=source)
    binary = read_binary("x.so", path)
    assert "puts" in binary.undefined
    assert binary.modules == (("x",) if defined else ())
    data = bytearray(path.read_bytes())
    data[40:48], data[58:64] = bytes(8), bytes(6)  # e_shoff; e_shentsize, e_shnum, e_shstrndx
    assert read_elf("x.so", bytes(data)) == binary


def reference(path: Path) -> tuple[list[str], set[str], set[tuple[str, str]]]:
    """Needed libraries, undefined symbols and version needs as pyelftools finds them through section headers."""
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        elf = ELFFile(file)
        dynamic: Any = elf.get_section_by_name(".dynamic")
        needed = [tag.needed for tag in dynamic.iter_tags() if tag.entry.d_tag == "DT_NEEDED"] if dynamic else []
        symbols: Any = elf.get_section_by_name(".dynsym")
        undefined = {
            symbol.name
            for symbol in (symbols.iter_symbols() if symbols else ())
            if symbol["st_shndx"] == "SHN_UNDEF" and symbol["st_info"]["bind"] != "STB_WEAK" and symbol.name
        }
        versions: Any = elf.get_section_by_name(".gnu.version_r")
        needs = {
            (library.name, version.name)
            for library, names in (versions.iter_versions() if versions else ())
            for version in names
        }
        return needed, undefined, needs


def test_this_machine_s_libraries_are_read_as_pyelftools_reads_them() -> None:
    folders = [Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/bin"), Path(sys.base_prefix) / "lib"]
    files = [path for folder in folders if folder.is_dir() for path in sorted(folder.glob("**/*")) if path.is_file()]
    compared = 0
    for path in files:
        with path.open("rb") as file:
            if file.read(18)[:4] != b"\x7fELF" or path.is_symlink() or path.stat().st_size > 3_000_000:
                continue
        if path.suffix in {".o", ".debug"}:
            continue
        binary = read_binary(path.name, path)
        if binary.kind == "object":
            continue
        needed, undefined, needs = reference(path)
        assert list(binary.needed) == needed, path
        assert set(binary.undefined) == {name[:512] for name in undefined}, path
        assert {(need.library, need.version) for need in binary.needs} == needs, path
        compared += 1
        if compared == 150:
            break
    if not compared:
        lacking("ELF files of this machine")


def test_what_the_loader_thinks_of_weak_versions(compiled: Compile) -> None:
    """The loader refuses a file for want of a version that only weak symbols ask for, unless the need is flagged."""
    path = compiled("-Wl,--no-as-needed", "-lc", source=WEAK)
    data = bytearray(path.read_bytes())
    old, new = b"GLIBC_2.18\0", b"GLIBC_9.18\0"
    place = data.index(old)
    data[place : place + len(old)] = new
    place = data.index(elf_hash(old[:-1]).to_bytes(4, "little"))
    data[place : place + 4] = elf_hash(new[:-1]).to_bytes(4, "little")
    future = path.with_name("future.so")
    future.write_bytes(data)
    ran = load(future)
    assert "GLIBC_9.18" in ran
    level = Compatibility(family="manylinux", version=(2, 17))
    assert flag_weak_needs(future, level, "x86_64") == ("GLIBC_9.18",)
    assert load(future) == "loaded"


def load(path: Path) -> str:
    program = "import ctypes, sys\ntry:\n    ctypes.CDLL(sys.argv[1]); print('loaded')\nexcept OSError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def elf_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value
