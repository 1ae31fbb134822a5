//! `screen` for Python.

use numpy::{
    Ix1, Ix2, Ix3, PyArray, PyArray2, PyArrayMethods, PyReadonlyArray, PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::index::{BINS, words_for};
use super::{Folding, Limits, NameIndex};
use crate::boundary::{
    BlobArrays, CodePointArrays, PackedArrays, answered, array, check_shape, run, value_error,
    zeros,
};
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
    let index = IndexArrays::new(index)?;

    let queries = queries.view()?;
    let index = index.view()?;

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

#[pyfunction]
#[allow(clippy::too_many_arguments)] // as the contract has it
pub fn answer_matches<'py>(
    py: Python<'py>,
    body: &Bound<'py, PyBytes>,
    within_s: f64,
    folding: &Bound<'py, PyAny>,
    index: &Bound<'py, PyAny>,
    rows: &Bound<'py, PyAny>,
    max_names: usize,
    max_name_chars: usize,
    max_limit: usize,
    cutoff: f64,
    limit: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let folding = FoldingArrays::new(folding)?;
    let index = IndexArrays::new(index)?;
    let rows = BlobArrays::new("rows", rows)?;
    let (body, folding, index, rows) = (
        body.as_bytes(),
        folding.view()?,
        index.view()?,
        rows.view()?,
    );
    if rows.len() != index.names.len() {
        return Err(PyValueError::new_err(format!(
            "rows: expected one for each of {} names, got {}",
            index.names.len(),
            rows.len()
        )));
    }
    let limits = Limits {
        names: max_names,
        name_chars: max_name_chars,
        hits: max_limit,
        cutoff,
        limit,
    };
    let threads = threads();
    let answer = run(py, "answer_matches", || {
        super::answer(body, within_s, folding, index, rows, limits, threads)
    })?;
    Ok(answered(py, answer))
}

/// `NameIndex` of the contract, borrowed for the call.
struct IndexArrays<'py> {
    names: CodePointArrays<'py>,
    planes: PyReadonlyArray<'py, u64, Ix2>,
    plane_starts: PyReadonlyArray<'py, i32, Ix1>,
    heads: PyReadonlyArray<'py, u64, Ix3>,
    rows: PyReadonlyArray<'py, i32, Ix1>,
}

impl<'py> IndexArrays<'py> {
    fn new(index: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            names: CodePointArrays::new("index", index)?,
            planes: array("index", index, "planes")?,
            plane_starts: array("index", index, "plane_starts")?,
            heads: array("index", index, "heads")?,
            rows: array("index", index, "rows")?,
        })
    }

    fn view(&self) -> PyResult<NameIndex<'_>> {
        let words = words_for(self.rows.len());
        check_shape(
            "index.planes",
            &self.planes,
            &[self.planes.shape()[0], words],
        )?;
        check_shape("index.heads", &self.heads, &[2, BINS, words])?;
        NameIndex::new(
            self.names.view()?,
            self.planes.as_slice()?,
            self.plane_starts.as_slice()?,
            self.heads.as_slice()?,
            self.rows.as_slice()?,
        )
        .map_err(value_error("index"))
    }
}

/// `FoldingTables` of the contract, borrowed for the call.
struct FoldingArrays<'py> {
    pages: PyReadonlyArray<'py, u16, Ix1>,
    becomes: PyReadonlyArray<'py, i32, Ix2>,
    sequences: PackedArrays<'py, i32>,
}

impl<'py> FoldingArrays<'py> {
    fn new(folding: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            pages: array("folding", folding, "pages")?,
            becomes: array("folding", folding, "becomes")?,
            sequences: PackedArrays::new("folding", folding)?,
        })
    }

    fn view(&self) -> PyResult<Folding<'_>> {
        Folding::new(
            self.pages.as_slice()?,
            self.becomes.as_slice()?,
            self.sequences.view()?,
        )
        .map_err(value_error("folding"))
    }
}
