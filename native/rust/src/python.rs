//! The Python module: reads arrays in place, releases the GIL, names every error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use numpy::{
    Element, Ix1, Ix2, Ix3, PyArray, PyArray2, PyArrayDescrMethods, PyArrayMethods, PyReadonlyArray,
    PyUntypedArray, PyUntypedArrayMethods, dtype, ndarray::Dimension,
};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::packed::{CodePoints, Malformed, NameIndex};
use crate::screen::screen as screen_names;

pyo3::create_exception!(
    hotpath_rust,
    KernelPanic,
    PyRuntimeError,
    "A kernel panicked: a defect in hotpath_rust, not in its input."
);

/// `owner.field`, borrowed for the call; `owner` is the argument's name.
fn array<'py, T: Element, D: Dimension>(
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
        return Err(PyTypeError::new_err(format!("{}, got {}", expected(), untyped.dtype())));
    }
    let Ok(array) = object.cast::<PyArray<T, D>>() else {
        let got = untyped.ndim();
        return Err(PyValueError::new_err(format!("{}, got {got}-d", expected())));
    };
    if !untyped.is_c_contiguous() || !untyped.is_aligned() {
        return Err(PyValueError::new_err(format!("{}, got a strided or unaligned one", expected())));
    }
    array.try_readonly().map_err(|_| {
        PyValueError::new_err(format!("{owner}.{field}: expected an array that no one writes"))
    })
}

fn value_error(owner: &str) -> impl Fn(Malformed) -> PyErr {
    move |malformed| PyValueError::new_err(format!("{owner}.{malformed}"))
}

/// Runs a kernel without the GIL. A panic becomes an `Exception`: as PyO3's own
/// `PanicException` it would pass by every `except Exception`.
fn run<T: Send>(py: Python, kernel: &str, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    // Unwind safety: what the work had begun is dropped with it.
    py.detach(|| catch_unwind(AssertUnwindSafe(work))).map_err(|panic| {
        KernelPanic::new_err(format!("{kernel}: {}", message(panic.as_ref())))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("panicked")
}

fn zeros<T: Clone + Default>(n: usize) -> PyResult<Vec<T>> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(n).map_err(|e| PyMemoryError::new_err(e.to_string()))?;
    zeros.resize(n, T::default());
    Ok(zeros)
}

type Hits<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f64>>);

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::KernelPanic;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("build_profile", if cfg!(debug_assertions) { "debug" } else { "release" })
    }

    #[pyfunction]
    fn screen<'py>(
        py: Python<'py>,
        queries: &Bound<'py, PyAny>,
        index: &Bound<'py, PyAny>,
        cutoff: f64,
        limit: isize,
    ) -> PyResult<Hits<'py>> {
        if !(0.0..=1.0).contains(&cutoff) {
            return Err(PyValueError::new_err(format!("cutoff: expected 0 to 1, got {cutoff}")));
        }
        if !(1..=1000).contains(&limit) {
            return Err(PyValueError::new_err(format!("limit: expected 1 to 1000, got {limit}")));
        }
        let limit = limit as usize;
        let query_offsets = array::<i32, Ix1>("queries", queries, "offsets")?;
        let query_data = array::<u32, Ix1>("queries", queries, "data")?;
        let offsets = array::<i32, Ix1>("index", index, "offsets")?;
        let data = array::<u32, Ix1>("index", index, "data")?;
        let planes = array::<u64, Ix2>("index", index, "planes")?;
        let plane_starts = array::<i32, Ix1>("index", index, "plane_starts")?;
        let heads = array::<u64, Ix3>("index", index, "heads")?;
        let rows = array::<i32, Ix1>("index", index, "rows")?;

        let queries = CodePoints::new(query_offsets.as_slice()?, query_data.as_slice()?)
            .map_err(value_error("queries"))?;
        let names = CodePoints::new(offsets.as_slice()?, data.as_slice()?)
            .map_err(value_error("index"))?;
        let index = NameIndex::new(
            names,
            planes.as_slice()?,
            plane_starts.as_slice()?,
            heads.as_slice()?,
            rows.as_slice()?,
        )
        .map_err(value_error("index"))?;

        let places = queries.len().saturating_mul(limit);
        let (mut rows, mut scores) = (zeros::<i32>(places)?, zeros::<f64>(places)?);
        run(py, "screen", || {
            screen_names(queries, index, cutoff, limit, &mut rows, &mut scores)
        })?;
        let shape = [queries.len(), limit];
        Ok((
            PyArray::from_vec(py, rows).reshape(shape)?,
            PyArray::from_vec(py, scores).reshape(shape)?,
        ))
    }

    /// For the test that a panic arrives as a KernelPanic.
    #[pyfunction]
    fn _panic(py: Python, message: String) -> PyResult<()> {
        run(py, "_panic", || panic!("{message}"))
    }
}
