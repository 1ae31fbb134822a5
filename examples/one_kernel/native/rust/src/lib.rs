//! The kernels: pure functions on slices, a folder for each, and the Python module that has
//! them. What knows of Python is called `python` everywhere, and `boundary`.

#[cfg(feature = "python")]
mod boundary;
pub mod json;
pub mod packed;
#[cfg(feature = "python")]
mod python;
pub mod share;
#[cfg(test)]
mod testing;

pub mod nearest;

#[cfg(feature = "python")]
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::boundary::KernelPanic;
    #[pymodule_export]
    use crate::python::{_panic, use_threads};

    #[pymodule_export]
    use crate::nearest::python::nearest;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::python::describe(module)
    }
}
