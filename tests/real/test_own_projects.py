"""Our own projects, built as a user would and then used: each shows one thing that must hold."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
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


def test_the_plain_case_for_every_interpreter_found(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("hello-pyo3")
    ran = wheelmatrix("build", "-f", cwd=root)
    assert ran.exit == 0, str(ran)
    tags = {path.name.split("-")[2] for path in ran.wheels}
    assert {"cp39", "cp310", "cp311", "cp312", "cp313"} <= tags, "pyenv's, which are not on PATH"
    assert not {"cp37", "cp38", "pp39"} & tags, "pyo3 0.30 knows none of these"
    python = venv(find_python("3.13"))
    install(python, next(path for path in ran.wheels if "cp313" in path.name))
    assert ask(python, "import hello_pyo3; print(hello_pyo3.hello('world'))") == "Hello, world, from Rust!"


def test_python_around_rust(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("mixed-src", git=True)
    stale = root / "python" / "mixed_src" / "_native.cpython-39-x86_64-linux-gnu.so"
    stale.write_bytes(b"of another build")
    ran = wheelmatrix("build", "-i", "3.12", cwd=root)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    inside = look_inside(wheel)
    assert not [name for name in inside.files if name.endswith("39-x86_64-linux-gnu.so") or "secret" in name]
    python = venv(find_python("3.12"))
    install(python, wheel)
    assert ask(python, "import mixed_src; print(mixed_src.double(21), mixed_src.LOUD)") == "42 False"
    for program, argument in (("mixed-src", ["4"]), ("mixed-hello", [])):
        out = run([python.parent / program, *argument], cwd=python.parent, check=True).stdout
        assert out == ("8\n" if argument else "42\n")
    assert (python.parents[1] / "share" / "mixed-src" / "settings.toml").read_text(encoding="utf-8") == "answer = 42\n"


def test_an_old_pyo3_for_the_interpreters_it_knows(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("older-pyo3")
    pythons = {version: find_python(version) for version in ("3.7", "3.8", "3.9", "3.10")}
    ran = wheelmatrix("build", "-i", *pythons.values(), need("pypy3"), cwd=root)
    assert ran.exit == 0, str(ran)
    by_tag = {path.name.split("-")[2]: path for path in ran.wheels}
    assert by_tag.keys() == {"cp37", "cp38", "cp39", "cp310", "pp39"}
    for version in ("3.7", "3.10"):
        python = venv(pythons[version])
        install(python, by_tag[f"cp{version.replace('.', '')}"])
        assert ask(python, "import older_pyo3; print(older_pyo3.compiled_for())") == version
    folder = root / "pypy"
    run([sys.executable, "-m", "zipfile", "-e", by_tag["pp39"], folder], cwd=root, check=True)
    out = run([need("pypy3"), "-c", "import older_pyo3; print(older_pyo3.compiled_for())"], cwd=folder, check=True)
    assert out.stdout == "3.9\n"


def test_one_wheel_for_the_stable_family(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("abi3")
    ran = wheelmatrix("build", "-i", "3.10", "3.12", "3.13", cwd=root)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert "-cp310-abi3-" in wheel.name
    assert len(read_report(wheel.parent / "report.json")["builds"]) == 1
    for version in ("3.10", "3.13"):
        python = venv(find_python(version))
        install(python, wheel)
        assert ask(python, "import abi3_demo; print(abi3_demo.add(2, 3))") == "5"


def test_nothing_is_built_below_the_stable_floor(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("abi3")
    ran = wheelmatrix("build", "-i", "3.9", "3.12", cwd=root)
    assert ran.exit == 2
    assert "abi3-py310" in ran.stderr
    assert "hint:" in ran.stderr
    assert not (root / "target").exists()


def test_a_wheel_of_its_own_below_the_stable_floor(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("abi3-conditional")
    ran = wheelmatrix("build", "-i", "3.9", "3.10", "3.13", cwd=root)
    assert ran.exit == 0, str(ran)
    by_tag = {"-".join(path.name.split("-")[2:4]): path for path in ran.wheels}
    assert by_tag.keys() == {"cp39-cp39", "cp310-abi3"}
    for version, tag in (("3.9", "cp39-cp39"), ("3.10", "cp310-abi3"), ("3.13", "cp310-abi3")):
        python = venv(find_python(version))
        install(python, by_tag[tag])
        assert ask(python, "import abi3_conditional; print(abi3_conditional.add(2, 3))") == "5"


def test_a_crate_of_a_workspace(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("workspace")
    ran = wheelmatrix("build", "-i", "3.11", cwd=root)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert wheel.resolve().parent == (root / "target" / "wheels").resolve()
    python = venv(find_python("3.11"))
    install(python, wheel)
    assert ask(python, "import workspace_demo; print(workspace_demo.squares(4))") == "14"


def test_no_pyproject_at_all(project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    root = project("cargo-only")
    ran = wheelmatrix("build", "-i", "3.12", cwd=root)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    metadata = look_inside(wheel).metadata
    assert (metadata["Name"], metadata["Version"]) == ("cargo-only", "1.0.0b2")
    python = venv(find_python("3.12"))
    install(python, wheel)
    assert ask(python, "import cargo_only; print(cargo_only.answer())") == "42"


@pytest.mark.parametrize("door", ["command line", "build", "pip"])
def test_a_project_with_a_matrix_and_drivers_of_its_own(
    door: str, project: Project, wheelmatrix: Wheelmatrix, venv: Venv
) -> None:
    root = project("own-matrix")
    out = root / "out"
    if door == "command line":
        ran = wheelmatrix("build", "-i", sys.executable, "-o", out, cwd=root)
    elif door == "build":
        ran = run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, root], cwd=root.parent)
    else:
        pip: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--no-build-isolation",
            "--no-deps",
            "-w",
            out,
            root,
        ]
        ran = run(pip, cwd=root.parent)
    assert ran.exit == 0, str(ran)
    (wheel,) = out.glob("*.whl")
    assert {"matrix/__init__.py", "matrix/cli.py", "drivers/cargo.py"} <= look_inside(wheel).files
    python = venv(Path(sys.executable))
    install(python, wheel)
    code = "import matrix, drivers; from matrix import _rust; print(_rust.rank())"
    assert ask(python, code, env={"OWN_MATRIX": "1"}) == "2"


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_make_takes_its_jobs_from_our_slots(jobs: int, project: Project, wheelmatrix: Wheelmatrix, venv: Venv) -> None:
    need("make")
    root = project("c-make")
    first = wheelmatrix("build", "-i", "3.12", "-j", str(jobs), cwd=root)
    assert first.exit == 0, str(first)
    os.utime(root / "c" / "one.c")  # now nothing else is compiled at the same time, and make can have every slot
    ran = wheelmatrix("build", "-i", "3.12", "-j", str(jobs), cwd=root)
    assert ran.exit == 0, str(ran)
    assert "jobserver" not in first.stderr + ran.stderr, "make has nothing to complain about"
    python = venv(find_python("3.12"))
    install(python, ran.wheels[0])
    assert ask(python, "import c_make; print(c_make.total(), c_make.most_jobs())") == f"21 {jobs}"


def test_a_library_that_no_policy_allows(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("external-lib")
    ran = wheelmatrix("build", "-i", "3.12", "--auditwheel", "check", cwd=root)
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    assert wheel.name.endswith("-linux_x86_64.whl")
    (cell,) = read_report(wheel.parent / "report.json")["cells"]
    assert [name.partition(".")[0] for name in cell["audit"]["external"]] == ["libbz2"]
    before = wheel.read_bytes()
    level = ("--auditwheel", "check", "--compatibility", "manylinux_2_34")
    asked = wheelmatrix("build", "-i", "3.12", *level, cwd=root)
    assert asked.exit == 1
    assert "libbz2" in asked.stderr
    assert wheel.read_bytes() == before
    assert not list(wheel.parent.glob("*manylinux*.whl"))


def test_a_compile_error_costs_its_own_wheel_alone(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("broken-compile")
    with (root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('[[tool.wheelmatrix.overrides]]\nselect = { interpreter = "3.12" }\nfeatures = ["mended"]\n')
    ran = wheelmatrix("build", "-i", "3.11", "3.12", "3.13", cwd=root)
    assert ran.exit == 1
    assert [path.name.split("-")[2] for path in ran.wheels] == ["cp312"]
    assert "E0308" in ran.stderr
    assert "Traceback" not in ran.stderr
    report = read_report(root / "target" / "wheels" / "report.json")
    by_status = {cell["id"][:5]: cell["status"] for cell in report["cells"]}
    assert by_status == {"cp311": "failed", "cp312": "built", "cp313": "failed"}
    for cell in report["cells"]:
        if cell["status"] == "failed":
            assert "mismatched types" in cell["details"]
            assert "E0308" in (root / "target" / "wheelmatrix" / cell["log"]).read_text(encoding="utf-8")


def test_the_same_inputs_give_the_same_bytes(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("ffi-only")
    arguments = ("build", "-r", "-i", "3.12", "3.13")
    first = wheelmatrix(*arguments, cwd=root)
    assert first.exit == 0, str(first)
    digests = [cell["wheel"]["sha256"] for cell in read_report(first.wheels[0].parent / "report.json")["cells"]]
    os.utime(root / "src" / "lib.rs")  # compiled again, to the same end
    again = wheelmatrix(*arguments, "--no-reuse", "-o", "elsewhere", cwd=root)
    assert again.exit == 0, str(again)
    report = read_report(root / "elsewhere" / "report.json")
    assert [cell["wheel"]["sha256"] for cell in report["cells"]] == digests
    assert {cell["status"] for cell in report["cells"]} == {"built"}
