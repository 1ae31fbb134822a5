//! `screen` for Python.

use numpy::{Ix1, Ix2, Ix3, PyArray, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::index::{BINS, NameIndex, words_for};
use crate::boundary::{CodePointArrays, array, check_shape, run, value_error, zeros};
use crate::python::threads;

type Hits<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f64>>);

#[pyfunction]
pub fn screen<'py>(
    py: Python<'py>,
    queries: &Bound<'py, PyAny>,
    index: &Bound<'py, PyAny>,
    cutoff: f64,
    limit: isize,
) -> PyResult<Hits<'py>> {
    if !(0.0..=1.0).contains(&cutoff) {
        return Err(PyValueError::new_err(format!(
            "cutoff: expected 0 to 1, got {cutoff}"
        )));
    }
    if !(1..=1000).contains(&limit) {
        return Err(PyValueError::new_err(format!(
            "limit: expected 1 to 1000, got {limit}"
        )));
    }
    let limit = limit as usize;
    let queries = CodePointArrays::new("queries", queries)?;
    let names = CodePointArrays::new("index", index)?;
    let planes = array::<u64, Ix2>("index", index, "planes")?;
    let plane_starts = array::<i32, Ix1>("index", index, "plane_starts")?;
    let heads = array::<u64, Ix3>("index", index, "heads")?;
    let rows = array::<i32, Ix1>("index", index, "rows")?;

    let queries = queries.view()?;
    let words = words_for(rows.len());
    check_shape("index.planes", &planes, &[planes.shape()[0], words])?;
    check_shape("index.heads", &heads, &[2, BINS, words])?;
    let index = NameIndex::new(
        names.view()?,
        planes.as_slice()?,
        plane_starts.as_slice()?,
        heads.as_slice()?,
        rows.as_slice()?,
    )
    .map_err(value_error("index"))?;

    let places = queries.len().saturating_mul(limit);
    let (mut rows, mut scores) = (zeros::<i32>(places)?, zeros::<f64>(places)?);
    let threads = threads();
    run(py, "screen", || {
        super::screen(
            queries,
            index,
            cutoff,
            limit,
            threads,
            &mut rows,
            &mut scores,
        )
    })?;
    let shape = [queries.len(), limit];
    Ok((
        PyArray::from_vec(py, rows).reshape(shape)?,
        PyArray::from_vec(py, scores).reshape(shape)?,
    ))
}
