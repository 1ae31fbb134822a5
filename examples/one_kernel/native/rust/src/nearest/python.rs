//! `nearest` for Python.

use numpy::{Ix2, PyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::boundary::{array_of, check_shape, run, zeros};
use crate::python::threads;

type Found<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<f64>>);

#[pyfunction]
pub fn nearest<'py>(
    py: Python<'py>,
    points: &Bound<'py, PyAny>,
    places: &Bound<'py, PyAny>,
) -> PyResult<Found<'py>> {
    let (points, places) = (vectors("points", points)?, vectors("places", places)?);
    let (points, _) = points.as_slice()?.as_chunks();
    let (places, _) = places.as_slice()?.as_chunks();
    let mut rows = zeros::<i32>(points.len())?;
    let mut squares = zeros::<f64>(points.len())?;
    let threads = threads();
    run(py, "nearest", || {
        super::nearest(points, places, threads, &mut rows, &mut squares)
    })?;
    Ok((
        PyArray1::from_vec(py, rows),
        PyArray1::from_vec(py, squares),
    ))
}

/// The array, if it is float64[n, 3].
fn vectors<'py>(name: &str, array: &Bound<'py, PyAny>) -> PyResult<PyReadonlyArray2<'py, f64>> {
    let array = array_of::<f64, Ix2>(array, || name.into())?;
    check_shape(name, &array, &[array.shape()[0], 3])?;
    Ok(array)
}
