//! A module that calls what it is linked with.
#![cfg(feature = "module")]

use pyo3_ffi::*;
use std::ptr;

mod calls {
    include!(concat!(env!("OUT_DIR"), "/calls.rs"));
}

static mut METHODS: [PyMethodDef; 2] = [
    PyMethodDef {
        ml_name: c"call".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: call },
        ml_flags: METH_NOARGS,
        ml_doc: c"What each function says, by its name.".as_ptr(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"linked".as_ptr(),
    m_doc: c"A module that calls what it is linked with.".as_ptr(),
    m_size: 0,
    m_methods: (&raw mut METHODS).cast(),
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

unsafe extern "C" fn call(_module: *mut PyObject, _none: *mut PyObject) -> *mut PyObject {
    unsafe {
        let answers = PyDict_New();
        for (name, function) in calls::CALLS {
            let key = PyUnicode_FromStringAndSize(name.as_ptr().cast(), name.len() as Py_ssize_t);
            let value = PyLong_FromLong(function(1).into());
            PyDict_SetItem(answers, key, value);
            Py_DECREF(key);
            Py_DECREF(value);
        }
        answers
    }
}

/// What Python calls to make the module.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_linked() -> *mut PyObject {
    unsafe { PyModuleDef_Init(&raw mut MODULE) }
}
