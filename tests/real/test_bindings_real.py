"""Bindings other than pyo3: built, installed and used, each once."""

from __future__ import annotations

import io
import os
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.dropin import BUILD, switched
from support.provision import cbindgen
from support.reports import read_report
from support.tools import Ran, find_python, need, run
from support.wheels import ask, install, look_inside

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="tags and interpreters of Linux"),
]

Project = Callable[..., Path]
Wheelmatrix = Callable[..., Ran]
Venv = Callable[[Path], Path]
Env = dict[str, str] | None


def _built(ran: Ran) -> Path:
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    return wheel


def _reused(wheelmatrix: Wheelmatrix, root: Path, *arguments: str | Path, env: Env = None) -> None:
    """Build again, and see that nothing was made anew."""
    ran = wheelmatrix("build", *arguments, cwd=root, env=env)
    report = read_report(_built(ran).parent / "report.json")
    assert [cell["status"] for cell in report["cells"]] == ["reused"], str(ran)


def _audited(wheelmatrix: Wheelmatrix, wheel: Path) -> str:
    ran = wheelmatrix("audit", wheel, cwd=wheel.parent)
    assert ran.exit == 0, str(ran)
    return ran.stdout


def test_programs_are_scripts_of_one_wheel(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("programs")
    plan = wheelmatrix("plan", "-i", "3.9", "3.12", cwd=root)
    assert "1 wheel from 1 build" in plan.stdout, str(plan)
    assert "programs-0.1.0-py3-none-*_x86_64.whl" in plan.stdout, str(plan)
    wheel = _built(wheelmatrix("build", "-i", "3.9", "3.12", cwd=root))
    assert wheel.name.startswith("programs-0.1.0-py3-none-manylinux_")
    scripts = sorted(name for name in look_inside(wheel).files if ".data/" in name)
    assert scripts == [f"programs-0.1.0.data/scripts/{name}" for name in ("count-words", "hello-program")]
    assert "manylinux" in _audited(wheelmatrix, wheel)
    python = venv(find_python("3.9"))
    install(python, wheel)
    for program, arguments, said in (("hello-program", [], "Hello from a program\n"), ("count-words", ["a b"], "2\n")):
        assert run([python.parent / program, *arguments], cwd=root, check=True).stdout == said
    assert ask(python, "import programs_lib; print(len(programs_lib.NAMES))") == "2"
    _reused(wheelmatrix, root, "-i", "3.13")


def test_programs_for_musl_are_static_and_run_anywhere(
    project: Project, wheelmatrix: Wheelmatrix, cross_env: dict[str, str]
) -> None:
    root = project("programs")
    # this toolchain's std brings no start-up objects of musl, so that zig's are linked
    env = cross_env | {"CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS": "-C link-self-contained=no"}
    wheel = _built(wheelmatrix("build", "--zig", "--target", "x86_64-unknown-linux-musl", cwd=root, env=env))
    assert wheel.name == "programs-0.1.0-py3-none-musllinux_1_2_x86_64.whl"
    with zipfile.ZipFile(wheel) as archive:
        data = archive.read("programs-0.1.0.data/scripts/count-words")
    program = ELFFile(io.BytesIO(data))
    assert not {"PT_INTERP", "PT_DYNAMIC"} & {segment["p_type"] for segment in program.iter_segments()}, "static"
    script = root / "count-words"
    script.write_bytes(data)
    script.chmod(0o755)
    assert run([script, "a b c"], cwd=root, check=True).stdout == "3\n", "on this machine, which has glibc"


def test_arguments_for_rustc_reach_every_program(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("programs")
    sizes = {}
    for flags in ((), ("--strip",)):
        wheel = _built(wheelmatrix("build", *flags, cwd=root))
        sizes[flags] = {name: size for name, size in _sizes(wheel).items() if ".data/" in name}
    for name, size in sizes["--strip",].items():
        assert size < sizes[()][name] / 2, name


def test_a_library_that_is_no_cdylib_is_compiled_as_one(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("ffi-only")
    manifest = root / "Cargo.toml"
    text = manifest.read_text()
    manifest.write_text(text.replace('crate-type = ["cdylib"]\n', ""))
    assert manifest.read_text() != text
    wheel = _built(wheelmatrix("build", "-i", "3.12", cwd=root))
    python = venv(find_python("3.12"))
    install(python, wheel)
    ask(python, "import ffi_only")
    _reused(wheelmatrix, root, "-i", "3.12")


def _sizes(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


def test_a_program_with_a_python_in_it_is_for_that_python(
    project: Project, wheelmatrix: Wheelmatrix, venv: Venv
) -> None:
    root, interpreter = project("embedding"), find_python("3.11")
    wheel = _built(wheelmatrix("build", "-i", interpreter, cwd=root))
    assert wheel.name.startswith("embedding-0.1.0-cp311-cp311-manylinux_"), "as maturin names it"
    python = venv(interpreter)
    install(python, wheel)
    libraries = str(interpreter.parents[1] / "lib")
    ran = run([python.parent / "embedding"], cwd=root, env={"LD_LIBRARY_PATH": libraries}, check=True)
    assert ran.stdout == "3.11\n"
    _reused(wheelmatrix, root, "-i", interpreter)
    refused = wheelmatrix("build", "-i", "3.14t", cwd=root)
    assert refused.exit == 2, str(refused)
    assert "libpython of cp314t, which is not here" in refused.stderr, str(refused)


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("pyproject.toml", "[tool.maturin]", '[project.scripts]\nx = "programs_lib:x"\n\n[tool.maturin]',
         "[project.scripts]: entry points and programs"),
        ("pyproject.toml", "[tool.maturin]", '[tool.maturin]\ntargets = [{ name = "more-program", kind = "bin" }]',
         "'more-program' needs required-features that are off"),
        ("pyproject.toml", "[tool.maturin]", '[tool.maturin]\ntargets = [{ name = "nothing" }]',
         "no bin target of crate 'programs' is called 'nothing'"),
        ("pyproject.toml", "[tool.maturin]", '[tool.maturin]\nbindings = "cffi"', "has no cdylib target"),
    ],
)  # fmt: skip
def test_programs_that_cannot_be_are_refused_before_compiling(
    project: Project, wheelmatrix: Wheelmatrix, file: str, old: str, new: str, said: str
) -> None:
    root = project("programs")
    path = root / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    ran = wheelmatrix("build", cwd=root)
    assert ran.exit == 2, str(ran)
    assert said in ran.stderr, str(ran)
    assert "hint:" in ran.stderr or "nothing" in new, str(ran)
    assert "Traceback" not in ran.stderr
    assert not (root / "target" / "wheelmatrix" / "lanes").exists()


@pytest.fixture
def with_cbindgen() -> dict[str, str]:
    return {"PATH": os.pathsep.join([cbindgen(), os.environ["PATH"]])}


def test_a_c_interface_is_used_through_cffi(
    project: Project, wheelmatrix: Wheelmatrix, venv: Venv, with_cbindgen: dict[str, str]
) -> None:
    root = project("c-api")
    wheel = _built(wheelmatrix("build", cwd=root, env=with_cbindgen))
    assert wheel.name.startswith("c_api-0.1.0-py3-none-manylinux_")
    members = sorted(name for name in look_inside(wheel).files if name.startswith("c_api/"))
    assert members == ["c_api/__init__.py", "c_api/ffi.py", "c_api/libc_api.so"]
    assert "manylinux" in _audited(wheelmatrix, wheel)
    asked = (
        "import c_api; p = c_api.lib.mirrored({'x': 1, 'y': 2}); print(p.x, p.y, c_api.lib.limited(9), c_api.lib.LIMIT)"
    )
    for version in ("3.9", "3.12"):
        python = venv(find_python(version))
        install(python, wheel)
        assert ask(python, asked) == "2 1 7 7", version
    _reused(wheelmatrix, root, env=with_cbindgen)


WRITES_A_HEADER = """
fn main() {
    std::fs::create_dir_all("target").unwrap();
    std::fs::write("target/header.h", "int limited(int number);").unwrap();
    println!("cargo:rerun-if-changed=build.rs");
}
"""


def test_a_header_of_the_projects_own_is_taken_as_it_is(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("c-api")
    (root / "build.rs").write_text(WRITES_A_HEADER, encoding="utf-8")  # as maturin's guide has it
    (root / "c_api").mkdir()
    (root / "c_api" / "__init__.py").write_text("from .c_api import ffi, lib\n", encoding="utf-8")
    wheel = _built(wheelmatrix("build", cwd=root, env={"PATH": _path_without("cbindgen")}))
    inside = look_inside(wheel)
    assert b"limited" in inside.texts["c_api/c_api/ffi.py"]
    assert b"mirrored" not in inside.texts["c_api/c_api/ffi.py"]
    assert inside.texts["c_api/__init__.py"] == b"from .c_api import ffi, lib\n"
    (root / "target" / "header.h").write_text("int limited(int number;\n", encoding="utf-8")
    broken = wheelmatrix("build", cwd=root)
    assert broken.exit == 1, str(broken)
    assert "cffi does not read header.h" in broken.stderr, str(broken)


def test_a_missing_cbindgen_is_told_before_compiling(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("c-api")
    env, forbidden = _without_cbindgen(root.parent), {"CARGO_NET_OFFLINE": "true"}
    for ran in (
        wheelmatrix("build", "--offline", cwd=root, env=env),
        wheelmatrix("build", cwd=root, env=env | forbidden),
    ):
        assert ran.exit == 2, str(ran)
        assert "error: cffi bindings need cbindgen, which is missing" in ran.stderr, str(ran)
        assert "hint: cargo install cbindgen" in ran.stderr, str(ran)
        assert not list((root / "target").rglob("*.so")), "nothing was compiled"
    looked = wheelmatrix("doctor", cwd=root, env=env | forbidden)
    assert looked.exit == 1, str(looked)
    assert "cffi bindings need cbindgen, which is missing" in looked.stdout, str(looked)


NO_NETWORK = """#!/bin/sh
if [ "$1" = install ]; then echo "error: no route to host" >&2; exit 101; fi
exec cargo "$@"
"""


@pytest.mark.parametrize("script", [False, True], ids=["known before", "known after the build script ran"])
def test_one_that_cannot_be_installed_is_told_with_its_log(
    project: Project, wheelmatrix: Wheelmatrix, script: bool
) -> None:
    root = project("c-api")
    if script:
        (root / "build.rs").write_text("fn main() {}\n", encoding="utf-8")
    cargo = root.parent / "cargo"
    cargo.write_text(NO_NETWORK, encoding="utf-8")
    cargo.chmod(0o755)
    ran = wheelmatrix("build", cwd=root, env={**_without_cbindgen(root.parent), "CARGO": str(cargo)})
    assert ran.exit == 1, str(ran)
    assert "cbindgen 0.29.2 for cffi bindings: no route to host" in ran.stderr, str(ran)
    assert "lay a header of your own at target/header.h" in ran.stderr, str(ran)
    (told,) = re.findall(r"\(what cargo said: (.*)\)", ran.stderr)
    assert "error: no route to host\n" in (root / told).read_text(encoding="utf-8")


def test_front_ends_need_no_cbindgen_and_compile_one_once(
    project: Project, wheelmatrix: Wheelmatrix, with_cbindgen: dict[str, str]
) -> None:
    root = project("c-api")
    pyproject = root / "pyproject.toml"
    pyproject.write_text(switched(pyproject.read_text(encoding="utf-8")), encoding="utf-8")
    named = _built(wheelmatrix("build", "-r", "-o", root.parent / "named", cwd=root, env=with_cbindgen))
    log = root / "target" / "wheelmatrix" / "logs" / "prepare.log"
    env = {
        **_without_cbindgen(root.parent),
        "CARGO_TARGET_DIR": str(root / "target"),
        "CARGO_BUILD_TARGET": "host-tuple",
    }
    looked = wheelmatrix("doctor", cwd=root, env=env)
    assert looked.exit == 0, str(looked)
    assert "cbindgen  – none; the first build that needs it compiles one" in looked.stdout, str(looked)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    for number, command in enumerate([[*pip, "-w", "0", root], [*BUILD, "-o", "1", root]]):
        run(command, cwd=root.parent, env=env, check=True)
        (wheel,) = (root.parent / str(number)).glob("*.whl")
        assert look_inside(wheel).texts["c_api/ffi.py"] == look_inside(named).texts["c_api/ffi.py"]
        said = log.read_text(encoding="utf-8") if log.exists() else ""
        assert ("cbindgen" in said) == (number == 0), "the first build alone compiles one"
    looked = wheelmatrix("doctor", cwd=root, env=env)
    assert "cbindgen  ✓ cbindgen 0.29.2" in looked.stdout, str(looked)
    assert not list((root.parent / "cache" / "tools").glob("*.work"))


def _without_cbindgen(folder: Path) -> dict[str, str]:
    """The environment of a machine that has none, and will keep one in this folder."""
    return {"PATH": _path_without("cbindgen"), "WHEELMATRIX_CACHE_DIR": str(folder / "cache")}


def _path_without(program: str) -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / program).exists())


def test_rust_cpython_for_the_interpreters_it_knows(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("rust-cpython")
    pythons = {version: find_python(version) for version in ("3.7", "3.11")}
    ran = wheelmatrix("build", "-i", *pythons.values(), cwd=root)
    assert ran.exit == 0, str(ran)
    wheels = dict(zip(pythons, sorted(ran.wheels, key=lambda path: len(path.name.split("-")[2])), strict=True))
    assert [path.name.split("-")[2:4] for path in wheels.values()] == [["cp37", "cp37m"], ["cp311", "cp311"]]
    for version, wheel in wheels.items():
        assert "manylinux" in _audited(wheelmatrix, wheel)
        python = venv(pythons[version])
        install(python, wheel)
        assert ask(python, "import rust_cpython_module; print(rust_cpython_module.compiled_for())") == "0.1.0"
    _reused(wheelmatrix, root, "-i", pythons["3.11"])
    for flags, said in (
        (("-i", find_python("3.12")), "rust-cpython 0.7.2 supports CPython 3.7 to 3.11"),
        (("--target", "aarch64-unknown-linux-gnu", "-i", pythons["3.11"]), "so it builds for x86_64"),
    ):
        refused = wheelmatrix("build", *flags, cwd=root)
        assert refused.exit == 2, str(refused)
        assert said in refused.stderr, str(refused)


def test_interfaces_of_uniffi_from_macros_and_udl(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("uniffi")
    wheel = _built(wheelmatrix("build", cwd=root, timeout=900))
    assert wheel.name.startswith("uniffi_words-0.1.0-py3-none-manylinux_")
    members = sorted(name for name in look_inside(wheel).files if name.startswith("uniffi_words/"))
    names = ["__init__.py", "libuniffi_words.so", "shapes.py", "uniffi_words.py"]
    assert members == [f"uniffi_words/{name}" for name in names]
    assert "manylinux" in _audited(wheelmatrix, wheel)
    for version in ("3.9", "3.12"):
        python = venv(find_python(version))
        install(python, wheel)
        asked = (
            "import uniffi_words as u; from uniffi_words import shapes; print(u.count_words('a b'), shapes.area(2, 3))"
        )
        assert ask(python, asked) == "2 6", version
    _reused(wheelmatrix, root)
    _same_as_maturin(root, wheel)
    _without_a_bindgen(root, wheelmatrix)


def _same_as_maturin(root: Path, wheel: Path) -> None:
    """Compare with maturin's wheel; what it compiles is what the lane has."""
    lane = next((root / "target" / "wheelmatrix" / "lanes").glob("py3-*/"))
    run([need("maturin"), "build", "-o", root / "theirs"], cwd=root, env={"CARGO_TARGET_DIR": str(lane)}, check=True)
    (theirs,) = map(look_inside, (root / "theirs").glob("*.whl"))
    ours = look_inside(wheel)
    assert (ours.file, ours.tags) == (theirs.file, theirs.tags)
    assert ours.files == theirs.files
    for name in ("shapes.py", "uniffi_words.py"):
        assert ours.texts[f"uniffi_words/{name}"] == theirs.texts[f"uniffi_words/{name}"], name


def _without_a_bindgen(root: Path, wheelmatrix: Wheelmatrix) -> None:
    manifest = root / "Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace(', "bindgen"', ""), encoding="utf-8")
    ran = wheelmatrix("build", cwd=root, env={"PATH": _path_without("uniffi-bindgen")})
    assert ran.exit == 2, str(ran)
    assert "uniffi bindings need uniffi-bindgen, which is missing" in ran.stderr, str(ran)
    assert "hint: add a program of that name" in ran.stderr, str(ran)


def test_a_feature_decides_on_the_bindings(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("embedding")
    manifest = root / "Cargo.toml"
    text = manifest.read_text(encoding="utf-8").replace("features = [", "optional = true, features = [")
    manifest.write_text(f'{text}\n[features]\npython = ["dep:pyo3"]\n', encoding="utf-8")
    for flags, said in (((), "· bin ·"), (("-F", "python"), "· bin with pyo3 0.30.1 ·")):
        assert said in wheelmatrix("plan", *flags, cwd=root).stdout, said


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("hello-pyo3", "cffi", "py3-none-"),
        ("c-api", "cffi", "py3-none-"),
        ("programs", "bin", "py3-none-"),
        ("uniffi", "cffi", "py3-none-"),
        ("uniffi", "uniffi", "py3-none-"),
        ("hello-pyo3", "pyo3", "-cp3"),
        ("c-api", "uniffi", "bindings = 'uniffi', but crate 'c-api' does not depend on uniffi"),
        ("c-api", "rust-cpython", "bindings = 'rust-cpython', but crate 'c-api' does not depend on cpython"),
        ("c-api", "bin", "bindings = 'bin', but crate 'c-api' has no program"),
        ("programs", "pyo3", "does not depend on pyo3"),
        ("programs", "cfi", "unknown bindings 'cfi'"),
    ],
)
def test_bindings_that_are_named(project: Project, wheelmatrix: Wheelmatrix, name: str, kind: str, said: str) -> None:
    ran = wheelmatrix("plan", "-b", kind, cwd=project(name))
    refused = " " in said
    assert ran.exit == (2 if refused else 0), str(ran)
    assert said in (ran.stderr if refused else ran.stdout), str(ran)
