//! The Python module: one thin wrapper for each kernel.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use numpy::{Ix1, Ix2, Ix3, PyArray, PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::boundary::{
    BlobArrays, KernelPanic, array, array_of, attribute, bytes, check_shape, natural, run,
    value_error, zeros,
};
use crate::packed::{CodePoints, NameIndex};
use crate::planes::{BINS, words_for};
use crate::rules::{MAX_BBAN, PaymentColumns, RuleTables};
use crate::screen::screen as screen_names;
use crate::seal::{prove as prove_places, seal as seal_records, verify as verify_record};
use crate::validate::validate as validate_payments;

type Hits<'py> = (Bound<'py, PyArray2<i32>>, Bound<'py, PyArray2<f64>>);

/// What `use_threads` set: for the whole process, as the cores are.
static THREADS: AtomicUsize = AtomicUsize::new(1);

/// What decides how fast this is.
fn build_info() -> String {
    let profile = if cfg!(debug_assertions) {
        "debug build, not to be measured"
    } else {
        "release build"
    };
    #[cfg(target_arch = "x86_64")]
    let features = [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("SHA-NI", is_x86_feature_detected!("sha")),
    ];
    #[cfg(target_arch = "aarch64")]
    let features = [("SHA2", std::arch::is_aarch64_feature_detected!("sha2"))];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let features: [(&str, bool); 0] = [];
    let found = features.map(|(name, is_there)| {
        let with = if is_there { "with" } else { "without" };
        format!(", {with} {name}")
    });
    profile.to_owned() + &found.concat()
}

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::KernelPanic;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("build_info", build_info())
    }

    /// One large call takes so many threads at most.
    #[pyfunction]
    fn use_threads(count: &Bound<'_, PyAny>) -> PyResult<()> {
        let count = natural("count", count)?;
        if count == 0 {
            return Err(PyValueError::new_err("count: expected at least 1, got 0"));
        }
        THREADS.store(count, Relaxed);
        Ok(())
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

        let threads = THREADS.load(Relaxed);
        let places = queries.len().saturating_mul(limit);
        let (mut rows, mut scores) = (zeros::<i32>(places)?, zeros::<f64>(places)?);
        run(py, "screen", || {
            screen_names(
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
    fn validate<'py>(
        py: Python<'py>,
        payments: &Bound<'py, PyAny>,
        rules: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let column = |owner: &'static str| {
            let field = &owner["payments.".len()..];
            BlobArrays::new(owner, &attribute("payments", payments, field)?)
        };
        let end_to_end_id = column("payments.end_to_end_id")?;
        let debtor_iban = column("payments.debtor_iban")?;
        let creditor_iban = column("payments.creditor_iban")?;
        let creditor_bic = column("payments.creditor_bic")?;
        let currency = column("payments.currency")?;
        let amount = column("payments.amount")?;
        let country = array::<u8, Ix1>("rules", rules, "country")?;
        let length = array::<u8, Ix1>("rules", rules, "length")?;
        let classes = array::<u8, Ix2>("rules", rules, "classes")?;
        let home = array::<u16, Ix1>("rules", rules, "home")?;
        let minor_units = array::<u8, Ix1>("rules", rules, "minor_units")?;

        let payments = PaymentColumns {
            end_to_end_id: end_to_end_id.view()?,
            debtor_iban: debtor_iban.view()?,
            creditor_iban: creditor_iban.view()?,
            creditor_bic: creditor_bic.view()?,
            currency: currency.view()?,
            amount: amount.view()?,
        }
        .check()
        .map_err(value_error("payments"))?;
        check_shape("rules.classes", &classes, &[length.len(), MAX_BBAN])?;
        let rules = RuleTables::new(
            country.as_slice()?,
            length.as_slice()?,
            classes.as_slice()?,
            home.as_slice()?,
            minor_units.as_slice()?,
        )
        .map_err(value_error("rules"))?;

        let threads = THREADS.load(Relaxed);
        let mut violations = zeros::<u32>(payments.len())?;
        run(py, "validate", || {
            validate_payments(payments, rules, threads, &mut violations)
        })?;
        Ok(PyArray::from_vec(py, violations))
    }

    #[pyfunction]
    fn seal<'py>(py: Python<'py>, records: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        let records = BlobArrays::new("records", records)?;
        let (records, threads) = (records.view()?, THREADS.load(Relaxed));
        let root = run(py, "seal", || seal_records(records, threads))?;
        Ok(PyBytes::new(py, &root))
    }

    #[pyfunction]
    fn prove<'py>(
        py: Python<'py>,
        records: &Bound<'py, PyAny>,
        places: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let records = BlobArrays::new("records", records)?;
        let places = array_of::<i32, Ix1>(places, || "places".into())?;
        let (records, threads) = (records.view()?, THREADS.load(Relaxed));
        let n = records.len();
        let places: Vec<_> = places.as_slice()?.iter().map(|&p| p as usize).collect();
        // What was negative is larger than any length now.
        if let Some(&place) = places.iter().find(|&&place| place >= n) {
            let got = place as i32;
            return Err(PyValueError::new_err(format!(
                "places: expected places of {n} records, got {got}"
            )));
        }
        let proofs = run(py, "prove", || prove_places(records, &places, threads))?;
        let proofs = proofs.iter().map(|proof| PyBytes::new(py, proof));
        Ok(proofs.collect())
    }

    #[pyfunction]
    fn verify(
        py: Python,
        record: &Bound<'_, PyAny>,
        place: &Bound<'_, PyAny>,
        size: &Bound<'_, PyAny>,
        proof: &Bound<'_, PyAny>,
        root: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let (place, size) = (natural("place", place)?, natural("size", size)?);
        let (record, proof) = (bytes("record", record)?, bytes("proof", proof)?);
        let root = bytes("root", root)?;
        run(py, "verify", || {
            verify_record(record, place, size, proof, root)
        })
    }

    /// For the test that a panic arrives as a KernelPanic.
    #[pyfunction]
    fn _panic(py: Python, message: String) -> PyResult<()> {
        run(py, "_panic", || panic!("{message}"))
    }
}
