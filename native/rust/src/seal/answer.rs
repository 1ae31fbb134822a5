//! The request of sealing, from its body to its answer's.

use jiter::Jiter;

use super::{Hash, prove, seal};
use crate::json::{self, Answer};
use crate::packed::Items;

/// What a byte of the body takes with records of 100 bytes and more; measured.
const S_PER_BYTE: f64 = 2e-9;

/// None where the body is not plainly a request; see `answer_seals` of the contract.
pub fn answer(
    body: &[u8],
    within_s: f64,
    max_records: usize,
    max_proofs: usize,
    threads: usize,
) -> Option<Answer> {
    let heavy = Answer::heavier(S_PER_BYTE * body.len() as f64, within_s);
    if heavy.is_some() {
        return heavy;
    }
    let (mut records, mut places) = (None, Vec::new());
    let mut request = Jiter::new(body);
    json::object(&mut request, &["records", "prove"], |json, member| {
        match member {
            0 => records = Some(read_records(json, max_records, body.len())?),
            _ => {
                json::array(json, max_proofs, |json| {
                    places.push(usize::try_from(json::int(json)?).ok()?);
                    Some(())
                })?;
            }
        }
        Some(())
    })?;
    request.finish().ok()?;
    let records = records?;
    if places.iter().any(|&place| place >= records.len()) {
        return None;
    }
    // The place that is wanted twice is answered once, as in any object.
    let mut wanted: Vec<usize> = Vec::with_capacity(places.len());
    for place in places {
        if !wanted.contains(&place) {
            wanted.push(place);
        }
    }
    let root = seal(records.packed(), threads);
    let proofs = prove(records.packed(), &wanted, threads);
    let answer = write(&root, records.len(), &wanted, &proofs);
    Some(Answer::Body(answer))
}

fn read_records(json: &mut Jiter, most: usize, bytes: usize) -> Option<Items<u8>> {
    let mut records = Items::with_capacity(most.min(bytes / 4), bytes / 4 * 3);
    json::array(json, most, |json| {
        let text = json.next_str().ok()?;
        records
            .push(|data| base64_simd::STANDARD.decode_append(text, data))
            .ok()
    })?;
    Some(records)
}

fn write(root: &Hash, size: usize, places: &[usize], proofs: &[Vec<u8>]) -> Vec<u8> {
    let nodes: usize = proofs.iter().map(Vec::len).sum();
    let mut out = Vec::with_capacity(128 + 3 * nodes + 16 * places.len());
    out.extend_from_slice(br#"{"root":"#);
    hex(&mut out, root);
    out.extend_from_slice(br#","size":"#);
    json::write_int(&mut out, size);
    out.extend_from_slice(br#","proofs":{"#);
    json::join(
        &mut out,
        places.iter().zip(proofs),
        |out, (&place, proof)| {
            out.push(b'"');
            json::write_int(out, place);
            out.extend_from_slice(br#"":["#);
            json::join(out, proof.chunks(size_of::<Hash>()), |out, node| {
                hex(out, node)
            });
            out.push(b']');
        },
    );
    out.extend_from_slice(b"}}");
    out
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
    out.push(b'"');
}
