"""Names of new projects: each rule, said by the error."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import UsageError
from matrix.scaffolds.kinds import KINDS
from matrix.scaffolds.names import check_name, check_reserved


@pytest.mark.parametrize(
    ("name", "module"), [("demo", "demo"), ("my-lib", "my_lib"), ("A1", "A1"), ("a--b_c", "a__b_c"), ("tests", "tests")]
)
def test_a_good_name_names_project_and_module(name: str, module: str) -> None:
    names = check_name(name, "--name")
    assert (names.project, names.module, names.warnings) == (name, module, ())


@pytest.mark.parametrize(
    ("name", "rule", "hint"),
    [
        ("", "it is empty", "choose another with --name"),
        ("größe", "ASCII alone (PEP 508)", "for example --name gro-e"),
        ("a b", "cargo takes letters, digits, '-' and '_' alone", "for example --name a-b"),
        ("my.lib", "cargo takes letters, digits, '-' and '_' alone", "for example --name my-lib"),
        ("../up", "cargo takes letters, digits, '-' and '_' alone", "for example --name up"),
        ("demo\n", "cargo takes letters, digits, '-' and '_' alone", "for example --name demo"),
        ('x"', "cargo takes letters, digits, '-' and '_' alone", "for example --name x"),
        ("1abc", "cargo takes no digit at the start", "for example --name abc"),
        ("123", "cargo takes no digit at the start", "for example --name my-123"),
        ("_private", "it begins and ends with a letter or digit (PEP 508)", "for example --name private"),
        ("lib-", "it begins and ends with a letter or digit (PEP 508)", "for example --name lib"),
        ("async", "it is a keyword of Rust, which cargo refuses", "for example --name my-async"),
        ("test", "it is Rust's own test library, which cargo refuses", "for example --name my-test"),
        ("...", "cargo takes letters, digits, '-' and '_' alone", "choose another with --name"),
    ],
)
def test_a_bad_name_is_refused_by_its_rule(name: str, rule: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name, "--name")
    assert caught.value.message.endswith(rule)
    assert caught.value.message.startswith(f"{name!r} cannot name a project (--name): ")
    assert caught.value.hint == hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "module", "words"),
    [
        ("class", "class_", "'class' is a keyword of Python, so the module is called 'class_'"),
        ("json", "json", "'json' is a module of Python's standard library"),
        ("proc-macro", "proc_macro", "'proc_macro' is a crate of Rust's standard library"),
        ("nul", "nul", "'nul' is no file name on Windows"),
    ],
)
def test_a_doubtful_name_is_a_warning(name: str, module: str, words: str) -> None:
    names = check_name(name, "--name")
    assert names.module == module
    (warning,) = names.warnings
    assert words in warning


@pytest.mark.parametrize(
    ("name", "bindings", "why"),
    [
        ("src", "pyo3", "the project has a directory 'src'"),
        ("Tests", "bin", "the project has a directory 'tests'"),
        ("PyO3", "pyo3", "its module is made with the crate of that name"),
        ("pytest", "bin", "its builds and tests import the package of that name"),
        ("uniffi_bindgen", "uniffi", "its Python code is made with the crate of that name"),
        ("build", "bin", "cargo has a directory of that name where it puts programs"),
    ],
)
def test_a_name_that_the_project_needs_itself_is_refused(name: str, bindings: str, why: str) -> None:
    with pytest.raises(UsageError, match="cannot name this project") as caught:
        check_reserved(check_name(name, "--name"), KINDS[bindings])
    assert why in caught.value.message
    assert (caught.value.hint or "").startswith("for example --name my-")


def test_a_name_of_other_bindings_is_free() -> None:
    check_reserved(check_name("uniffi", "--name"), KINDS["pyo3"])


@given(st.text(max_size=12))
def test_what_is_accepted_suits_cargo_and_python(name: str) -> None:
    try:
        names = check_name(name, "--name")
    except UsageError as error:
        suggested = re.search(r"--name ([\w-]+)$", error.hint or "")
        if suggested and suggested[1] != name:
            check_name(suggested[1], "--name")
        return
    assert re.fullmatch(r"[A-Za-z]([A-Za-z0-9_-]*[A-Za-z0-9])?", name)
    assert names.module.isidentifier()
