//! The smallest PyO3 module: one function.

/// Says hello from Rust.
#[pyo3::pymodule]
mod hello_pyo3 {
    use pyo3::prelude::*;

    /// Greets `name`.
    #[pyfunction]
    fn hello(name: &str) -> String {
        format!("Hello, {name}, from Rust!")
    }
}
