//! A request's JSON, read without an object of it, and an answer's, written as Pydantic does.
//!
//! `None` means that the text is not plainly what is expected: not that it is wrong, nor why. Who
//! gets it takes the other way, which has the words for what is wrong.

#![allow(dead_code)] // Any one set of kernels needs a part of these.

use std::io::Write;

use jiter::{Jiter, NumberInt};

/// What came of a body that is plainly valid.
pub enum Answer {
    Body(Vec<u8>),
    /// Not begun, as it is expected to take so many seconds, which is longer than was given.
    Heavy(f64),
}

impl Answer {
    /// Heavy where that is more than was given.
    pub fn heavier(expected_s: f64, within_s: f64) -> Option<Self> {
        (expected_s > within_s).then_some(Self::Heavy(expected_s))
    }
}

/// The members of an object, each at most once: `member` reads the value of the name, and gives
/// None for a name that there is not.
pub fn object(
    json: &mut Jiter,
    names: &[&str],
    mut member: impl FnMut(&mut Jiter, usize) -> Option<()>,
) -> Option<()> {
    let mut seen = 0_u32;
    let mut next = json.next_object().ok()?;
    while let Some(name) = next {
        let place = names.iter().position(|&known| known == name)?;
        if seen & 1 << place != 0 {
            return None;
        }
        seen |= 1 << place;
        member(json, place)?;
        next = json.next_key().ok()?;
    }
    Some(())
}

/// Reads at most so many elements. Returns how many there were.
pub fn array(
    json: &mut Jiter,
    most: usize,
    mut element: impl FnMut(&mut Jiter) -> Option<()>,
) -> Option<usize> {
    let mut count = 0;
    let mut next = json.next_array().ok()?;
    while next.is_some() {
        count += 1;
        if count > most {
            return None;
        }
        element(json)?;
        next = json.array_step().ok()?;
    }
    Some(count)
}

/// A text of at most so many code points.
pub fn text<'a>(json: &'a mut Jiter, most: usize) -> Option<&'a str> {
    let text = json.next_str().ok()?;
    (text.len() <= most || text.chars().count() <= most).then_some(text)
}

pub fn int(json: &mut Jiter) -> Option<i64> {
    match json.next_int().ok()? {
        NumberInt::Int(value) => Some(value),
        #[allow(unreachable_patterns)] // there is another with jiter's feature num-bigint
        _ => None,
    }
}

pub fn float(json: &mut Jiter) -> Option<f64> {
    json.next_float().ok()
}

pub fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a vector takes all");
}

/// The shortest decimals that are this number again. value: finite.
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    serde_json::to_writer(out, &value).expect("a vector takes all");
}

pub fn write_int(out: &mut Vec<u8>, value: usize) {
    write!(out, "{value}").expect("a vector takes all");
}

/// The items with a comma between.
pub fn join<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}
