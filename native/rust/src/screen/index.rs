//! The watchlist's names as `screen` reads them: by length, with the planes that count.

use crate::packed::{CodePoints, Malformed, check_offsets, malformed};

/// A code point's bin is its five low bits.
pub const BINS: usize = 32;

/// Planes are whole vectors of this many words.
pub const ALIGNMENT: usize = 8;

/// The words of a plane of n names.
pub fn words_for(n: usize) -> usize {
    n.div_ceil(64).next_multiple_of(ALIGNMENT)
}

/// Names sorted by length, prepared for `screen`; see `NameIndex` of the contract.
#[derive(Clone, Copy)]
pub struct NameIndex<'a> {
    pub names: CodePoints<'a>,
    pub rows: &'a [i32],
    planes: &'a [u64],
    plane_starts: &'a [i32],
    heads: &'a [u64],
    pub words: usize, // of one plane
}

impl<'a> NameIndex<'a> {
    /// planes, heads: their words, row by row.
    pub fn new(
        names: CodePoints<'a>,
        planes: &'a [u64],
        plane_starts: &'a [i32],
        heads: &'a [u64],
        rows: &'a [i32],
    ) -> Result<Self, Malformed> {
        let n = names.len();
        if rows.len() != n {
            return malformed(
                "rows",
                format!("expected one for each of {n} names, got {}", rows.len()),
            );
        }
        let words = words_for(n);
        if heads.len() != 2 * BINS * words {
            return malformed(
                "heads",
                format!("expected 2 x {BINS} planes of {words} words"),
            );
        }
        if plane_starts.len() != BINS + 1 {
            let got = plane_starts.len();
            return malformed(
                "plane_starts",
                format!("expected {} elements, got {got}", BINS + 1),
            );
        }
        let depth = planes.len().checked_div(words).unwrap_or(0);
        if planes.len() != depth * words {
            return malformed("planes", format!("expected planes of {words} words"));
        }
        check_offsets("plane_starts", plane_starts, depth)?;
        let shrinks = (names.offsets().windows(3))
            .fold(false, |shrinks, o| shrinks | (o[2] - o[1] < o[1] - o[0]));
        if shrinks {
            return malformed("offsets", "expected names sorted by length");
        }
        Ok(Self {
            names,
            rows,
            planes,
            plane_starts,
            heads,
            words,
        })
    }

    /// The planes whose sum is the number of characters a name has in common with the query.
    pub fn counting(&self, query: &[u32]) -> Vec<&'a [u64]> {
        let mut occurrences = [0; BINS];
        for &code_point in query {
            occurrences[code_point as usize % BINS] += 1;
        }
        let mut planes = Vec::with_capacity(2 * query.len());
        for (bin, &occurrences) in occurrences.iter().enumerate() {
            let bin = self.plane_starts[bin] as usize..self.plane_starts[bin + 1] as usize;
            let counting = bin.take(occurrences);
            planes.extend(counting.map(|plane| &self.planes[plane * self.words..][..self.words]));
        }
        planes
    }

    /// The names whose code point j, 0 or 1, is in the bin.
    pub fn head(&self, j: usize, bin: usize) -> &'a [u64] {
        &self.heads[(j * BINS + bin) * self.words..][..self.words]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_whose_arrays_do_not_fit_is_refused() {
        let sorted = CodePoints::new(&[0, 1, 3], &[1, 2, 3]).unwrap();
        let unsorted = CodePoints::new(&[0, 2, 3], &[1, 2, 3]).unwrap();
        let starts = |end| {
            (0..=32)
                .map(|i| if i == 32 { end } else { 0 })
                .collect::<Vec<i32>>()
        };
        let (planes, heads) = ([0; 16], [0; 512]);
        let problem = |names, planes: &[u64], starts: &[i32], heads: &[u64], rows: &[i32]| {
            let index = NameIndex::new(names, planes, starts, heads, rows);
            index.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(problem(sorted, &planes, &starts(2), &heads, &[0, 1]), "");
        for (refused, field) in [
            (problem(sorted, &planes, &starts(2), &heads, &[0]), "rows"),
            (
                problem(sorted, &planes, &starts(2), &heads[1..], &[0, 1]),
                "heads",
            ),
            (
                problem(sorted, &planes[1..], &starts(2), &heads, &[0, 1]),
                "planes",
            ),
            (
                problem(sorted, &planes, &starts(3), &heads, &[0, 1]),
                "plane_starts",
            ),
            (
                problem(sorted, &planes, &starts(2)[1..], &heads, &[0, 1]),
                "plane_starts",
            ),
            (
                problem(unsorted, &planes, &starts(2), &heads, &[0, 1]),
                "offsets",
            ),
        ] {
            assert!(
                refused.starts_with(&format!("{field}: expected ")),
                "{field}: {refused}"
            );
        }
    }
}
