//! Hands on what the C library computes, and how many jobs make ran at a time.

use pyo3_ffi::*;
use std::ffi::{c_int, c_long};
use std::ptr;

extern "C" {
    fn part_one() -> c_int;
    fn part_two() -> c_int;
    fn part_three() -> c_int;
    fn part_four() -> c_int;
    fn part_five() -> c_int;
    fn part_six() -> c_int;
}

static mut METHODS: [PyMethodDef; 3] = [
    PyMethodDef {
        ml_name: c"total".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: total },
        ml_flags: METH_NOARGS,
        ml_doc: c"The sum of the parts.".as_ptr(),
    },
    PyMethodDef {
        ml_name: c"most_jobs".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: most_jobs },
        ml_flags: METH_NOARGS,
        ml_doc: c"How many jobs make ran at a time.".as_ptr(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"c_make".as_ptr(),
    m_doc: c"What the C library computes.".as_ptr(),
    m_size: 0,
    m_methods: (&raw mut METHODS).cast(),
    m_slots: ptr::null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

unsafe extern "C" fn total(_module: *mut PyObject, _none: *mut PyObject) -> *mut PyObject {
    let sum = unsafe { part_one() + part_two() + part_three() + part_four() + part_five() + part_six() };
    unsafe { PyLong_FromLong(c_long::from(sum)) }
}

unsafe extern "C" fn most_jobs(_module: *mut PyObject, _none: *mut PyObject) -> *mut PyObject {
    unsafe { PyLong_FromLong(env!("MOST_JOBS").parse().unwrap()) }
}

/// What Python calls to make the module.
#[allow(non_snake_case)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_c_make() -> *mut PyObject {
    unsafe { PyModuleDef_Init(&raw mut MODULE) }
}
