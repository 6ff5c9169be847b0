//! A module in the style of PyO3 0.16.

#![allow(unexpected_cfgs, non_local_definitions)]

use pyo3::prelude::*;

/// The version of Python it was compiled for, by PyO3's own cfg.
#[pyfunction]
fn compiled_for(py: Python) -> String {
    let info = py.version_info();
    format!("{}.{}", info.major, info.minor)
}

/// A module in the style of PyO3 0.16.
#[pymodule]
fn older_pyo3(_py: Python, m: &PyModule) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(compiled_for, m)?)?;
    Ok(())
}
