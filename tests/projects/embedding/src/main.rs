use pyo3::prelude::*;

fn main() -> PyResult<()> {
    Python::attach(|py| {
        let version = py.version_info();
        println!("{}.{}", version.major, version.minor);
        Ok(())
    })
}
