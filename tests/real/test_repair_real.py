"""Repairs with real libraries and the real patchelf: what is brought along is used where the originals are not."""

from __future__ import annotations

import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from support.foreign import Foreign, install_for, load_with_musl
from support.formats import auditwheel_tag, libraries_of_mac_wheel, windows_imports
from support.projects import copy_project
from support.provision import provide
from support.reports import read_report
from support.tools import Ran, find_python, need, need_llvm, run
from support.wheels import look_inside, make_venv

from matrix.auditing.elf import read_binary
from matrix.repairing import Places, Search
from matrix.repairing.macho import split_slices
from matrix.repairing.search import Library, Missing
from matrix.repairing.signature import signed
from matrix.repairing.versions import defined_versions

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="libraries of Linux"),
]
Wheelmatrix = Callable[..., Ran]
Image = Callable[[str], str]

CHAIN = {
    "one": "int one(void) { return 40; }",
    "two": "int one(void);\nint two(void) { return one() + 1; }",
    "three": "int two(void);\nint three(int more) { return two() + more; }",
}
ASK = "import linked; print(linked.call())"


def compile_chain(
    folder: Path,
    numbers: dict[str, str] | None = None,
    compiler: Sequence[str] = ("gcc", "-O1"),
    name_form: str = "libwm{}.so.1",
    named: str = "-Wl,-soname,{}",
) -> str:
    """Make three libraries of which each needs the one before; return the word of LINKS for the last."""
    folder.mkdir(exist_ok=True)
    before: list[str] = []
    for name, text in (numbers or CHAIN).items():
        source, library = folder / f"{name}.c", folder / name_form.format(name)
        source.write_text(text, encoding="utf-8")
        argv = ["-shared", "-fPIC", *named.format(library.name).split(), source.name, "-o", library.name]
        run([*compiler, *argv, *before], cwd=folder, check=True)
        before = [library.name]
    return f"{folder / name_form.format('three')}:three"


@dataclass(frozen=True)
class Dynamic:
    """What a loader reads of a file."""

    soname: str | None
    needed: tuple[str, ...]
    rpath: str | None
    runpath: str | None


