//! A function in C, and what the target is like, for Python.

/// What the C library computes.
#[pyo3::pymodule]
mod c_cross {
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;
    use std::ffi::c_int;

    extern "C" {
        fn scale(numbers: *const c_int, count: c_int, factor: c_int) -> c_int;
    }

    /// The sum of the numbers, each times the factor, computed in C.
    #[pyfunction]
    fn scaled(numbers: Vec<c_int>, factor: c_int) -> PyResult<c_int> {
        let count = c_int::try_from(numbers.len())?;
        if count == 0 {
            return Err(PyValueError::new_err("no numbers"));
        }
        Ok(unsafe { scale(numbers.as_ptr(), count, factor) })
    }

    /// Processor, system and bits that the module was compiled for.
    #[pyfunction]
    fn compiled_for() -> (&'static str, &'static str, u32) {
        (std::env::consts::ARCH, std::env::consts::OS, usize::BITS)
    }
}
