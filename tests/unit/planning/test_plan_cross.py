"""What the user's own files say of a foreign Python wins over the tables, or is a clear error."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace
from support.planning import EveryDriver, made_up_facts, made_up_project

from matrix.errors import ConfigError
from matrix.model import Interpreter, Plan
from matrix.planning import Request, make_plan
from matrix.platforms import known_interpreter, parse_target
from matrix.platforms.cross_files import CrossFiles, CrossPython

ARM = "aarch64-unknown-linux-gnu"
INTEL = "x86_64-unknown-linux-gnu"
WINDOWS = "x86_64-pc-windows-gnu"
HERE = "/sysroot/lib"


def described(word: str = "3.11", triple: str = ARM, file: str = "", **changes: Any) -> CrossPython:
    target = parse_target(triple)
    version = tuple(map(int, word.rstrip("t").split(".")))
    assert len(version) == 2
    known = known_interpreter("cpython", version, target, threaded=word.endswith("t"))
    name = file or f"python{word}/_sysconfigdata__{target.arch}-linux-gnu.py"
    return CrossPython(
        file=name, interpreter=replace(known, **changes), system=target.os, arches=(target.arch,), libc=target.libc
    )


def planned(
    *pythons: CrossPython,
    words: str = "3.11",
    target: str = ARM,
    environ: dict[str, str] | None = None,
    matrix: dict[str, Any] | None = None,
    files: CrossFiles | None = None,
    **more: Any,
) -> Plan:
    facts = made_up_facts(
        "3.12",
        drivers=[EveryDriver()],
        environ={"PYO3_CROSS_LIB_DIR": HERE} if environ is None else environ,
        cross={HERE: files or CrossFiles(directory=HERE, pythons=pythons)},
    )
    request = Request(interpreters=tuple(words.split()) if words else None, targets=(target,))
    return make_plan(made_up_project(matrix=matrix, **more), request, facts)


def python_of(plan: Plan) -> Interpreter:
    (cell,) = plan.cells
    assert cell.interpreter is not None
    return cell.interpreter


def test_the_files_win_over_the_table() -> None:
    own = described(ext_suffix=".cpython-311-aarch64-linux-custom.so", shared=False)
    plan = planned(own)
    assert python_of(plan) == own.interpreter
    assert plan.builds[0].interpreter == own.interpreter
    assert "lib_dir" not in (plan.builds[0].pyo3_config or "")  # modules there link no libpython


def test_the_hosts_own_target_and_other_bindings_are_left_alone() -> None:
    assert python_of(planned(described(), words="3.12", target=INTEL)).runnable
    plain = planned(described(ext_suffix=".so"), environ={})
    assert python_of(plain) == known_interpreter("cpython", (3, 11), parse_target(ARM))


def test_a_row_can_name_the_directory_for_its_cells() -> None:
    own = described(ext_suffix=".cpython-311-own.so")
    matrix = {"overrides": [{"select": {"target": ARM}, "env": {"PYO3_CROSS_LIB_DIR": HERE}}]}
    assert python_of(planned(own, environ={}, matrix=matrix)) == own.interpreter
    message = r"PYO3_CROSS_LIB_DIR \(.*overrides\[0\]\.env\): .* is about cp310, and cp311 is asked for"
    with pytest.raises(ConfigError, match=message):
        planned(described("3.10"), environ={}, matrix=matrix)


def test_without_a_word_the_files_say_which_python_it_is() -> None:
    assert python_of(planned(described("3.10"), words="")).id == "cp310"
    version = {"PYO3_CROSS_PYTHON_VERSION": "3.13"}
    assert python_of(planned(words="", environ=version)) == known_interpreter("cpython", (3, 13), parse_target(ARM))
    threaded = {"PYO3_CROSS_PYTHON_VERSION": "3.14t"}
    assert python_of(planned(words="", environ=threaded)).id == "cp314t"
    pypy = {"PYO3_CROSS_PYTHON_VERSION": "3.11", "PYO3_CROSS_PYTHON_IMPLEMENTATION": "PyPy"}
    assert python_of(planned(words="", environ=pypy)).id == "pp311"
    assert python_of(planned(words="3.10", environ=pypy)).id == "cp310"  # a word says more than a variable


def test_one_of_several_is_chosen_by_word_version_name_and_target() -> None:
    several = (described("3.10"), described("3.11"), described("3.11", INTEL))
    assert python_of(planned(*several)) == several[1].interpreter
    both = planned(*several, words="3.10 3.11")
    assert [cell.interpreter for cell in both.cells] == [several[0].interpreter, several[1].interpreter]
    version = {"PYO3_CROSS_LIB_DIR": HERE, "PYO3_CROSS_PYTHON_VERSION": "3.10"}
    assert python_of(planned(*several, words="", environ=version)).id == "cp310"
    twins = (described(file="a.py", ext_suffix=".cpython-311-a.so"), described(file="b.py"))
    with pytest.raises(ConfigError, match=r"describes several Pythons: a\.py, b\.py") as caught:
        planned(*twins)
    assert "_PYTHON_SYSCONFIGDATA_NAME" in (caught.value.hint or "")
    named = {"PYO3_CROSS_LIB_DIR": HERE, "_PYTHON_SYSCONFIGDATA_NAME": "b"}
    assert python_of(planned(*twins, environ=named)) == twins[1].interpreter


def test_files_that_say_the_same_are_one() -> None:
    details = described("3.14", file="python3.14/build-details.json", full_version="3.14.2")
    plan = planned(described("3.14"), details, described("3.14", file="link.py"), words="3.14")
    assert python_of(plan).full_version == "3.14.2"  # the one that says more


def test_a_specifier_means_what_the_files_are_about() -> None:
    plan = planned(described("3.11"), words=">=3.10")
    assert [cell.id for cell in plan.cells] == [f"cp311-{ARM}"]
    assert not plan.left_out


def test_libraries_to_link_come_from_the_directory() -> None:
    plan = planned(words="3.12", target=WINDOWS, pyo3="0.27.2")  # import libraries need no other file
    assert f"lib_dir={HERE}\n" in (plan.builds[0].pyo3_config or "")
    assert plan.builds[0].import_libraries == ()
    made = planned(words="3.12", target=WINDOWS, pyo3="0.27.2", environ={})
    assert made.builds[0].import_libraries == ("python312",)
    assert python_of(plan) == known_interpreter("cpython", (3, 12), parse_target(WINDOWS))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (CrossFiles(directory=HERE, missing="there is no such directory"), "there is no such directory"),
        (CrossFiles(directory=HERE), "holds no _sysconfigdata*.py or build-details.json to read"),
        (CrossFiles(directory=HERE, faults=("a.py: is computed",)), "to read; a.py: is computed"),
        (CrossFiles(directory=HERE, pythons=(described("3.11", INTEL),)), "is about x86_64 linux gnu, and the target"),
        (CrossFiles(directory=HERE, pythons=(described("3.13t"),)), "is about cp313t, and cp311"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(files: CrossFiles, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^PYO3_CROSS_LIB_DIR \(environment\): .*{re.escape(message)}") as caught:
        planned(files=files)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PYO3_CROSS_PYTHON_VERSION", "3"), ("PYO3_CROSS_PYTHON_IMPLEMENTATION", "Jython")],
)
def test_variables_that_mean_nothing(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{variable} is '{value}'"):
        planned(words="", environ={variable: value})
    narrowed = {"PYO3_CROSS_LIB_DIR": HERE, "PYO3_CROSS_PYTHON_VERSION": "3.9"}
    with pytest.raises(ConfigError, match=r"holds no Python that PYO3_CROSS_PYTHON_VERSION=3\.9 means"):
        planned(described(), environ=narrowed)
