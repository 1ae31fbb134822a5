//! The rules of `validate` and the payments that they judge, checked once.

use crate::packed::{Blobs, Malformed, malformed};

/// The bits of `Violation` of the contract. A creditor's IBAN has those of the debtor's,
/// shifted by `DEBTOR_TO_CREDITOR`.
pub const IBAN_COUNTRY: u32 = 1 << 0;
pub const IBAN_LENGTH: u32 = 1 << 1;
pub const IBAN_STRUCTURE: u32 = 1 << 2;
pub const IBAN_CHECKSUM: u32 = 1 << 3;
pub const DEBTOR_TO_CREDITOR: u32 = 4;
pub const BIC_STRUCTURE: u32 = 1 << 8;
pub const BIC_COUNTRY: u32 = 1 << 9;
pub const CURRENCY_UNKNOWN: u32 = 1 << 10;
pub const AMOUNT_FORMAT: u32 = 1 << 11;
pub const AMOUNT_MINOR_UNITS: u32 = 1 << 12;
pub const AMOUNT_RANGE: u32 = 1 << 13;
pub const ID_FORMAT: u32 = 1 << 14;
pub const ID_DUPLICATE: u32 = 1 << 15;

/// What a place of a BBAN may hold.
pub const DIGIT: u8 = 1;
pub const LETTER: u8 = 2;

pub const MAX_BBAN: usize = 30;
const COUNTRIES: usize = 26 * 26;
const CURRENCIES: usize = 26 * 26 * 26;
const UNKNOWN: u8 = 255;

/// The structure of a country's IBANs.
pub struct Structure<'a> {
    pub length: usize,
    /// What each place of the BBAN may hold; 0 behind its end.
    pub classes: &'a [u8],
}

/// See `RuleTables` of the contract.
#[derive(Clone, Copy)]
pub struct RuleTables<'a> {
    country: &'a [u8; COUNTRIES],
    length: &'a [u8],
    classes: &'a [u8],
    home: &'a [u16; COUNTRIES],
    minor_units: &'a [u8; CURRENCIES],
}

impl<'a> RuleTables<'a> {
    /// classes: row by row.
    pub fn new(
        country: &'a [u8],
        length: &'a [u8],
        classes: &'a [u8],
        home: &'a [u16],
        minor_units: &'a [u8],
    ) -> Result<Self, Malformed> {
        let country = of_length("country", country)?;
        let home = of_length("home", home)?;
        let minor_units = of_length("minor_units", minor_units)?;
        let countries = length.len();
        // A fold without early exit, because that is the form that vectorises.
        let is_outside = |place: u8| place != UNKNOWN && place as usize >= countries;
        if country
            .iter()
            .fold(false, |any, &place| any | is_outside(place))
        {
            let problem = format!("expected places below {countries}, or {UNKNOWN}");
            return malformed("country", problem);
        }
        if let Some(length) = length
            .iter()
            .find(|l| !(4..=4 + MAX_BBAN).contains(&(**l as usize)))
        {
            let problem = format!("expected 4 to {}, got {length}", 4 + MAX_BBAN);
            return malformed("length", problem);
        }
        if classes.len() != countries * MAX_BBAN {
            let problem = format!("expected {countries} rows of {MAX_BBAN}, one for each length");
            return malformed("classes", problem);
        }
        Ok(Self {
            country,
            length,
            classes,
            home,
            minor_units,
        })
    }

    /// None where the country has no IBANs.
    #[inline]
    pub fn iban(&self, country: usize) -> Option<Structure<'a>> {
        let place = self.country[country];
        (place != UNKNOWN).then(|| Structure {
            length: self.length[place as usize] as usize,
            classes: &self.classes[place as usize * MAX_BBAN..][..MAX_BBAN],
        })
    }

    /// The home country of a BIC's country.
    #[inline]
    pub fn home(&self, country: usize) -> usize {
        self.home[country] as usize
    }

    /// None where the currency is unknown.
    #[inline]
    pub fn minor_units(&self, currency: usize) -> Option<usize> {
        let decimals = self.minor_units[currency];
        (decimals != UNKNOWN).then_some(decimals as usize)
    }
}

