//! A module that describes itself: functions, classes, an enum and a module in it, for type stubs.

/// What there is to describe.
#[pyo3::pymodule]
mod described {
    use pyo3::prelude::*;

    #[pymodule_export]
    const ANSWER: u32 = 42;

    #[pymodule_export]
    pub const NAME: &str = "FOO";

    /// Greets `name`.
    #[pyfunction]
    fn hello(name: &str) -> String {
        format!("Hello, {name}, from Rust!")
    }

    #[pyfunction]
    #[pyo3(signature = (a, /, b: "list[int]", c=5, *args, d=None, **kw))]
    fn many<'py>(
        a: i64,
        b: Bound<'py, PyAny>,
        c: i32,
        args: &Bound<'py, pyo3::types::PyTuple>,
        d: Option<Vec<f64>>,
        kw: Option<&Bound<'py, pyo3::types::PyDict>>,
    ) -> Option<std::collections::HashMap<String, Vec<i64>>> {
        let _ = (a, b, c, args, d, kw);
        None
    }

    #[pyfunction]
    fn path(p: std::path::PathBuf) -> PyResult<(i32, String)> {
        let _ = p;
        Ok((1, String::new()))
    }

    /// A point.
    ///
    /// With coordinates.
    #[pyclass(eq, frozen)]
    #[derive(PartialEq)]
    struct Point {
        x: i64,
    }

    #[pymethods]
    impl Point {
        #[new]
        #[pyo3(signature = (x=0))]
        fn new(x: i64) -> Self {
            Self { x }
        }
        /// The x.
        #[getter]
        fn x(&self) -> i64 {
            self.x
        }
        #[staticmethod]
        fn origin() -> Self {
            Self { x: 0 }
        }
        #[classmethod]
        fn named(cls: &Bound<'_, pyo3::types::PyType>) -> Self {
            let _ = cls;
            Self { x: 0 }
        }
        fn __len__(&self) -> usize {
            0
        }
        fn shift(&self, by: i64) -> Point {
            Point { x: self.x + by }
        }
        #[classattr]
        const SIZE: usize = 1;
    }

    #[pyclass(subclass)]
    struct Base {}
    #[pymethods]
    impl Base {
        #[new]
        fn new() -> Self {
            Base {}
        }
    }

    #[pyclass(extends = Base)]
    struct Child {
        #[pyo3(get, set)]
        value: f32,
    }

    #[pymethods]
    impl Child {
        #[new]
        fn new() -> PyClassInitializer<Self> {
            PyClassInitializer::from(Base {}).add_subclass(Child { value: 1.0 })
        }
    }

    #[pyclass(eq)]
    #[derive(PartialEq, Clone)]
    enum Kind {
        Small,
        Large,
    }

    #[pyclass]
    enum Shape {
        Circle { r: f64 },
        Nothing(),
    }

    #[pymodule]
    mod sub {
        use pyo3::prelude::*;
        #[pyfunction]
        fn inner(k: super::PyRef0<'_>) -> bool {
            let _ = k;
            true
        }
    }
    type PyRef0<'a> = PyRef<'a, Point>;
}
