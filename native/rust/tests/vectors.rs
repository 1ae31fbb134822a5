//! The vectors that all engines share, which come from outside of them.

use std::fs;

use hotpath_rust::packed::Blobs;
use hotpath_rust::rules::{DIGIT, LETTER, MAX_BBAN, PaymentColumns, RuleTables};
use hotpath_rust::seal::{prove, seal, verify};
use hotpath_rust::validate::validate;
use serde_json::Value;

fn json(path: &str) -> Value {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    let content = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&content).unwrap()
}

fn vectors(kernel: &str) -> Vec<Value> {
    let file = json(&format!("tests/conformance/vectors/{kernel}.json"));
    let vectors = file["vectors"].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn unhex(value: &Value) -> Vec<u8> {
    let digits = text(value).as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

struct Packed {
    offsets: Vec<i32>,
    data: Vec<u8>,
}

impl Packed {
    fn new(items: &[Vec<u8>]) -> Self {
        let lengths = items.iter().map(Vec::len);
        let ends = lengths.scan(0, |end, length| {
            *end += length as i32;
            Some(*end)
        });
        Self {
            offsets: [0].into_iter().chain(ends).collect(),
            data: items.concat(),
        }
    }

    fn blobs(&self) -> Blobs<'_> {
        Blobs::new(&self.offsets, &self.data).unwrap()
    }
}

#[test]
fn roots_and_proofs() {
    for vector in vectors("seal") {
        let records: Vec<_> = list(&vector["input"]).iter().map(unhex).collect();
        let packed = Packed::new(&records);
        let expected = &vector["expected"];
        let places: Vec<_> = (0..records.len()).collect();
        let proofs: Vec<_> = list(&expected["proofs"]).iter().map(unhex).collect();
        let root = seal(packed.blobs(), 1);
        assert_eq!(root[..], unhex(&expected["root"]), "{}", vector["id"]);
        assert_eq!(
            prove(packed.blobs(), &places, 1),
            proofs,
            "{}",
            vector["id"]
        );
    }
}

#[test]
fn proofs_are_verified_or_refused() {
    for vector in vectors("verify") {
        let input = &vector["input"];
        let [record, proof, root] = ["record", "proof", "root"].map(|name| unhex(&input[name]));
        let (place, size) = (number(&input["place"]), number(&input["size"]));
        let is_proven = verify(&record, place, size, &proof, &root);
        assert_eq!(is_proven, vector["expected"], "{}", vector["id"]);
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

fn letters_number(code: &str) -> usize {
    code.bytes().fold(0, |n, c| 26 * n + (c - b'A') as usize)
}

impl Tables {
    fn read() -> Self {
        let rules = json("service/domain/payment_rules.json");
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
            tables.country[letters_number(code)] = place as u8;
            tables.length.push(4 + bban.len() as u8);
            bban.resize(MAX_BBAN, 0);
            tables.classes.extend(bban);
        }
        for (territory, country) in entries("bic_territories") {
            tables.home[letters_number(&territory)] = letters_number(text(&country)) as u16;
        }
        for (code, decimals) in entries("currencies") {
            tables.minor_units[letters_number(&code)] = number(&decimals) as u8;
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
fn broken_rules() {
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
            Packed::new(&payments.iter().map(value).collect::<Vec<_>>())
        };
        let columns = [
            "end_to_end_id",
            "debtor_iban",
            "creditor_iban",
            "creditor_bic",
            "currency",
            "amount",
        ]
        .map(column);
        let [
            end_to_end_id,
            debtor_iban,
            creditor_iban,
            creditor_bic,
            currency,
            amount,
        ] = columns.each_ref().map(Packed::blobs);
        let columns = PaymentColumns {
            end_to_end_id,
            debtor_iban,
            creditor_iban,
            creditor_bic,
            currency,
            amount,
        };
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
