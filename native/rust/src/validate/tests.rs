use serde_json::Value;

use super::*;
use crate::packed::Items;
use crate::testing::{Random, json, list, text, vectors};

/// Division by hand, one digit of the whole number after the other.
#[test]
fn the_remainder_is_that_of_the_number_written_out() {
    let mut random = Random(97);
    for length in 0..=34 {
        for _ in 0..50 {
            let text: Vec<u8> = (0..length)
                .map(|_| b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[random.below(36)])
                .collect();
            let mut number = Mod97::default();
            let mut written_out = String::new();
            for &c in text.iter().rev() {
                number.prepend(CHARACTERS[c as usize]);
            }
            for &c in &text {
                written_out += &char::from(c).to_digit(36).unwrap().to_string();
            }
            let digits = written_out.chars().map(|c| c.to_digit(10).unwrap());
            let expected = digits.fold(0, |rest, digit| (10 * rest + digit) % 97);
            assert_eq!(number.sum % 97, expected, "{written_out}");
        }
    }
}

#[test]
fn threads_find_the_same_rules_broken() {
    let (n, mut random) = (3 * PAYMENTS_PER_THREAD + 1, Random(5));
    let mut offsets = vec![0];
    let (mut data, mut expected) = (Vec::new(), Vec::new());
    let mut is_taken = vec![false; n];
    for i in 0..n {
        let number = random.below(n);
        data.extend_from_slice(number.to_string().as_bytes());
        offsets.push(data.len() as i32);
        if is_taken[number] {
            expected.push(i);
        }
        is_taken[number] = true;
    }
    let column = Blobs::new(&offsets, &data).unwrap();
    let payments = PaymentColumns {
        end_to_end_id: column,
        debtor_iban: column,
        creditor_iban: column,
        creditor_bic: column,
        currency: column,
        amount: column,
    };
    let (country, minor_units) = ([255; 26 * 26], [255; 26 * 26 * 26]);
    let rules = RuleTables::new(&country, &[], &[], &[0; 26 * 26], &minor_units).unwrap();
    let found = |threads| {
        let mut violations = vec![0; n];
        validate(payments, rules, threads, &mut violations);
        violations
    };
    let alone = found(1);
    let repeated: Vec<_> = (0..n).filter(|&i| alone[i] & ID_DUPLICATE != 0).collect();
    assert_eq!(repeated, expected);
    for threads in [2, 3, 64] {
        assert!(found(threads) == alone, "{threads} threads");
    }
}

/// The tables of the contract, from the file that knows countries and currencies.
struct Tables {
    country: Vec<u8>,
    length: Vec<u8>,
    classes: Vec<u8>,
    home: Vec<u16>,
    minor_units: Vec<u8>,
}

fn number_of(code: &str) -> usize {
    code.bytes().fold(0, |n, c| 26 * n + (c - b'A') as usize)
}

impl Tables {
    fn read() -> Self {
        let rules = json("service/screening/contract/payment_rules.json");
        let entries = |name: &str| rules[name].as_object().unwrap().clone();
        let mut tables = Self {
            country: vec![255; 26 * 26],
            length: Vec::new(),
            classes: Vec::new(),
            home: (0..26 * 26).collect(),
            minor_units: vec![255; 26 * 26 * 26],
        };
        for (place, (code, structure)) in entries("countries").iter().enumerate() {
            let mut bban = Vec::new();
            // Such as "4!a6!n": the count, then the kind.
            let mut rest = text(structure);
            while let Some((count, tail)) = rest.split_once('!') {
                let class = match &tail[..1] {
                    "n" => DIGIT,
                    "a" => LETTER,
                    "c" => DIGIT | LETTER,
                    kind => panic!("{code}: {kind}"),
                };
                bban.extend(vec![class; count.parse().unwrap()]);
                rest = &tail[1..];
            }
            tables.country[number_of(code)] = place as u8;
            tables.length.push(4 + bban.len() as u8);
            bban.resize(MAX_BBAN, 0);
            tables.classes.extend(bban);
        }
        for (territory, country) in entries("bic_territories") {
            tables.home[number_of(&territory)] = number_of(text(&country)) as u16;
        }
        for (code, decimals) in entries("currencies") {
            tables.minor_units[number_of(&code)] = decimals.as_u64().unwrap() as u8;
        }
        tables
    }

    fn rules(&self) -> RuleTables<'_> {
        RuleTables::new(
            &self.country,
            &self.length,
            &self.classes,
            &self.home,
            &self.minor_units,
        )
        .unwrap()
    }
}

#[test]
fn the_vectors_that_all_engines_share() {
    let tables = Tables::read();
    let file = json("tests/conformance/vectors/validate.json");
    let names = list(&file["rules"]);
    for vector in vectors("validate") {
        let payments = list(&vector["input"]);
        let column = |field: &str| {
            let value = |payment: &Value| match payment.get(field) {
                Some(value) => text(value).as_bytes().to_vec(),
                None => text(&file["valid_payment"][field]).as_bytes().to_vec(),
            };
            Items::pack(&payments.iter().map(value).collect::<Vec<_>>())
        };
        let columns = PaymentColumns::FIELDS.map(column);
        let columns = PaymentColumns::from(columns.each_ref().map(Items::packed));
        let mut violations = vec![0; payments.len()];
        validate(columns.check().unwrap(), tables.rules(), 1, &mut violations);
        let named = |found: &u32| {
            let is_broken = |bit: &usize| found >> bit & 1 == 1;
            let broken = (0..32).filter(is_broken).map(|bit| names[bit].clone());
            Value::Array(broken.collect())
        };
        let found: Vec<_> = violations.iter().map(named).collect();
        assert_eq!(found, list(&vector["expected"]), "{}", vector["id"]);
    }
}
