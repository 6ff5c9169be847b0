"""Bindings other than pyo3: built, installed and used, each once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.reports import read_report
from support.tools import Ran, find_python, run
from support.wheels import ask, install, look_inside

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="tags and interpreters of Linux"),
]

Project = Callable[..., Path]
Wheelmatrix = Callable[..., Ran]
Venv = Callable[[Path], Path]


def _built(ran: Ran) -> Path:
    assert ran.exit == 0, str(ran)
    (wheel,) = ran.wheels
    return wheel


def _reused(wheelmatrix: Wheelmatrix, root: Path, *arguments: str | Path) -> None:
    """Build again, and see that nothing was made anew."""
    ran = wheelmatrix("build", *arguments, cwd=root)
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
    scripts = [name for name in look_inside(wheel).files if ".data/" in name]
    assert scripts == [f"programs-0.1.0.data/scripts/{name}" for name in ("count-words", "hello-program")]
    assert "manylinux" in _audited(wheelmatrix, wheel)
    python = venv(find_python("3.9"))
    install(python, wheel)
    for program, arguments, said in (("hello-program", [], "Hello from a program\n"), ("count-words", ["a b"], "2\n")):
        assert run([python.parent / program, *arguments], cwd=root, check=True).stdout == said
    assert ask(python, "import programs_lib; print(len(programs_lib.NAMES))") == "2"
    _reused(wheelmatrix, root, "-i", "3.13")


def test_arguments_for_rustc_reach_every_program(project: Project, wheelmatrix: Wheelmatrix) -> None:
    root = project("programs")
    sizes = {}
    for flags in ((), ("--strip",)):
        wheel = _built(wheelmatrix("build", *flags, cwd=root))
        sizes[flags] = {name: size for name, size in _sizes(wheel).items() if ".data/" in name}
    for name, size in sizes["--strip",].items():
        assert size < sizes[()][name] / 2, name


def _sizes(wheel: Path) -> dict[str, int]:
    import zipfile

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
