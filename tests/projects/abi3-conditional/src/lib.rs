//! One binary for many interpreters.

/// One binary for many interpreters.
#[pyo3::pymodule]
mod abi3_conditional {
    use pyo3::prelude::*;

    /// Where the module was compiled for: always the stable ABI.
    #[pyfunction]
    fn add(left: u64, right: u64) -> u64 {
        left + right
    }
}
