"""The names of Python's C API are read from the source of pyo3-ffi, and become a module-definition file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.errors import ConfigError
from matrix.project.python_symbols import Symbol, definition, parse_symbols, read_symbols

SOURCE = """
use std::os::raw::c_int;
//! extern "C" { pub fn PyInComment_Function(); }
const WORDS: &str = r#"extern "C" { pub fn PyInString_Function(); } } {"#;

#[cfg_attr(windows, link(name = "pythonXY"))]
extern "C" {
    /// Does things; see {link}.
    #[cfg_attr(PyPy, link_name = "PyPyObject_Call")]
    #[cfg_attr(Py_3_9, deprecated(since = "0.2.0", note = "use [`that`] } instead"))]
    pub fn PyObject_Call(callable: *mut PyObject, args: *mut PyObject) -> *mut PyObject;
    #[cfg_attr(any(PyPy, GraalPy), link_name = "_PyPyTuple_Resize")]
    pub fn _PyTuple_Resize(arg1: *mut *mut PyObject) -> c_int;
    #[cfg_attr(GraalPy, link_name = "PyList_GetItem")]
    pub fn PyList_GET_ITEM(arg1: *mut PyObject) -> *mut PyObject;
    #[cfg_attr(PyPy, link_name = "PyPyBaseObject_Type")]
    pub static mut PyBaseObject_Type: PyTypeObject;
    pub static PyExc_Anything: *mut PyObject;
    fn strlen(text: *const u8) -> usize;
}

extern "C-unwind" {
    #[link_name = "PyPyIndex_Check"]
    pub fn PyIndex_Check(o: *mut PyObject) -> c_int;
}

pub unsafe extern "C" fn PyNot_External(o: *mut PyObject) -> c_int {
    PyObject_Call(o, o); 0
}
pub static mut PyNot_Data: c_int = 0;
"""


def test_what_extern_blocks_declare() -> None:
    assert sorted(parse_symbols(SOURCE)) == [
        Symbol("PyBaseObject_Type", "PyPyBaseObject_Type", data=True),
        Symbol("PyExc_Anything", "PyExc_Anything", data=True),
        Symbol("PyList_GET_ITEM", "PyList_GET_ITEM"),
        Symbol("PyObject_Call", "PyPyObject_Call"),
        Symbol("PyPyIndex_Check", "PyPyIndex_Check"),
        Symbol("_PyTuple_Resize", "_PyPyTuple_Resize"),
    ]


def test_a_definition_marks_variables() -> None:
    symbols = [Symbol("PyObject_Call", "PyPyObject_Call"), Symbol("PyBool_Type", "PyPyBool_Type", data=True)]
    assert definition("python312.dll", symbols) == ("LIBRARY python312.dll\nEXPORTS\nPyBool_Type DATA\nPyObject_Call\n")
    assert "\nPyPyBool_Type DATA\nPyPyObject_Call\n" in definition("libpypy3.11-c.dll", symbols)


def test_a_crate_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "src" / "cpython").mkdir(parents=True)
    (tmp_path / "src" / "object.rs").write_text('extern "C" { pub fn PyObject_Call(); }')
    (tmp_path / "src" / "cpython" / "code.rs").write_text(
        'extern "C" { pub fn PyObject_Call(); pub static PyCode_Type: T; }'
    )
    found = read_symbols(tmp_path)
    assert [symbol.name for symbol in found] == ["PyCode_Type", "PyObject_Call"]


def test_a_crate_that_says_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="declares nothing of Python's C API") as caught:
        read_symbols(tmp_path)
    assert "PYO3_CROSS_LIB_DIR" in (caught.value.hint or "")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_symbols(tmp_path)


@given(st.text(alphabet='extrnCPy_fubsaic"{}[]()#/*;: \n\\'), st.text())
def test_any_source_is_read(around: str, after: str) -> None:
    for text in (around, f'extern "C" {{ {around} pub fn PyObject_Call(); }}{after}'):
        assert all(symbol.name.lstrip("_").startswith("Py") for symbol in parse_symbols(text))


@given(st.lists(st.from_regex(r"_?Py[A-Za-z_]{1,12}", fullmatch=True), unique=True), st.booleans())
def test_what_is_declared_is_found(names: list[str], data: bool) -> None:
    items = "".join(f"pub static mut {n}: T;\n" if data else f"pub fn {n}(a: *mut T) -> T;\n" for n in names)
    found = list(parse_symbols(f'extern "C" {{ {items} }}'))
    assert found == [Symbol(name, name, data) for name in names]
