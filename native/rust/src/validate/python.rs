//! `validate` for Python.

use numpy::{Ix1, Ix2, PyArray, PyArray1, PyReadonlyArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::rules::{MAX_BBAN, PaymentColumns, RuleTables};
use crate::boundary::{
    BlobArrays, answered, array, attribute, check_shape, run, value_error, zeros,
};
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
    let rules = RuleArrays::new(rules)?;

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
    let rules = rules.view()?;

    let mut violations = zeros::<u32>(payments.len())?;
    let threads = threads();
    run(py, "validate", || {
        super::validate(payments, rules, threads, &mut violations)
    })?;
    Ok(PyArray::from_vec(py, violations))
}

#[pyfunction]
#[allow(clippy::too_many_arguments)] // as the contract has it
pub fn answer_validations<'py>(
    py: Python<'py>,
    body: &Bound<'py, PyBytes>,
    within_s: f64,
    rules: &Bound<'py, PyAny>,
    names: &Bound<'py, PyAny>,
    warnings: u32,
    max_payments: usize,
    max_field_chars: usize,
    max_name_chars: usize,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let rules = RuleArrays::new(rules)?;
    let names = BlobArrays::new("names", names)?;
    let (body, rules, names, threads) = (body.as_bytes(), rules.view()?, names.view()?, threads());
    let answer = run(py, "answer_validations", || {
        super::answer(
            body,
            within_s,
            rules,
            names,
            warnings,
            max_payments,
            max_field_chars,
            max_name_chars,
            threads,
        )
    })?;
    Ok(answered(py, answer))
}

/// `RuleTables` of the contract, borrowed for the call.
struct RuleArrays<'py> {
    country: PyReadonlyArray<'py, u8, Ix1>,
    length: PyReadonlyArray<'py, u8, Ix1>,
    classes: PyReadonlyArray<'py, u8, Ix2>,
    home: PyReadonlyArray<'py, u16, Ix1>,
    minor_units: PyReadonlyArray<'py, u8, Ix1>,
}

impl<'py> RuleArrays<'py> {
    fn new(rules: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self {
            country: array("rules", rules, "country")?,
            length: array("rules", rules, "length")?,
            classes: array("rules", rules, "classes")?,
            home: array("rules", rules, "home")?,
            minor_units: array("rules", rules, "minor_units")?,
        })
    }

    fn view(&self) -> PyResult<RuleTables<'_>> {
        let expected = [self.length.len(), MAX_BBAN];
        check_shape("rules.classes", &self.classes, &expected)?;
        RuleTables::new(
            self.country.as_slice()?,
            self.length.as_slice()?,
            self.classes.as_slice()?,
            self.home.as_slice()?,
            self.minor_units.as_slice()?,
        )
        .map_err(value_error("rules"))
    }
}
