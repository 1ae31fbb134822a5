//! The Python module: one thin wrapper for each kernel.

use numpy::{Ix1, Ix2, Ix3, PyArray, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::boundary::{KernelPanic, array, check_shape, run, value_error, zeros};
use crate::packed::{CodePoints, NameIndex};
use crate::planes::{BINS, words_for};
use crate::screen::screen as screen_names;

type Hits<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f64>>);

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::KernelPanic;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add(
            "build_profile",
            if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        )
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
        let words = words_for(rows.len());
        check_shape("index.planes", &planes, &[planes.shape()[0], words])?;
        check_shape("index.heads", &heads, &[2, BINS, words])?;
        let names =
            CodePoints::new(offsets.as_slice()?, data.as_slice()?).map_err(value_error("index"))?;
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
