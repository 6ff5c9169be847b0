//! Python's door to the workspace.

/// Python's door to the workspace.
#[pyo3::pymodule]
mod workspace_demo {
    use pyo3::prelude::*;

    /// The sum of the squares below `limit`.
    #[pyfunction]
    fn squares(limit: u64) -> u64 {
        workspace_core::squares(limit)
    }
}