fn of_length<'a, T, const N: usize>(
    field: &'static str,
    table: &'a [T],
) -> Result<&'a [T; N], Malformed> {
    match table.try_into() {
        Ok(table) => Ok(table),
        Err(_) => malformed(field, format!("expected {N} elements, got {}", table.len())),
    }
}

/// See `PaymentColumns` of the contract.
#[derive(Clone, Copy)]
pub struct PaymentColumns<'a> {
    pub end_to_end_id: Blobs<'a>,
    pub debtor_iban: Blobs<'a>,
    pub creditor_iban: Blobs<'a>,
    pub creditor_bic: Blobs<'a>,
    pub currency: Blobs<'a>,
    pub amount: Blobs<'a>,
}

impl<'a> From<[Blobs<'a>; 6]> for PaymentColumns<'a> {
    /// In the order of `FIELDS`.
    fn from(columns: [Blobs<'a>; 6]) -> Self {
        let [
            end_to_end_id,
            debtor_iban,
            creditor_iban,
            creditor_bic,
            currency,
            amount,
        ] = columns;
        Self {
            end_to_end_id,
            debtor_iban,
            creditor_iban,
            creditor_bic,
            currency,
            amount,
        }
    }
}

impl PaymentColumns<'_> {
    pub const FIELDS: [&'static str; 6] = [
        "end_to_end_id",
        "debtor_iban",
        "creditor_iban",
        "creditor_bic",
        "currency",
        "amount",
    ];

    pub fn check(self) -> Result<Self, Malformed> {
        let n = self.amount.len();
        for (field, column) in [
            ("end_to_end_id", self.end_to_end_id),
            ("debtor_iban", self.debtor_iban),
            ("creditor_iban", self.creditor_iban),
            ("creditor_bic", self.creditor_bic),
            ("currency", self.currency),
        ] {
            if column.len() != n {
                let got = column.len();
                return malformed(
                    field,
                    format!("expected {n} items, as amount has, got {got}"),
                );
            }
        }
        Ok(self)
    }

    pub fn len(&self) -> usize {
        self.amount.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_do_not_fit_each_other_are_refused() {
        let mut known = [UNKNOWN; COUNTRIES];
        known[7] = 1;
        let (home, minor_units) = ([0; COUNTRIES], [0; CURRENCIES]);
        let problem =
            |country: &[u8], length: &[u8], classes: &[u8], home: &[u16], units: &[u8]| {
                let tables = RuleTables::new(country, length, classes, home, units);
                tables.err().map(|e| e.to_string()).unwrap_or_default()
            };
        let rows = [0; 2 * MAX_BBAN];
        let (short, long) = ([15, 3], [15, 35]);
        assert_eq!(problem(&known, &[15, 34], &rows, &home, &minor_units), "");
        for (refused, field) in [
            (
                problem(&known[1..], &[15, 34], &rows, &home, &minor_units),
                "country",
            ),
            (
                problem(&known, &[15], &rows[30..], &home, &minor_units),
                "country",
            ),
            (
                problem(&known, &short, &rows, &home, &minor_units),
                "length",
            ),
            (problem(&known, &long, &rows, &home, &minor_units), "length"),
            (
                problem(&known, &[15, 34], &rows[1..], &home, &minor_units),
                "classes",
            ),
            (
                problem(&known, &[15, 34], &rows, &home[1..], &minor_units),
                "home",
            ),
            (
                problem(&known, &[15, 34], &rows, &home, &minor_units[1..]),
                "minor_units",
            ),
        ] {
            assert!(
                refused.starts_with(&format!("{field}: expected ")),
                "{field}: {refused}"
            );
        }
    }

    #[test]
    fn columns_of_different_lengths_are_refused() {
        let (two, one) = (
            Blobs::new(&[0, 0, 0], &[]).unwrap(),
            Blobs::new(&[0, 0], &[]).unwrap(),
        );
        let columns = |currency| PaymentColumns {
            end_to_end_id: two,
            debtor_iban: two,
            creditor_iban: two,
            creditor_bic: two,
            currency,
            amount: two,
        };
        assert!(columns(two).check().is_ok());
        assert_eq!(
            columns(one).check().err().unwrap().to_string(),
            "currency: expected 2 items, as amount has, got 1"
        );
    }
}
