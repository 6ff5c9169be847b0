use cpython::{py_fn, py_module_initializer, PyResult, Python};

py_module_initializer!(rust_cpython_module, |py, m| {
    m.add(py, "compiled_for", py_fn!(py, compiled_for()))?;
    Ok(())
});

fn compiled_for(_py: Python) -> PyResult<String> {
    Ok(env!("CARGO_PKG_VERSION").to_string())
}
