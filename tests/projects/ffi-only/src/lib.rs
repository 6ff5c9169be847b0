//! A module written against the C API itself.

use pyo3_ffi::*;
use std::ptr;

static mut METHODS: [PyMethodDef; 2] = [
    PyMethodDef {
        ml_name: c"answer".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: answer },
        ml_flags: METH_NOARGS,
        ml_doc: c"The answer.".as_ptr(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"ffi_only".as_ptr(),
    m_doc: c"A module written against the C API itself.".as_ptr(),
    m_size: 0,
    m_methods: (&raw mut METHODS).cast(),
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

unsafe extern "C" fn answer(_module: *mut PyObject, _none: *mut PyObject) -> *mut PyObject {
    unsafe { PyLong_FromLong(42) }
}

/// What Python calls to make the module.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_ffi_only() -> *mut PyObject {
    unsafe { PyModuleDef_Init(&raw mut MODULE) }
}