def dynamics(wheel: Path) -> dict[str, Dynamic]:
    """Read every ELF file of a wheel with pyelftools, by its member."""
    found = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if archive.read(name)[:4] == b"\x7fELF":
                with archive.open(name) as file:
                    section = ELFFile(file).get_section_by_name(".dynamic")
                    assert isinstance(section, DynamicSection)
                    tags = list(section.iter_tags())
                said = {tag.entry.d_tag: tag for tag in tags}
                found[name] = Dynamic(
                    soname=getattr(said.get("DT_SONAME"), "soname", None),
                    needed=tuple(getattr(tag, "needed", "") for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
                    rpath=getattr(said.get("DT_RPATH"), "rpath", None),
                    runpath=getattr(said.get("DT_RUNPATH"), "runpath", None),
                )
    return found


def cells(root: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_report(root / "target" / "wheels" / "report.json")["cells"]
    return found


def ask(python: Path, wheel: Path, work: Path, code: str = ASK) -> str:
    """Unpack a wheel and run a few lines in a fresh interpreter that sees nothing else."""
    folder = work / "installed"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.unpack_archive(wheel, folder, "zip")
    return run(
        [python, "-I", "-c", f"import sys; sys.path.insert(0, {str(folder)!r}); {code}"], cwd=work, check=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, whose lane serves several tests."""
    return copy_project("linked", tmp_path_factory.mktemp("linked"))


def test_a_chain_of_libraries_comes_along(linked: Path, wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    libraries, python = tmp_path / "libraries", find_python("3.11")
    links = {"LINKS": compile_chain(libraries)}
    ran = wheelmatrix("build", "-i", python, cwd=linked, env=links)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert "-cp39-abi3-manylinux_2_" in wheel.name
    (cell,) = cells(linked)
    assert [one["library"] for one in cell["bundled"]] == ["libwmone.so.1", "libwmthree.so.1", "libwmtwo.so.1"]
    assert cell["audit"]["external"] == []
    assert auditwheel_tag(wheel)[0] in wheel.name
    (cdylib,) = (linked / "target" / "wheelmatrix").glob("lanes/*/debug/liblinked.so")
    assert b"linked.libs" not in cdylib.read_bytes(), "what cargo made is never rewritten"

    first = wheel.read_bytes()
    again = wheelmatrix("build", "-i", python, cwd=linked, env=links)
    assert again.exit == 0
    assert [one["status"] for one in cells(linked)] == ["reused"]
    assert cells(linked)[0]["bundled"] == cell["bundled"]
    anew = wheelmatrix("build", "-i", python, "--no-reuse", cwd=linked, env=links)
    assert anew.exit == 0
    assert anew.wheels[0].read_bytes() == first

    unrepaired = wheelmatrix("build", "-i", python, "--auditwheel", "check", "-o", tmp_path, cwd=linked, env=links)
    (plain,) = unrepaired.wheels
    assert plain.name.endswith("-linux_x86_64.whl")
    peers = tmp_path / "peers"
    argv: list[str | Path] = [need("auditwheel"), "repair", plain, "-w", peers]
    run(argv, cwd=tmp_path, env={"LD_LIBRARY_PATH": str(libraries)}, check=True)
    (peer,) = peers.iterdir()
    assert peer.name == wheel.name
    ours = tmp_path / "ours"
    repaired = wheelmatrix("repair", plain, "-o", ours, "--ldpaths", libraries, cwd=tmp_path)
    assert repaired.exit == 0, str(repaired)
    assert dynamics(wheel) == dynamics(peer) == dynamics(ours / wheel.name)
    assert "brings along libwmone.so.1, libwmthree.so.1, libwmtwo.so.1" in repaired.stderr

    (libraries / "one.c").write_text("int one(void) { return 50; }", encoding="utf-8")
    changed = compile_chain(libraries, {**CHAIN, "one": "int one(void) { return 50; }"})
    other = wheelmatrix("build", "-i", python, cwd=linked, env={"LINKS": changed})
    assert other.exit == 0
    assert [one["status"] for one in cells(linked)] == ["built"], "a library changed"
    shutil.rmtree(libraries)
    assert ask(python, other.wheels[0], tmp_path) == "{'three': 52}"
    assert ask(python, ours / wheel.name, tmp_path) == "{'three': 42}"


def test_repairing_twice_changes_nothing(linked: Path, wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    options = ("build", "-i", find_python("3.11"), "--auditwheel", "check", "-o", tmp_path)
    built = wheelmatrix(*options, cwd=linked, env={"LINKS": compile_chain(libraries)})
    (plain,) = built.wheels
    before = plain.read_bytes()
    ran = wheelmatrix("repair", plain, "--strip", "--ldpaths", libraries, "-o", "once", cwd=tmp_path)
    assert ran.exit == 0, str(ran)
    (once,) = ran.wheels
    assert plain.read_bytes() == before
    assert "linked.libs" in str(look_inside(once).files)
    shutil.rmtree(libraries)
    ran = wheelmatrix("repair", once, "-o", "twice", "--json", cwd=tmp_path)
    assert ran.exit == 0, str(ran)
    assert (tmp_path / "twice" / once.name).read_bytes() == once.read_bytes()
    assert ask(find_python("3.11"), once, tmp_path) == "{'three': 42}"

    excluded = wheelmatrix("repair", plain, "--exclude", "libwm*", "-o", "excluded", cwd=tmp_path)
    assert excluded.exit == 0, str(excluded)
    assert "manylinux" in excluded.wheels[0].name
    assert not any(".libs/" in name for name in look_inside(excluded.wheels[0]).files)

    failed = wheelmatrix("repair", plain, "--ldpaths", tmp_path, "-o", "failed", cwd=tmp_path)
    assert failed.exit == 1
    assert "needs libwmthree.so.1, which was not found" in failed.stderr
    assert f"searched: {tmp_path}" in failed.stderr
    assert "--ldpaths" in failed.stderr
    assert list((tmp_path / "failed").iterdir()) == []


def test_what_cannot_be_brought_along_says_why(linked: Path, wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    libraries, python = tmp_path / "libraries", find_python("3.11")
    links = {"LINKS": compile_chain(libraries)}
    newer = "#include <stdlib.h>\nint one(void) { return arc4random() ? 40 : 41; }"  # of glibc 2.36
    compile_chain(libraries, {**CHAIN, "one": newer})
    checked = wheelmatrix("build", "-i", python, "--auditwheel", "check", "-o", tmp_path, cwd=linked, env=links)
    plat = ("--plat", "manylinux_2_34", "--ldpaths", libraries, "-o", "low")
    low = wheelmatrix("repair", checked.wheels[0], *plat, cwd=tmp_path)
    assert low.exit == 1
    assert "asked for manylinux_2_34, needs glibc 2.36 in libwmone.so.1, which it must bring along" in low.stderr
    assert "arc4random@GLIBC_2.36" in low.stderr
    assert f"libwmone.so.1 is {libraries}/libwmone.so.1" in low.stderr
    assert "--plat manylinux_2_36 is met" in low.stderr
    (libraries / "libwmone.so.1").unlink()
    lost = wheelmatrix("build", "-i", python, cwd=linked, env=links)
    assert lost.exit == 1
    (cell,) = cells(linked)
    assert cell["reason"] == "needs libwmone.so.1, which was not found"
    assert f"libwmone.so.1 is needed by {libraries}/libwmtwo.so.1" in cell["details"]
    assert str(libraries) in cell["details"]
    assert "LD_LIBRARY_PATH" in cell["hint"]


def test_a_library_without_the_symbol_version_will_not_do(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    gcc = [need("gcc"), "-shared", "-fPIC"]
    (tmp_path / "one.c").write_text(CHAIN["one"], encoding="utf-8")
    (tmp_path / "two.c").write_text(CHAIN["two"], encoding="utf-8")
    for name, versions in (("old", ["WM_1"]), ("new", ["WM_1", "WM_2"])):
        nodes = " ".join(f"{one} {{ {'one;' if one == versions[-1] else ''} }};" for one in versions)
        (tmp_path / "one.map").write_text(nodes, encoding="utf-8")
        named = ["-Wl,-soname,libone.so.1", "-Wl,--version-script,one.map"]
        run([*gcc, *named, "one.c", "-o", f"{name}/libone.so.1"], cwd=tmp_path, check=True)
        assert defined_versions(tmp_path / name / "libone.so.1") == {"libone.so.1", *versions}
    run([*gcc, "two.c", "new/libone.so.1", "-o", "two.so"], cwd=tmp_path, check=True)
    module = read_binary("two.so", tmp_path / "two.so")
    old, new = tmp_path / "old", tmp_path / "new"
    missing = Search("x86_64", "glibc", Places(given=(old,))).find("libone.so.1", module)
    assert isinstance(missing, Missing)
    assert missing.unfit == ((old / "libone.so.1", "does not have the symbol version WM_2"),)
    found = Search("x86_64", "glibc", Places(given=(old, new))).find("libone.so.1", module)
    assert isinstance(found, Library)
    assert found.path == new / "libone.so.1"


def test_a_program_finds_its_libraries(linked: Path, wheelmatrix: Wheelmatrix, tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    links = {"LINKS": compile_chain(libraries)}
    ran = wheelmatrix("build", "-b", "bin", "--no-default-features", "-o", tmp_path, cwd=linked, env=links)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    shutil.rmtree(libraries)
    assert {"linked.scripts/linked-program", "linked-0.4.0.data/scripts/linked-program"} <= look_inside(wheel).files
    python = make_venv(find_python("3.11"), tmp_path / "venv")
    install: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index", wheel]
    run(install, cwd=tmp_path, check=True)
    said = run([python.parent / "linked-program", "a word"], cwd=tmp_path, check=True)
    assert said.stdout.splitlines() == ["three 42", "a word"]


def test_libraries_of_debian_serve_in_a_container_without_them(
    linked: Path, wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path
) -> None:
    folder = Path("/usr/lib/x86_64-linux-gnu")
    functions = {
        "libpq.so.5": "PQlibVersion",
        "libsnappy.so.1": "snappy_max_compressed_length",
        "libsqlite3.so.0": "sqlite3_libversion_number",
    }
    links = {"LINKS": " ".join(f"{folder / file}:{function}" for file, function in functions.items())}
    ran = wheelmatrix("build", "-i", find_python("3.11"), "-o", tmp_path, cwd=linked, env=links)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    (cell,) = cells_of(tmp_path)
    bundled = {one["library"] for one in cell["bundled"]}
    assert {
        "libpq.so.5",
        "libsnappy.so.1",
        "libsqlite3.so.0",
        "libssl.so.3",
        "libcrypto.so.3",
        "libgssapi_krb5.so.2",
    } <= bundled
    assert not {"libstdc++.so.6", "libz.so.1", "libc.so.6", "libgcc_s.so.1"} & bundled
    assert auditwheel_tag(wheel)[0] in wheel.name
    sbom = look_inside(wheel).texts["linked-0.4.0.dist-info/sboms/auditwheel.cdx.json"].decode()
    assert "pkg:deb/debian/libpq5@" in sbom
    assert str(tmp_path) not in sbom
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    program = f"{ASK}; print(*sorted({{line.split()[-1] for line in open('/proc/self/maps') if '.so' in line}}))"
    container = [need("docker"), "run", "--rm", "--network", "none", "-v", f"{tmp_path}/site:/site:ro"]
    container += ["-e", "PYTHONPATH=/site", docker_image("bookworm"), "python3", "-c", program]
    answers, maps = run(container, cwd=tmp_path, check=True).stdout.splitlines()
    assert "'PQlibVersion': 15" in answers
    assert "/site/linked.libs/libpq-" in maps
    assert "/site/linked.libs/libgssapi_krb5-" in maps
    assert "/site/linked.libs/libsqlite3-" in maps


def cells_of(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_report(out / "report.json")["cells"]
    return found


def test_a_cross_build_takes_the_target_s_libraries(
    linked: Path,
    wheelmatrix: Wheelmatrix,
    cross_env: dict[str, str],
    foreign_python: Callable[[str], Foreign],
    tmp_path: Path,
) -> None:
    (sysroot,) = provide("sysroot", "arm64")
    folder = Path(sysroot, "usr/lib/aarch64-linux-gnu")
    links = f"{folder}/libpq.so.5:PQlibVersion"
    target = ("--target", "aarch64-unknown-linux-gnu", "-o", tmp_path)
    ran = wheelmatrix("build", "-i", "3.11", *target, cwd=linked, env={**cross_env, "LINKS": links})
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert "manylinux_2_" in wheel.name
    assert auditwheel_tag(wheel)[0] in wheel.name
    (cell,) = cells_of(tmp_path)
    assert len(cell["bundled"]) > 5
    assert {one["source"].startswith(sysroot) for one in cell["bundled"]} == {True}
    installed = install_for(wheel, tmp_path / "site")
    system = foreign_python("arm64")
    assert not list((system.root / "usr/lib").rglob("libpq.so*"))
    assert "'PQlibVersion': 15" in system.ask(ASK, installed)


def test_an_image_s_own_libraries_come_along(wheelmatrix: Wheelmatrix, docker_image: Image, tmp_path: Path) -> None:
    root = copy_project("linked", tmp_path)
    table = f"""
[tool.wheelmatrix.docker]
pull = "never"
env = ["LINKS"]

[[tool.wheelmatrix.overrides]]
select = {{ target = "x86_64-unknown-linux-gnu" }}
image = "{docker_image("bullseye")}"
"""
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(table)
    links = {"LINKS": "/usr/lib/x86_64-linux-gnu/libmpfr.so.6:mpfr_get_emin"}
    ran = wheelmatrix("build", "-i", find_python("3.11"), cwd=root, env=links)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    (cell,) = cells(root)
    assert [one["library"] for one in cell["bundled"]] == ["libgmp.so.10", "libmpfr.so.6"]
    assert cell["bundled"][1]["file"].endswith(".so.6.1.0"), "the image's, not this machine's"
    level = re.search(r"manylinux_2_(\d+)_x86_64", wheel.name)
    assert level is not None
    assert int(level[1]) <= 31
    assert ask(find_python("3.11"), wheel, tmp_path) == "{'mpfr_get_emin': -1073741823}"
    again = wheelmatrix("build", "-i", find_python("3.11"), cwd=root, env=links)
    assert again.exit == 0
    assert [one["status"] for one in cells(root)] == ["reused"]


def test_musl_s_loader_finds_them_too(
    linked: Path,
    wheelmatrix: Wheelmatrix,
    cross_env: dict[str, str],
    foreign_python: Callable[[str], Foreign],
    tmp_path: Path,
) -> None:
    libraries = tmp_path / "libraries"
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl"]
    links = {**cross_env, "LINKS": compile_chain(libraries, compiler=zig)}
    target = ("--target", "x86_64-unknown-linux-musl", "-o", tmp_path)
    ran = wheelmatrix("build", "-i", "3.11", *target, cwd=linked, env=links)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert wheel.name.endswith("-musllinux_1_2_x86_64.whl")
    assert len(cells_of(tmp_path)[0]["bundled"]) == 3
    shutil.rmtree(libraries)
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    module = next((tmp_path / "site" / "linked").glob("*.so"))
    assert load_with_musl(module, foreign_python("amd64"), tmp_path) == "found"


def test_dlls_lie_beside_the_module(
    linked: Path, wheelmatrix: Wheelmatrix, cross_env: dict[str, str], tmp_path: Path
) -> None:
    libraries = tmp_path / "libraries"
    word = compile_chain(libraries, compiler=[need("x86_64-w64-mingw32-gcc")], name_form="Wm{}.dll", named="")
    target = ("--target", "x86_64-pc-windows-gnu", "-o", tmp_path)
    ran = wheelmatrix("build", "-i", "3.11", *target, cwd=linked, env={**cross_env, "LINKS": word})
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    (cell,) = cells_of(tmp_path)
    assert [one["library"].lower() for one in cell["bundled"]] == ["wmone.dll", "wmthree.dll", "wmtwo.dll"]
    shutil.rmtree(libraries)
    shown: list[str | Path] = [need("delvewheel"), "show", "--ignore-existing", wheel]
    said = run(shown, cwd=tmp_path, check=True).stdout
    copied, inside = re.split("are already in the wheel", said.split("will be copied into the wheel.")[1])
    assert "None" in copied
    for one in cell["bundled"]:
        assert Path(one["file"]).parent == Path("linked")
        assert Path(one["file"]).name in inside
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    names = {Path(one["file"]).name for one in cell["bundled"]}
    assert names & set(windows_imports(tmp_path / "site" / "linked" / "linked.pyd")), "another tool reads them too"
    again = wheelmatrix("repair", wheel, "-o", "again", cwd=tmp_path)
    assert again.exit == 0
    assert again.wheels[0].read_bytes() == wheel.read_bytes()


def test_dylibs_of_both_processors_come_along_and_are_signed(
    linked: Path, wheelmatrix: Wheelmatrix, cross_env: dict[str, str], tmp_path: Path
) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    for arch, system in (("x86_64", "x86_64-macos.10.13"), ("arm64", "aarch64-macos.11.0")):
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", system, "-Wl,-headerpad_max_install_names"]
        form, named = "libwm{}.1.dylib", "-install_name /opt/wm/{}"
        compile_chain(libraries / arch, compiler=zig, name_form=form, named=named)
    for number in CHAIN:
        name = f"libwm{number}.1.dylib"
        run(
            [need_llvm("llvm-lipo"), "-create", f"x86_64/{name}", f"arm64/{name}", "-output", name],
            cwd=libraries,
            check=True,
        )
    alone = (libraries / "arm64/libwmtwo.1.dylib").read_bytes()
    assert signed(alone, "libwmtwo.1.dylib") == alone, "byte for byte as its linker signed it"
    links = {**cross_env, "LINKS": f"{libraries}/libwmthree.1.dylib:three", "MACOSX_DEPLOYMENT_TARGET": "10.13"}
    ran = wheelmatrix("build", "-i", "3.11", "--universal2", "-o", tmp_path, cwd=linked, env=links)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert "universal2" in wheel.name
    (cell,) = cells_of(tmp_path)
    assert len(cell["bundled"]) == 3
    shutil.rmtree(libraries)
    found = libraries_of_mac_wheel(wheel, tmp_path)
    assert found, "delocate follows every name to a file in the wheel, or to macOS's own"
    assert not [name for name in found if not name.startswith("/usr/lib/")]
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    for file in [*(tmp_path / "site").rglob("*.so"), *(tmp_path / "site/linked.dylibs").iterdir()]:
        for one in split_slices(file.name, file.read_bytes()):
            assert signed(one, file.name) == one, "its signature fits its content"
        said = run([need_llvm("llvm-otool"), "-arch", "all", "-L", file], cwd=tmp_path, check=True).stdout
        assert "/opt/wm" not in said
    again = wheelmatrix("repair", wheel, "-o", "again", cwd=tmp_path)
    assert again.exit == 0, str(again)
    assert again.wheels[0].read_bytes() == wheel.read_bytes()
