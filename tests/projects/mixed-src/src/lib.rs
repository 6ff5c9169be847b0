//! The native half of `mixed_src`.

/// The native half.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    /// Whether the `loud` feature is on.
    #[pymodule_export]
    const LOUD: bool = cfg!(feature = "loud");

    /// Twice `number`.
    #[pyfunction]
    fn double(number: i64) -> i64 {
        number * 2
    }
}
