//! `validate` for Python.

use numpy::{Ix1, Ix2, PyArray, PyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::rules::{MAX_BBAN, PaymentColumns, RuleTables};
use crate::boundary::{BlobArrays, array, attribute, check_shape, run, value_error, zeros};
use crate::python::threads;

#[pyfunction]
pub fn validate<'py>(
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

    let mut violations = zeros::<u32>(payments.len())?;
    let threads = threads();
    run(py, "validate", || {
        super::validate(payments, rules, threads, &mut violations)
    })?;
    Ok(PyArray::from_vec(py, violations))
}
