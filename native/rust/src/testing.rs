//! What the tests of all kernels share.

#![allow(dead_code)] // The tests of any one set of kernels need a part of these.

use std::fs;

use serde_json::Value;

/// SplitMix64, enough for tests and without a crate.
pub struct Random(pub u64);

impl Random {
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.word() % n as u64) as usize
    }

    /// `longest` items at most, each one of `from`.
    pub fn draw<T: Copy>(&mut self, from: &[T], longest: usize) -> Vec<T> {
        let length = self.below(longest + 1);
        (0..length).map(|_| from[self.below(from.len())]).collect()
    }
}

/// A JSON file; `path` starts at the root of the repository.
pub fn json(path: &str) -> Value {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    let content = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&content).unwrap()
}

/// The vectors that all engines share, which come from outside of them.
pub fn vectors(kernel: &str) -> Vec<Value> {
    let file = json(&format!("tests/conformance/vectors/{kernel}.json"));
    let vectors = list(&file["vectors"]).to_vec();
    assert!(!vectors.is_empty());
    vectors
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub fn unhex(value: &Value) -> Vec<u8> {
    let digits = text(value).as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}
