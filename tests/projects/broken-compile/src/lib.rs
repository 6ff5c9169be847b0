//! Does not compile, unless it is mended by a feature.

/// A type error.
#[cfg(not(feature = "mended"))]
#[no_mangle]
pub extern "C" fn wrong() -> u32 {
    "not a number"
}

/// What Python looks for; it makes nothing.
#[cfg(feature = "mended")]
#[no_mangle]
pub extern "C" fn PyInit_broken_compile() -> *mut pyo3_ffi::PyObject {
    std::ptr::null_mut()
}
