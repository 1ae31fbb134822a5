//! The boundary to Python: arrays read in place, the GIL released, every error named.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use numpy::ndarray::Dimension;
use numpy::{
    Element, PyArray, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray, PyUntypedArray,
    PyUntypedArrayMethods, dtype,
};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::packed::Malformed;

pyo3::create_exception!(
    hotpath_rust,
    KernelPanic,
    PyRuntimeError,
    "A kernel panicked: a defect in hotpath_rust, not in its input."
);

/// `owner.field`, borrowed for the call; `owner` is the argument's name.
pub fn array<'py, T: Element, D: Dimension>(
    owner: &str,
    object: &Bound<'py, PyAny>,
    field: &str,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    let object = object.getattr(field)?;
    let py = object.py();
    let dimensions = D::NDIM.unwrap_or(1);
    let expected = || {
        let element = dtype::<T>(py);
        format!("{owner}.{field}: expected a C-contiguous {dimensions}-d {element} array")
    };
    let Ok(untyped) = object.cast::<PyUntypedArray>() else {
        let got = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!("{}, got {got}", expected())));
    };
    if !untyped.dtype().is_equiv_to(&dtype::<T>(py)) {
        return Err(PyTypeError::new_err(format!(
            "{}, got {}",
            expected(),
            untyped.dtype()
        )));
    }
    let Ok(array) = object.cast::<PyArray<T, D>>() else {
        let got = untyped.ndim();
        return Err(PyValueError::new_err(format!(
            "{}, got {got}-d",
            expected()
        )));
    };
    if !untyped.is_c_contiguous() || !untyped.is_aligned() {
        return Err(PyValueError::new_err(format!(
            "{}, got a strided or unaligned one",
            expected()
        )));
    }
    array.try_readonly().map_err(|_| {
        PyValueError::new_err(format!(
            "{owner}.{field}: expected an array that no one writes"
        ))
    })
}

pub fn check_shape<T: Element, D: Dimension>(
    name: &str,
    array: &PyReadonlyArray<T, D>,
    expected: &[usize],
) -> PyResult<()> {
    if array.shape() == expected {
        return Ok(());
    }
    let got = array.shape();
    Err(PyValueError::new_err(format!(
        "{name}: expected shape {expected:?}, got {got:?}"
    )))
}

pub fn value_error(owner: &str) -> impl Fn(Malformed) -> PyErr {
    move |malformed| PyValueError::new_err(format!("{owner}.{malformed}"))
}

/// Runs a kernel without the GIL. A panic becomes an `Exception`: as PyO3's own
/// `PanicException` it would pass by every `except Exception`.
pub fn run<T: Send>(py: Python, kernel: &str, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    // Unwind safety: what the work had begun is dropped with it.
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .map_err(|panic| KernelPanic::new_err(format!("{kernel}: {}", message(panic.as_ref()))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panicked")
}

pub fn zeros<T: Clone + Default>(n: usize) -> PyResult<Vec<T>> {
    let mut zeros = Vec::new();
    zeros
        .try_reserve_exact(n)
        .map_err(|e| PyMemoryError::new_err(e.to_string()))?;
    zeros.resize(n, T::default());
    Ok(zeros)
}
