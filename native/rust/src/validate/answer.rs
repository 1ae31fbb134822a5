//! The request of judging payments, from its body to its answer's.

use jiter::Jiter;

use super::{PaymentColumns, RuleTables, validate};
use crate::json::{self, Answer};
use crate::packed::{Blobs, Items};

const JUDGED: usize = PaymentColumns::FIELDS.len();

/// Those that no rule is about.
const NAMES: [&str; 2] = ["debtor_name", "creditor_name"];

/// What a byte of the body takes; measured.
const S_PER_BYTE: f64 = 1.5e-9;

/// None where the body is not plainly a request; see `answer_validations` of the contract.
#[allow(clippy::too_many_arguments)] // as the contract has it
pub fn answer(
    body: &[u8],
    within_s: f64,
    rules: RuleTables,
    names: Blobs,
    warnings: u32,
    max_payments: usize,
    max_field_chars: usize,
    max_name_chars: usize,
    threads: usize,
) -> Option<Answer> {
    let heavy = Answer::heavier(S_PER_BYTE * body.len() as f64, within_s);
    if heavy.is_some() {
        return heavy;
    }
    let mut columns: [Items<u8>; JUDGED] =
        std::array::from_fn(|_| Items::with_capacity(64, body.len() / 8));
    let fields = [PaymentColumns::FIELDS.as_slice(), &NAMES].concat();
    let mut payments = 0;
    let mut request = Jiter::new(body);
    json::object(&mut request, &["payments"], |json, _| {
        payments = json::array(json, max_payments, |json| {
            let mut given = 0;
            json::object(json, &fields, |json, field| {
                given += 1;
                match columns.get_mut(field) {
                    Some(column) => {
                        let text = json::text(json, max_field_chars)?;
                        column.push(|data| data.extend_from_slice(text.as_bytes()));
                    }
                    None => {
                        json::text(json, max_name_chars)?;
                    }
                }
                Some(())
            })?;
            (given == fields.len()).then_some(())
        })?;
        Some(())
    })?;
    request.finish().ok()?;
    if payments == 0 {
        return None;
    }
    let columns = PaymentColumns::from(columns.each_ref().map(Items::packed));
    let mut violations = vec![0; payments];
    validate(columns, rules, threads, &mut violations);
    Some(Answer::Body(write(&violations, names, warnings)))
}

fn write(broken: &[u32], names: Blobs, warnings: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + 80 * broken.len());
    out.extend_from_slice(br#"{"results":["#);
    json::join(&mut out, broken, |out, &bits| {
        let violations = bits & !warnings;
        let valid = if violations == 0 { "true" } else { "false" };
        out.extend_from_slice(br#"{"valid":"#);
        out.extend_from_slice(valid.as_bytes());
        out.extend_from_slice(br#","violations":["#);
        write_names(out, violations, names);
        out.extend_from_slice(br#"],"warnings":["#);
        write_names(out, bits & warnings, names);
        out.extend_from_slice(b"]}");
    });
    out.extend_from_slice(b"]}");
    out
}

fn write_names(out: &mut Vec<u8>, bits: u32, names: Blobs) {
    let named = (0..names.len()).filter(|bit| bits >> bit & 1 == 1);
    json::join(out, named, |out, bit| {
        out.push(b'"');
        out.extend_from_slice(names.get(bit));
        out.push(b'"');
    });
}
