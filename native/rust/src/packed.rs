//! Packed names and bytes, checked once: what passes here cannot lead a kernel out of bounds.

use std::fmt;

use crate::planes::{BINS, words_for};

/// An array that does not keep the contract.
#[derive(Debug, PartialEq)]
pub struct Malformed {
    /// The field at fault, for example `offsets`.
    pub field: &'static str,
    /// What was expected and what came.
    pub problem: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

pub fn malformed<T>(field: &'static str, problem: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed {
        field,
        problem: problem.into(),
    })
}

fn check_offsets(field: &'static str, offsets: &[i32], end: usize) -> Result<(), Malformed> {
    let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
        return malformed(field, "expected at least 1 element, got 0");
    };
    if first != 0 {
        return malformed(field, format!("expected to start at 0, got {first}"));
    }
    if usize::try_from(last) != Ok(end) {
        return malformed(field, format!("expected to end at {end}, got {last}"));
    }
    // A fold without early exit, because that is the form that vectorises.
    let falls = offsets
        .windows(2)
        .fold(false, |falls, pair| falls | (pair[1] < pair[0]));
    if falls {
        return malformed(field, "expected values that never fall");
    }
    Ok(())
}

/// Packed text: item i is `data[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Copy)]
pub struct Packed<'a, T> {
    offsets: &'a [i32],
    data: &'a [T],
}

pub type CodePoints<'a> = Packed<'a, u32>;
pub type Blobs<'a> = Packed<'a, u8>;

impl<'a, T> Packed<'a, T> {
    pub fn new(offsets: &'a [i32], data: &'a [T]) -> Result<Self, Malformed> {
        check_offsets("offsets", offsets, data.len())?;
        Ok(Self { offsets, data })
    }

    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Of all items together, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.data)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub fn length(&self, i: usize) -> usize {
        (self.offsets[i + 1] - self.offsets[i]) as usize
    }

    #[inline]
    pub fn get(&self, i: usize) -> &'a [T] {
        &self.data[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
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
        let shrinks = (names.offsets.windows(3))
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

    fn problem(offsets: &[i32], data: &[u32]) -> String {
        CodePoints::new(offsets, data)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    }

    #[test]
    fn offsets_that_leave_the_data_are_refused() {
        assert_eq!(
            problem(&[], &[]),
            "offsets: expected at least 1 element, got 0"
        );
        assert_eq!(
            problem(&[1, 1], &[7]),
            "offsets: expected to start at 0, got 1"
        );
        assert_eq!(
            problem(&[0, 2], &[7]),
            "offsets: expected to end at 1, got 2"
        );
        assert_eq!(
            problem(&[0, -1], &[7]),
            "offsets: expected to end at 1, got -1"
        );
        assert_eq!(
            problem(&[0, 2, 1], &[7]),
            "offsets: expected values that never fall"
        );
        assert_eq!(
            problem(&[0, i32::MIN, i32::MAX, 1], &[7]),
            "offsets: expected values that never fall"
        );
        assert_eq!(problem(&[0, 0, 1, 1], &[7]), "");
    }

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
