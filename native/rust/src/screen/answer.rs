//! The request of matching names, from its body to its answer's.

use jiter::Jiter;

use super::names::{Folding, Normalizer};
use super::{NameIndex, screen};
use crate::json::{self, Answer};
use crate::packed::{Blobs, Items};

/// What a request may ask for at most, and what it asks for where it does not say.
#[derive(Clone, Copy)]
pub struct Limits {
    pub names: usize,
    pub name_chars: usize,
    pub hits: usize,
    pub cutoff: f64,
    pub limit: usize,
}

/// What a byte of the body takes to be read, escapes and rare characters among them. Measured.
const S_PER_BYTE: f64 = 1e-8;

/// What a pair of names takes, by length of the query: at a high cutoff the bound discards nearly
/// all, 64 at a time. Measured.
const S_PER_PAIR: f64 = 4e-10;
const S_PER_PAIR_UNBOUND: f64 = 1e-7;
const UNBOUND_BELOW: f64 = 0.8;
const CHARS: f64 = 32.0;

/// None where the body is not plainly a request; see `answer_matches` of the contract.
/// rows: of each name of the list the beginning of its hit, up to the score.
pub fn answer(
    body: &[u8],
    within_s: f64,
    folding: Folding,
    index: NameIndex,
    rows: Blobs,
    limits: Limits,
    threads: usize,
) -> Option<Answer> {
    // A body can be a megabyte: what reads it is not to hold up anybody either.
    let reading_s = S_PER_BYTE * body.len() as f64;
    let heavy = Answer::heavier(reading_s, within_s);
    if heavy.is_some() {
        return heavy;
    }
    let mut normalizer = Normalizer::new(folding);
    let mut names = Items::with_capacity(16, body.len()); // as JSON has them
    let mut queries = Items::with_capacity(16, body.len());
    let (mut cutoff, mut limit) = (limits.cutoff, limits.limit);
    let mut request = Jiter::new(body);
    json::object(
        &mut request,
        &["names", "cutoff", "limit"],
        |json, member| {
            match member {
                0 => {
                    json::array(json, limits.names, |json| {
                        let name = json::text(json, limits.name_chars)?;
                        names.push(|out| json::write_text(out, name));
                        queries.push(|out| normalizer.normalize(name, out));
                        Some(())
                    })?;
                }
                1 => cutoff = json::float(json)?,
                _ => limit = usize::try_from(json::int(json)?).ok()?,
            }
            Some(())
        },
    )?;
    request.finish().ok()?;
    let is_allowed = (0.0..=1.0).contains(&cutoff) && (1..=limits.hits).contains(&limit);
    if names.is_empty() || !is_allowed {
        return None;
    }
    let heavy = Answer::heavier(reading_s + cost_s(&queries, index, cutoff), within_s);
    if heavy.is_some() {
        return heavy;
    }
    let places = queries.len() * limit;
    let (mut found, mut scores) = (vec![0; places], vec![0.0; places]);
    screen(
        queries.packed(),
        index,
        cutoff,
        limit,
        threads,
        &mut found,
        &mut scores,
    );
    let held = found.iter().filter(|&&row| row >= 0).count();
    let hits = found.chunks_exact(limit).zip(scores.chunks_exact(limit));
    let mut out = Vec::with_capacity(256 + 2 * body.len() + 192 * held);
    out.extend_from_slice(br#"{"results":["#);
    json::join(&mut out, hits.enumerate(), |out, (i, (found, scores))| {
        out.extend_from_slice(br#"{"name":"#);
        out.extend_from_slice(names.packed().get(i));
        out.extend_from_slice(br#","normalized":""#);
        write_points(out, queries.packed().get(i));
        out.extend_from_slice(br#"","hits":["#);
        let held = found.iter().zip(scores).take_while(|&(&row, _)| row >= 0);
        json::join(out, held, |out, (&row, &score)| {
            out.extend_from_slice(rows.get(row as usize));
            json::write_float(out, score);
            out.push(b'}');
        });
        out.extend_from_slice(b"]}");
    });
    out.extend_from_slice(b"]}");
    Some(Answer::Body(out))
}

fn cost_s(queries: &Items<u32>, index: NameIndex, cutoff: f64) -> f64 {
    let pair_s = if cutoff < UNBOUND_BELOW {
        S_PER_PAIR_UNBOUND
    } else {
        S_PER_PAIR
    };
    let queries = queries.packed();
    let long: f64 = (0..queries.len())
        .map(|i| 1.0 + queries.length(i) as f64 / CHARS)
        .sum();
    long * index.names.len() as f64 * pair_s
}

/// Letters, numbers and spaces, which JSON has as they are.
fn write_points(out: &mut Vec<u8>, points: &[u32]) {
    for &point in points {
        let char = char::from_u32(point).expect("it was one");
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
}
