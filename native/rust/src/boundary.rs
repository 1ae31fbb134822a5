//! The boundary to Python: arrays read in place, the GIL released, every error named.

#![allow(dead_code)] // Any one set of kernels needs a part of these.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use numpy::ndarray::Dimension;
use numpy::{
    Element, Ix1, PyArray, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray, PyUntypedArray,
    PyUntypedArrayMethods, dtype,
};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt};

use crate::json::Answer;
use crate::packed::{Malformed, Packed};

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
    array_of(&attribute(owner, object, field)?, || {
        format!("{owner}.{field}")
    })
}

/// `owner.field`.
pub fn attribute<'py>(
    owner: &str,
    object: &Bound<'py, PyAny>,
    field: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let Ok(found) = object.getattr(field) else {
        let got = object.get_type().name()?;
        return Err(PyTypeError::new_err(format!(
            "{owner}: expected an object with {field}, got {got}"
        )));
    };
    Ok(found)
}

/// The array itself, borrowed for the call; `name` is for errors.
pub fn array_of<'py, T: Element, D: Dimension>(
    object: &Bound<'py, PyAny>,
    name: impl Fn() -> String,
) -> PyResult<PyReadonlyArray<'py, T, D>> {
    let py = object.py();
    let dimensions = D::NDIM.unwrap_or(1);
    let expected = || {
        let element = dtype::<T>(py);
        let name = name();
        format!("{name}: expected a C-contiguous {dimensions}-d {element} array")
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
        PyValueError::new_err(format!("{}: expected an array that no one writes", name()))
    })
}

/// Packed items, borrowed for the call.
pub struct PackedArrays<'py, T: Element> {
    owner: &'static str,
    offsets: PyReadonlyArray<'py, i32, Ix1>,
    data: PyReadonlyArray<'py, T, Ix1>,
}

pub type CodePointArrays<'py> = PackedArrays<'py, u32>;
pub type BlobArrays<'py> = PackedArrays<'py, u8>;

impl<'py, T: Element> PackedArrays<'py, T> {
    pub fn new(owner: &'static str, object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            owner,
            offsets: array(owner, object, "offsets")?,
            data: array(owner, object, "data")?,
        })
    }

    pub fn view(&self) -> PyResult<Packed<'_, T>> {
        Packed::new(self.offsets.as_slice()?, self.data.as_slice()?)
            .map_err(value_error(self.owner))
    }
}

/// An argument that is an integer from 0 to 2^31 - 1.
pub fn natural(name: &str, object: &Bound<'_, PyAny>) -> PyResult<usize> {
    let expected = format!("{name}: expected an int from 0 to {}", i32::MAX);
    match object.cast::<PyInt>() {
        Ok(int) => match int.extract::<i32>() {
            Ok(value) if value >= 0 => Ok(value as usize),
            _ => Err(PyValueError::new_err(format!("{expected}, got {int}"))),
        },
        Err(_) => {
            let got = object.get_type().name()?;
            Err(PyTypeError::new_err(format!("{expected}, got {got}")))
        }
    }
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

/// As `FromBody` of the service has it: bytes, the seconds expected, or None.
pub fn answered<'py>(py: Python<'py>, answer: Option<Answer>) -> Option<Bound<'py, PyAny>> {
    answer.map(|answer| match answer {
        Answer::Body(body) => PyBytes::new(py, &body).into_any(),
        Answer::Heavy(seconds) => PyFloat::new(py, seconds).into_any(),
    })
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
