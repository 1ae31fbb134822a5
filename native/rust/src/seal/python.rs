//! `seal` and `prove` for Python.

use numpy::Ix1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::boundary::{BlobArrays, answered, array_of, run};
use crate::python::threads;

#[pyfunction]
pub fn seal<'py>(py: Python<'py>, records: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let records = BlobArrays::new("records", records)?;
    let (records, threads) = (records.view()?, threads());
    let root = run(py, "seal", || super::seal(records, threads))?;
    Ok(PyBytes::new(py, &root))
}

#[pyfunction]
pub fn prove<'py>(
    py: Python<'py>,
    records: &Bound<'py, PyAny>,
    places: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let records = BlobArrays::new("records", records)?;
    let places = array_of::<i32, Ix1>(places, || "places".into())?;
    let (records, threads) = (records.view()?, threads());
    let n = records.len();
    let places: Vec<_> = places.as_slice()?.iter().map(|&p| p as usize).collect();
    // What was negative is larger than any length now.
    if let Some(&place) = places.iter().find(|&&place| place >= n) {
        let got = place as i32;
        return Err(PyValueError::new_err(format!(
            "places: expected places of {n} records, got {got}"
        )));
    }
    let proofs = run(py, "prove", || super::prove(records, &places, threads))?;
    let proofs = proofs.iter().map(|proof| PyBytes::new(py, proof));
    Ok(proofs.collect())
}

#[pyfunction]
pub fn answer_seals<'py>(
    py: Python<'py>,
    body: &Bound<'py, PyBytes>,
    within_s: f64,
    max_records: usize,
    max_proofs: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let (body, threads) = (body.as_bytes(), threads());
    let answer = run(py, "answer_seals", || {
        super::answer(body, within_s, max_records, max_proofs, threads)
    })?;
    Ok(answered(py, answer))
}
