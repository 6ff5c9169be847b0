//! A module that needs a library of the system.

use pyo3_ffi::*;
use std::ffi::c_char;
use std::ptr;

extern "C" {
    fn BZ2_bzlibVersion() -> *const c_char;
}

static mut METHODS: [PyMethodDef; 2] = [
    PyMethodDef {
        ml_name: c"version".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: version },
        ml_flags: METH_NOARGS,
        ml_doc: c"The version of libbz2.".as_ptr(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"external_lib".as_ptr(),
    m_doc: c"A module that needs a library of the system.".as_ptr(),
    m_size: 0,
    m_methods: (&raw mut METHODS).cast(),
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

unsafe extern "C" fn version(_module: *mut PyObject, _none: *mut PyObject) -> *mut PyObject {
    unsafe { PyUnicode_FromString(BZ2_bzlibVersion()) }
}

/// What Python calls to make the module.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_external_lib() -> *mut PyObject {
    unsafe { PyModuleDef_Init(&raw mut MODULE) }
}
